import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { Store } from '../../buffer/port.ts'
import { type Log, silentLog } from '../../core/log.ts'
import { newKey } from '../../test/support/sealing.ts'
import { makeFolder, T0 } from '../../test/support/store.ts'
import { readCheckpoint } from '../audit/checkpoint.ts'
import { readCopies } from '../audit/copies.ts'
import { rotateAuditKey } from '../audit/rotation.ts'
import { makeAuditCheck } from '../audit/verify.ts'
import { makeNotary, type Notary } from './notary.ts'

const later = (store: Store): Parameters<typeof makeNotary>[0]['store'] => ({
  look: async (question) => store.look(question),
  addCheckpoint: async (size, text) => store.addCheckpoint(size, text),
  record: async (event, at) => store.record(event, at),
})
const happen = (store: Store, n = 1): void => {
  for (let i = 0; i < n; i++) store.record({ kind: 'joined', pool: `p${i}` }, T0)
}
const sizesOf = (texts: readonly string[]): readonly number[] => texts.map((text) => readCheckpoint(text)!.size)
const kept = (store: Store): readonly string[] =>
  store.look({ kind: 'checkpoints', size: 0, limit: 256 }) as readonly string[]

function notaryOf(store: Store, parts: Partial<Parameters<typeof makeNotary>[0]> = {}): Notary {
  const key = newKey()
  return makeNotary({
    store: later(store),
    key: () => key,
    dir: undefined,
    gateway: 'hall-2',
    clock: { now: () => T0 },
    log: silentLog,
    broken: (fault) => expect.fail(fault.message),
    ...parts,
  })
}

async function sign(notary: Notary): Promise<void> {
  await notary.sign()
  await notary.copied()
}

describe('checkpoints', () => {
  it('are signed where the log has grown', async () => {
    using folder = makeFolder()
    using store = folder.open()
    const notary = notaryOf(store)
    await notary.sign()
    happen(store, 300)
    for (let i = 0; i < 2; i++) await notary.sign()
    happen(store)
    await notary.sign()
    expect(sizesOf(kept(store))).toEqual([300, 301])
  })

  it('say when the log does not go on from what was signed last', async () => {
    using folder = makeFolder()
    using store = folder.open()
    const key = newKey()
    happen(store, 5)
    await notaryOf(store, { key: () => key }).sign()
    const changed = later(store)
    const broken = vi.fn()
    const look: typeof changed.look = async (question) => {
      const answer = await changed.look(question)
      return question.kind === 'leaves'
        ? (answer as string[]).map((text) => text.replace(/"prev":"./, '"prev":"x'))
        : answer
    }
    happen(store, 2)
    await notaryOf(store, { store: { ...changed, look }, key: () => key, broken }).sign()
    expect(broken).toHaveBeenCalledOnce()
    expect(broken.mock.calls[0]![0]).toMatchObject({ code: 'audit-broken' })
  })

  it('of a key in the place of one that was lost come behind a leaf that says so, without signatures', async () => {
    using folder = makeFolder()
    using store = folder.open()
    const [old, next] = [newKey(), newKey()]
    happen(store)
    await notaryOf(store, { key: () => old }).sign()
    await notaryOf(store, { key: () => next }).sign()
    const [, leaf] = store.look({ kind: 'leaves', from: 0, limit: 9 }) as readonly string[]
    expect(JSON.parse(leaf!)).toEqual({
      ...{ v: 1, n: 1, at: expect.any(String), prev: expect.any(String) },
      ...{ kind: 'key_rotated', what: 'audit', before: old.id, after: next.id },
    })
    expect(kept(store).map((text) => readCheckpoint(text)!.kid)).toEqual([old.id, next.id])
  })
})

describe('a rotated key', () => {
  it.each([0, 1])(
    'goes on behind the leaf that leads to it, with %s checkpoints of the old one after that',
    async (n) => {
      using folder = makeFolder()
      using store = folder.open()
      const [old, next] = [newKey(), newKey()]
      happen(store)
      await notaryOf(store, { key: () => old }).sign()
      store.record(rotateAuditKey(old, next), T0)
      if (n > 0) await notaryOf(store, { key: () => old }).sign()
      happen(store)
      await notaryOf(store, { key: () => next }).sign()
      expect(store.look({ kind: 'leaves', from: 0, limit: 9 })).toHaveLength(3)
      const check = makeAuditCheck({ key: next.id, receiptKeys: new Map() })
      for (const text of kept(store)) check.checkpoint(text, 'here')
      for (const text of store.look({ kind: 'leaves', from: 0, limit: 9 }) as readonly string[]) check.leaf(text)
      expect(check.findings()).toMatchObject({ ok: true, keys: [old.id, next.id], checkpoints: { here: 2 + n } })
    },
  )
})

describe('copies in a second place', () => {
  it('catch up once it is there, with one warning while it is not', async () => {
    using folder = makeFolder()
    using store = folder.open()
    const dir = join(folder.path, 'usb')
    const warn = vi.fn()
    const notary = notaryOf(store, { dir, log: { ...silentLog, warn } satisfies Log })
    for (let i = 0; i < 3; i++) {
      happen(store)
      await sign(notary)
    }
    expect(warn).toHaveBeenCalledOnce()
    mkdirSync(dir)
    happen(store)
    await sign(notary)
    expect(await readCopies(dir, 'hall-2')).toEqual(kept(store))
    expect(sizesOf(kept(store))).toEqual([1, 2, 3, 4])
    expect(readdirSync(dir)).toEqual(['hall-2.2026-06-01.checkpoints.jsonl'])
  })

  it('are whole on a new medium, and take nothing away from what lies there', async () => {
    using folder = makeFolder()
    using store = folder.open()
    const dir = join(folder.path, 'usb')
    mkdirSync(dir)
    const notary = notaryOf(store, { dir })
    happen(store)
    await sign(notary)
    const file = join(dir, readdirSync(dir)[0]!)
    writeFileSync(file, `an older line\n${readFileSync(file, 'utf8')}`)
    happen(store)
    await sign(notary)
    expect(await readCopies(dir, 'hall-2')).toEqual(['an older line', ...kept(store)])

    rmSync(dir, { recursive: true })
    happen(store)
    await sign(notary)
    mkdirSync(dir)
    await sign(notary)
    expect(sizesOf(await readCopies(dir, 'hall-2'))).toEqual([1, 2, 3])
    expect(await readCopies(dir, 'hall-3')).toEqual([])
  })
})
