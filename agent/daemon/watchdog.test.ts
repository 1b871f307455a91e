import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { eventually } from '../../test/support/eventually.ts'
import { extendStart, startWatchdog } from './watchdog.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-watchdog-'))
  writeFileSync(join(folder, 'said'), '')
  onTestFinished(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) // a command that was just started may still write
  })
})

/** A `systemd-notify` that writes down what it is told. */
function listen(): () => readonly string[] {
  const script = `#!/bin/sh\necho "$*" >> '${join(folder, 'said')}'\n`
  writeFileSync(join(folder, 'systemd-notify'), script, { mode: 0o755 })
  vi.stubEnv('PATH', folder + delimiter + process.env.PATH)
  vi.stubEnv('NOTIFY_SOCKET', join(folder, 'notify.sock'))
  return () => readFileSync(join(folder, 'said'), 'utf8').trim().split('\n')
}

/** A watchdog that beats every 10 ms, and what it says. */
function setUp(parts: { readonly stalled?: readonly string[]; readonly ping?: () => Promise<unknown> } = {}) {
  const said = listen()
  vi.stubEnv('WATCHDOG_USEC', '30000')
  const complaints: string[] = []
  const watchdog = startWatchdog({
    liveness: {
      watch: () => ({ beat: () => undefined, end: () => undefined }),
      excuse: () => undefined,
      stalled: () => parts.stalled ?? [],
    },
    log: { ...silentLog, error: (_, message) => complaints.push(message) },
    ping: parts.ping ?? (async () => []),
  })
  const stop = async (): Promise<void> => {
    await watchdog[Symbol.asyncDispose]()
    await eventually(() => expect(said()).toContain('STOPPING=1'))
  }
  onTestFinished(stop)
  return { complaints, said, stop }
}

describe('the watchdog', () => {
  it('says that the agent is ready, alive and stopping', async () => {
    const { said, stop } = setUp()
    await eventually(() => expect(said()).toEqual(expect.arrayContaining(['READY=1', 'WATCHDOG=1'])))
    await stop()
  })

  it.each([
    { name: 'a loop has stalled', parts: { stalled: ['commit'] }, complaint: /loops do not turn/ },
    { name: 'the store fails', parts: { ping: () => Promise.reject(new Error('gone')) }, complaint: /watchdog/ },
  ])('is not fed where $name', async ({ parts, complaint }) => {
    const { complaints, said, stop } = setUp(parts)
    await eventually(() => expect(complaints.length).toBeGreaterThan(3))
    expect(complaints[0]).toMatch(complaint)
    await stop()
    expect(said()).not.toContain('WATCHDOG=1')
  })

  it('is fed while the disk refuses: a start would not better it', async () => {
    const { said, stop } = setUp({
      ping: () => Promise.reject(new Fault('store-io', {}, 'the file system is read-only')),
    })
    await eventually(() => expect(said()).toContain('WATCHDOG=1'))
    await stop()
  })

  it('is silent where no one listens', async () => {
    vi.stubEnv('NOTIFY_SOCKET', '')
    vi.stubEnv('PATH', folder)
    const ping = vi.fn(async () => undefined)
    const liveness = { watch: vi.fn(), excuse: () => undefined, stalled: () => [] }
    await startWatchdog({ liveness, log: silentLog, ping })[Symbol.asyncDispose]()
    expect(ping).not.toHaveBeenCalled()
  })
})

describe('a start that takes long', () => {
  it('is put off for as long as it goes on', async () => {
    const said = listen()
    const work = Promise.withResolvers<string>()
    const start = extendStart(work.promise, silentLog, 10)
    await eventually(() => expect(said()).toContain('EXTEND_TIMEOUT_USEC=60000000'))
    work.resolve('opened')
    expect(await start).toBe('opened')
  })

  it('fails as it would have, and says nothing where no one listens', async () => {
    vi.stubEnv('NOTIFY_SOCKET', '')
    await expect(extendStart(Promise.reject(new Error('locked')), silentLog, 1)).rejects.toThrow('locked')
    expect(readFileSync(join(folder, 'said'), 'utf8')).toBe('')
  })
})
