import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lakeFiles, put } from '../../test/support/receiver.ts'
import { makeSealInput, newKey, POOL, writeReceiverFiles } from '../../test/support/sealing.ts'
import { type Ran, runHere } from '../../test/support/sluice.ts'
import { seal } from '../../uplink/seal.ts'
import { parseSigningKey } from '../../uplink/signature.ts'
import { main } from './cli.ts'

const PROGRAM = join(import.meta.dirname, '../main.ts')
const plant = newKey()
const sluicePool = (...args: readonly string[]): Promise<Ran> => runHere(main, args)

describe('sluice-pool', () => {
  let folder: string
  let config: string
  let running: ChildProcess | undefined
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-pool-'))
    config = writeReceiverFiles(folder, { plant: plant.id }).config
  })
  afterEach(async () => {
    if (running && running.exitCode === null && running.signalCode === null) {
      running.kill('SIGKILL')
      await once(running, 'exit')
    }
    await rm(folder, { recursive: true })
  })

  /** Starts a server; its lines come one by one. */
  async function serve(): Promise<{ url: string; next: () => Promise<string>; child: ChildProcess }> {
    const child = spawn(process.execPath, [PROGRAM, 'serve', '--config', config, '--json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    running = child
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const next = async (): Promise<string> => (await lines.next()).value ?? ''
    const { listening } = JSON.parse(await next())
    return { url: listening, next, child }
  }

  it('says where it listens, and at the end what came', async () => {
    const { url, next, child } = await serve()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect((await put(url, seal(makeSealInput({ signing: plant })))).status).toBe(201)
    child.kill('SIGTERM')
    expect(JSON.parse(await next())).toMatchObject({
      report: { pool: POOL, contributors: [{ rows: 6, streams: [{ batches: 1, gaps: [] }] }] },
    })
    if (child.exitCode === null) await once(child, 'exit')
    expect(child.exitCode).toBe(0)
  })

  it('killed at any moment, has each batch once', async () => {
    const batches = Array.from({ length: 40 }, (_, seq) => seal(makeSealInput({ signing: plant, seq })))
    const pending = new Set(batches)
    const deliver = async (url: string, onTaken: () => void = () => undefined): Promise<void> => {
      for (const batch of pending) {
        if ((await put(url, batch)).status > 201) continue
        pending.delete(batch)
        onTaken()
      }
    }
    for (let kills = 0; kills < 4; kills++) {
      const { url, child } = await serve()
      const left = 32 - kills * 8
      const delivering = deliver(url, () => {
        if (pending.size === left) setImmediate(() => child.kill('SIGKILL')) // the next one is on its way
      }).catch(() => undefined) // the connection breaks with the server
      await Promise.all([once(child, 'exit'), delivering])
    }
    const { url } = await serve()
    await deliver(url)
    expect(lakeFiles(join(folder, 'data'))).toHaveLength(batches.length)
    const report = await (await fetch(`${url}/v1/pools/${POOL}/report`)).json()
    expect(report).toMatchObject({ contributors: [{ rows: 240, streams: [{ batches: 40, gaps: [] }] }] })
  })

  it('makes a key once, for the owner alone', async () => {
    const file = join(folder, 'new.key')
    const made = JSON.parse((await sluicePool('keys', 'new', file, '--json')).out)
    const text = await readFile(file, 'utf8')
    expect(made).toEqual({ file, public: parseSigningKey(text).id })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await sluicePool('keys', 'new', file)).toMatchObject({
      code: 2,
      err: expect.stringContaining('file-exists'),
    })
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  it.each([
    { name: 'no configuration', change: () => rm(config), says: 'config-unreadable' },
    { name: 'no contract', change: () => rm(join(folder, 'contract.yaml')), says: 'contract.yaml' },
    { name: 'no key', change: () => rm(join(folder, 'receipt.key')), says: 'key-missing' },
    { name: 'a key that is none', change: () => writeFile(join(folder, 'receipt.key'), 'x'), says: 'key-invalid' },
    { name: 'a typo', change: () => edit('state: open', 'stat: open'), says: /line 8.*stat/ },
    { name: 'a wrong value', change: () => edit('port: 0', 'port: 99999'), says: /line 2, listen\.port/ },
    { name: 'a wrong key', change: () => edit('ed25519:', 'ed25519:A'), says: /line 10.*not a public key/ },
    { name: 'YAML that is none', change: () => edit('data_dir: data', 'data_dir: ]'), says: 'config-invalid' },
    { name: 'the contract of another pool', change: () => edit(`  ${POOL}:`, '  other:'), says: 'not other' },
  ])('ends with 2 and one clear message where there is $name', async ({ change, says }) => {
    await change()
    const { code, err } = await sluicePool('serve', '--config', config)
    expect(code).toBe(2)
    expect(err).toMatch(says)
    expect(err).not.toMatch(/ {4}at /)
  })

  it.each([['serve'], ['keys'], ['unknown'], []])('ends with 2 for %j and says how it is used', async (...args) => {
    expect(await sluicePool(...args.filter(Boolean))).toMatchObject({
      code: 2,
      err: expect.stringMatching(/config|Usage|unknown/),
    })
  })

  async function edit(from: string, to: string): Promise<void> {
    const text = await readFile(config, 'utf8')
    expect(text).toContain(from)
    await writeFile(config, text.replace(from, to))
  }
})
