import { createPrivateKey, createPublicKey } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openStore } from '../../buffer/store.ts'
import { loadConfig } from '../../config/load.ts'
import type { Leaf } from '../../core/audit.ts'
import { silentLog } from '../../core/log.ts'
import { sluice } from '../../test/support/sluice.ts'
import { openSmallPlant, type SmallPlant, untilStatus } from '../../test/support/small-plant.ts'
import { T0 } from '../../test/support/store.ts'
import { parseSigningKey } from '../../uplink/signature.ts'
import { openAuditKey } from '../audit/audit-key.ts'
import { type AuditKeyRotated, isRotationSigned } from '../audit/rotation.ts'
import { formerKeyFile, formerKeys } from '../daemon/signing-keys.ts'
import { destroyKey } from './destroy-key.ts'
import { rotateKey } from './rotate-key.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const linesOf = (text: string): number => text.trimEnd().split('\n').length

describe('sluice keys new', () => {
  it('writes a plant key that its owner alone can read, and never shows it', async () => {
    const file = join(folder, 'plant.key')
    const { code, out, err } = await sluice(['keys', 'new', 'plant', file])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const text = readFileSync(file, 'utf8')
    expect(text).toMatch(/^[A-Za-z0-9+/]{43}=\n$/)
    expect(Buffer.from(text, 'base64').length).toBe(32)
    expect(out).toContain(file)
    expect(out).not.toContain(text.trim())
  })

  it('prints the public half of a signing key', async () => {
    const file = join(folder, 'signing.key')
    const { code, out } = await sluice(['keys', 'new', 'signing', file, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      kind: 'signing',
      file,
      public: `ed25519:${publicHalf(readFileSync(file, 'utf8'))}`,
    })
  })

  it('makes another key each time', async () => {
    const files = ['one.key', 'two.key'].map((name) => join(folder, name))
    await Promise.all(files.map((file) => sluice(['keys', 'new', 'plant', file])))
    const [one, two] = files.map((file) => readFileSync(file, 'utf8'))
    expect(one).not.toBe(two)
  })

  it('never overwrites a file', async () => {
    const file = join(folder, 'precious.key')
    writeFileSync(file, 'precious')
    const { code, out, err } = await sluice(['keys', 'new', 'plant', file])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('file-exists')
    expect(linesOf(err)).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe('precious')
  })

  it.each([
    { name: 'an unknown kind of key', args: ['keys', 'new', 'master', 'FILE'], says: 'master' },
    { name: 'a folder that is not there', args: ['keys', 'new', 'plant', 'FOLDER'], says: 'cannot be written' },
    { name: 'no file', args: ['keys', 'new', 'plant'], says: 'missing required argument' },
    { name: 'an unknown option', args: ['keys', 'new', 'plant', 'FILE', '--force'], says: '--force' },
    { name: 'an unknown command', args: ['keyz'], says: 'keyz' },
  ])('ends with 2 and one line for $name', async ({ args, says }) => {
    const places: Readonly<Record<string, string>> = {
      FILE: join(folder, 'never.key'),
      FOLDER: join(folder, 'absent', 'a.key'),
    }
    const { code, out, err } = await sluice(args.map((arg) => places[arg] ?? arg))
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(says)
    expect(linesOf(err.replace(/\n\(Did you mean .*/, ''))).toBe(1)
  })
})

describe('sluice', () => {
  it.each([['--help'], ['--version'], ['keys', '--help']])('answers %s %s with 0', async (...args) => {
    const { code, out, err } = await sluice(args)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).not.toBe('')
  })

  it('ends with 2 where no command is given', async () => {
    expect((await sluice([])).code).toBe(2)
  })
})

/** Public half of an Ed25519 seed, base64 (RFC 8410 §7: PKCS #8 with the seed in two octet strings). */
function publicHalf(seed: string): string {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(seed, 'base64')])
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  return Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url').toString('base64')
}

/** A folder with a configuration, two keys, and a data folder in which an agent has run. */
async function plantFolder(): Promise<{ readonly plant: SmallPlant; readonly logged: () => readonly Leaf[] }> {
  const plant = await openSmallPlant()
  const data_dir = plant.path('data')
  const open = () =>
    openStore({ data_dir, boot: 'test', now: T0, max_size: 64e6, max_age: 1e12, keep_raw: 0, log: silentLog })
  open()[Symbol.dispose]()
  const logged = (): readonly Leaf[] => {
    using store = open()
    return (store.look({ kind: 'leaves', from: 0, limit: 99 }) as readonly string[]).map((text) => JSON.parse(text))
  }
  return { plant, logged }
}

const quiet = () => {
  const spies = [vi.spyOn(console, 'log'), vi.spyOn(console, 'error')].map((spy) => spy.mockReturnValue())
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore()
  })
  return () => spies.flatMap((spy) => spy.mock.calls.map(([line]) => String(line))).join('\n')
}

describe('sluice keys rotate', () => {
  it('puts a new signing key in place, keeps the old one for withdrawal, and logs it', async () => {
    const { plant, logged } = await plantFolder()
    const file = plant.path('signing.key')
    const old = parseSigningKey(readFileSync(file, 'utf8')).id
    const said = quiet()
    await rotateKey('signing', file, { config: plant.config })
    const now = parseSigningKey(readFileSync(file, 'utf8')).id
    expect(now).not.toBe(old)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(formerKeys(file, expect.fail).map(({ id }) => id)).toEqual([old])
    expect(logged().at(-1)).toMatchObject({ kind: 'key_rotated', what: 'signing', before: old, after: now })
    expect(said()).toMatch(/former_keys/)
    await rotateKey('signing', file, { config: plant.config })
    expect(
      formerKeys(file, expect.fail)
        .map(({ id }) => id)
        .sort(),
    ).toEqual([old, now].sort())
    const { pools } = loadConfig(plant.config)
    expect(pools.quality).toMatchObject({ signing_file: file, gate: { kind: 'open' } })
  })

  it('goes on where a run was cut once the old signing key was kept', async () => {
    const { plant } = await plantFolder()
    const file = plant.path('signing.key')
    const { id } = parseSigningKey(readFileSync(file, 'utf8'))
    copyFileSync(file, formerKeyFile(file, id))
    quiet()
    await rotateKey('signing', file, { config: plant.config })
    expect(formerKeys(file, expect.fail).map((key) => key.id)).toEqual([id])
  })

  it.each([
    ['before the new audit key was in place', (file: string) => linkSync(file, `${file}.gone`)],
    ['before the old audit key was erased', (file: string) => copyFileSync(file, `${file}.gone`)],
  ])('goes on where a run was cut %s', async (_, cut) => {
    const { plant } = await plantFolder()
    const data_dir = plant.path('data')
    const { id } = openAuditKey(data_dir)
    cut(join(data_dir, 'audit.key'))
    quiet()
    await rotateKey('audit', undefined, { config: plant.config })
    expect(openAuditKey(data_dir).id).not.toBe(id)
    expect(readdirSync(data_dir).filter((name) => name.startsWith('audit.key'))).toEqual(['audit.key'])
  })

  it('leaves the key in use where the new one cannot be put in its place', async () => {
    const { plant } = await plantFolder()
    const file = plant.path('signing.key')
    const before = readFileSync(file, 'utf8')
    mkdirSync(`${file}.new`)
    quiet()
    await expect(rotateKey('signing', file, { config: plant.config })).rejects.toMatchObject({
      code: 'config-unreadable',
    })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('erases the old audit key, once it signed which one follows', async () => {
    const { plant, logged } = await plantFolder()
    const { id } = openAuditKey(plant.path('data'))
    quiet()
    await rotateKey('audit', undefined, { config: plant.config })
    const next = openAuditKey(plant.path('data')).id
    expect(next).not.toBe(id)
    const leaf = logged().at(-1) as AuditKeyRotated
    expect(leaf).toMatchObject({ kind: 'key_rotated', what: 'audit', before: id, after: next })
    expect(isRotationSigned(leaf)).toBe(true)
    expect(readdirSync(plant.path('data')).filter((name) => name.startsWith('audit.key'))).toEqual(['audit.key'])
  })

  it.each([
    ['plant', 'plant.key', /epochs/],
    ['signing', undefined, /name the file/],
    ['signing', 'missing.key', /no such key file/],
  ])('refuses %s %s', async (kind, name, why) => {
    const { plant } = await plantFolder()
    const file = name === undefined ? undefined : plant.path(name)
    await expect(rotateKey(kind, file, { config: plant.config })).rejects.toThrow(why)
  })
})

describe('sluice keys destroy', () => {
  it('says what it means, then overwrites and removes the key; the gate stays shut', async () => {
    const { plant, logged } = await plantFolder()
    const file = plant.path('plant.key')
    const said = quiet()
    await expect(destroyKey('plant', file, { config: plant.config })).rejects.toThrow(/of quality would be gone/)
    expect(said()).toMatch(/compares values can still find it out/)
    expect(said()).toMatch(/Flash storage/)
    const text = readFileSync(file)
    linkSync(file, plant.path('other-name'))
    await destroyKey('plant', file, { config: plant.config, yes: true })
    expect(existsSync(file)).toBe(false)
    expect(readFileSync(plant.path('other-name')).equals(text)).toBe(false)
    expect(logged().at(-1)).toMatchObject({ kind: 'key_destroyed', what: 'plant', pools: ['quality'] })
    expect(loadConfig(plant.config).pools.quality!.gate).toMatchObject({ kind: 'shut', fault: { code: 'key-missing' } })
  })

  it('has the agent that runs shut its gates with one clear line', async () => {
    const { plant, logged } = await plantFolder()
    const agent = await plant.start()
    await untilStatus(agent, (s) => s.gates.quality?.state === 'open')
    quiet()
    await destroyKey('plant', plant.path('plant.key'), { config: plant.config, yes: true })
    const { gates } = await agent.status()
    expect(gates.quality).toMatchObject({
      state: 'shut',
      fault: { code: 'key-missing', message: expect.stringMatching(/destroyed/) },
    })
    await agent[Symbol.asyncDispose]()
    expect(
      logged()
        .map(({ kind }) => kind)
        .filter((kind) => /gate|key/.test(kind)),
    ).toEqual(['gate_opened', 'gate_shut', 'key_destroyed'])
  })
})
