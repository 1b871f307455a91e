import { randomBytes } from 'node:crypto'
import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { rawSeq, unixMs } from '../core/brand.ts'
import {
  commitOf,
  makeFolder,
  numbered,
  publicationTo,
  readingsOf,
  signalSpec,
  T0,
  type TestFolder,
} from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'
import { machineFingerprint, readHighWater } from './high-water.ts'
import type { Store } from './port.ts'
import { readStatus } from './read-status.ts'

const LATER = unixMs(T0 + 7_200_000)

/** A folder with 20 readings, 12 of them published in two batches for pool `p`, closed. */
function usedFolder(): TestFolder {
  const folder = makeFolder()
  using store = folder.open()
  store.intern([signalSpec('a')])
  store.openPool('p')
  store.append(commitOf(numbered(0, 10)))
  store.append(commitOf(numbered(10, 10), { after: 1_000 }))
  store.commitPublication(publicationTo(store, 'p', 6, { slot: T0 + 60_000 }))
  store.commitPublication(publicationTo(store, 'p', 12, { slot: T0 + 120_000 }))
  return folder
}

const pathIn = (folder: TestFolder, file = 'sluice.db'): string => join(folder.path, file)
const alarmsOf = (store: Store): readonly string[] => store.status(LATER).alarms.map((alarm) => alarm.code)

/** Keeps a copy of the database as it is now, and later puts it back: what restoring half a backup does. */
function snapshot(folder: TestFolder): () => void {
  copyFileSync(pathIn(folder), pathIn(folder, 'copy'))
  return () => copyFileSync(pathIn(folder, 'copy'), pathIn(folder))
}

describe('a database behind its high-water file', () => {
  it('counts the lost readings, never gives their sequences out again and seals on after the last slot', () => {
    using folder = usedFolder()
    const restore = snapshot(folder)
    let last: number
    {
      using store = folder.open()
      store.append(commitOf(numbered(20, 5), { after: 70_000 }))
      last = store.nextSeq('p', 'hourly', 0)
      store.commitPublication(publicationTo(store, 'p', 18, { slot: T0 + 180_000 }))
    }
    restore()
    using store = folder.open({ now: LATER })
    expect(alarmsOf(store)).toEqual(['store-rolled-back'])
    expect(store.openPool('p').cursor).toEqual({ raw_seq: 12, sealed_until: { hourly: T0 + 180_000 } })
    expect(store.nextSeq('p', 'hourly', 0)).toBe(last + 1)
    expect(store.append(commitOf(numbered(25, 2), { after: 80_000 })).seq).toBe(25)
    const { accounts } = store.status(LATER).pools.p!
    expect(accounts).toMatchObject({ accepted: 27, pending: 10, disclosed: 12, evicted: { damage: 5 } })
    // The publisher accounts for what it was given; the hole in between is accounted already.
    const next = publicationTo(store, 'p', 27, { ledger: [{ signal: 0, account: 'disclosed', reason: '', n: 10 }] })
    store.commitPublication(next)
    expect(store.status(LATER).pools.p!.accounts).toMatchObject({ accepted: 27, pending: 0, disclosed: 22 })
    expect(accountProblems(store.status(LATER))).toEqual([])
    store.tidy(LATER)
    expect(accountProblems(store.status(LATER))).toEqual([])
  })

  it('keeps the stream, and says it only once', () => {
    using folder = usedFolder()
    const restore = snapshot(folder)
    let secret: Uint8Array
    {
      using store = folder.open()
      secret = store.openPool('p').stream_secret
      store.append(commitOf(numbered(20, 5), { after: 70_000 }))
    }
    restore()
    for (const _ of ['first', 'again']) {
      using store = folder.open({ now: LATER })
      expect(store.openPool('p').stream_secret).toEqual(secret)
      expect(store.status(LATER).pools.p!.accounts.evicted).toEqual({ damage: 5 })
      expect(store.status(LATER).alarms).toMatchObject([{ count: 1 }])
    }
  })

  it('is not what a clean stop leaves behind', () => {
    using folder = usedFolder()
    using store = folder.open()
    expect(alarmsOf(store)).toEqual([])
    expect(store.openPool('p').cursor).toEqual({ raw_seq: 12, sealed_until: { hourly: T0 + 120_000 } })
  })
})

describe('a data folder that was moved', () => {
  it.each([
    ['another machine', (_: TestFolder) => undefined, 'machine-2'],
    ['no high-water file', (folder: TestFolder) => rmSync(pathIn(folder, 'high-water')), 'machine-1'],
    ['a torn high-water file', (folder: TestFolder) => truncateSync(pathIn(folder, 'high-water'), 40), 'machine-1'],
  ])('starts a new stream from now: %s', (_, change, machine) => {
    using folder = usedFolder()
    let before: ReturnType<Store['openPool']>
    let number: number
    let instance: string
    {
      using store = folder.open()
      before = store.openPool('p')
      number = store.nextSeq('p', 'hourly', 0)
      instance = store.startRun([], T0).instance
    }
    change(folder)
    using store = folder.open({ machine, now: LATER })
    const after = store.openPool('p')
    expect(after.stream_secret).not.toEqual(before.stream_secret)
    expect(after).toMatchObject({ cursor: { raw_seq: 12, sealed_until: {} }, stream_since: LATER })
    expect(store.nextSeq('p', 'hourly', 0)).not.toBe(number)
    expect(alarmsOf(store)).toEqual(['store-moved'])
    expect(store.startRun([], LATER).instance === instance).toBe(machine === 'machine-1')
    expect(store.nextBatch('p')).toBeDefined() // what was sealed before still goes, with the same id
    expect(accountProblems(store.status(LATER))).toEqual([])
    expect(readHighWater(folder.path)).toMatchObject({ machine, raw_seq: 20 })
  })

  it.each([
    ['machine-1', null],
    [null, 'machine-1'],
  ])('is not judged where a machine has no id: %s, then %s', (first, second) => {
    using folder = makeFolder()
    folder.open({ machine: first })[Symbol.dispose]()
    using store = folder.open({ machine: second })
    store.openPool('p')
    expect(alarmsOf(store)).toEqual([])
    expect(readHighWater(folder.path)!.machine).toBe('machine-1')
  })

  it('is no alarm where nothing was ever published', () => {
    using folder = makeFolder()
    folder.open()[Symbol.dispose]()
    rmSync(pathIn(folder, 'high-water'))
    using store = folder.open()
    expect(alarmsOf(store)).toEqual([])
  })

  it('tells machines by the hash of their id', () => {
    using folder = makeFolder()
    const file = pathIn(folder, 'machine-id')
    expect(machineFingerprint(file)).toBeNull()
    writeFileSync(file, '\n')
    expect(machineFingerprint(file)).toBeNull()
    writeFileSync(file, '0123456789abcdef0123456789abcdef\n')
    expect(machineFingerprint(file)).toMatch(/^[0-9a-f]{16}$/)
    expect(machineFingerprint(file)).not.toContain('0123456789')
  })
})

describe('damage', () => {
  it.each<readonly [string, (path: string) => void]>([
    ['text', (path) => writeFileSync(path, 'not a database at all, but long enough to look at')],
    ['cut off', (path) => truncateSync(path, 5_000)],
    ['empty', (path) => truncateSync(path, 0)],
    ['gone', (path) => rmSync(path)],
  ])('never stops a start, and stands in the ledger: %s', (name, harm) => {
    using folder = usedFolder()
    let instance: string
    {
      using store = folder.open()
      instance = store.startRun([], T0).instance
    }
    harm(pathIn(folder))
    {
      using store = folder.open({ now: LATER })
      expect(alarmsOf(store)).toEqual(['store-damaged'])
      expect(store.startRun([], LATER).instance).toBe(instance) // the broker still knows us by it
      expect(store.openPool('p')).toMatchObject({ cursor: { raw_seq: 20, sealed_until: { hourly: T0 + 120_000 } } })
      expect(store.status(LATER).pools.p!.accounts).toEqual({
        accepted: 8,
        pending: 0,
        disclosed: 0,
        withheld: {},
        evicted: { damage: 8 },
      })
      store.intern([signalSpec('a')])
      expect(store.append(commitOf(numbered(0, 1), { after: 1e6 })).seq).toBe(20)
      expect(accountProblems(store.status(LATER))).toEqual([])
    }
    const aside = readdirSync(folder.path).filter((file) => file.includes('damaged-'))
    expect(aside).toEqual(['gone', 'empty'].includes(name) ? aside : ['sluice.db.damaged-2026-06-01T140000000Z'])
    using store = folder.open({ now: LATER })
    expect(alarmsOf(store)).toEqual(['store-damaged'])
  })

  it('of one block costs that block alone', () => {
    using folder = usedFolder()
    const db = new Database(pathIn(folder))
    const data = db.prepare<[], Buffer>('SELECT data FROM chunk WHERE position = 1').pluck().get()!
    data[10]! ^= 1
    db.prepare('UPDATE chunk SET data = ? WHERE position = 1').run(data)
    db.close()
    for (const _ of ['found', 'known']) {
      using store = folder.open()
      expect(readingsOf(store)).toEqual(numbered(0, 10).map(([, v]) => v))
      expect(store.status(LATER).pools.p!.accounts).toMatchObject({
        accepted: 20,
        pending: 0,
        disclosed: 12,
        evicted: { damage: 8 },
      })
      expect(store.status(LATER).pools.p!.signals).toContainEqual({
        signal: '',
        account: 'evicted',
        reason: 'damage',
        n: 8,
      })
      expect(accountProblems(store.status(LATER))).toEqual([])
      expect(alarmsOf(store)).toEqual(['store-damaged'])
    }
    using store = folder.open()
    expect(store.append(commitOf(numbered(20, 1))).seq).toBe(20)
    expect(store.positionOf(rawSeq(20))).toBe(2)
    store.commitPublication(
      publicationTo(store, 'p', 21, { ledger: [{ signal: 0, account: 'disclosed', reason: '', n: 1 }] }),
    )
    expect(accountProblems(store.status(LATER))).toEqual([])
  })

  it('found by SQLite in the middle of work is mended within the call', () => {
    using folder = usedFolder()
    using store = folder.open()
    store.intern([signalSpec('b'), signalSpec('c')])
    store.openPool('q')
    // More than SQLite keeps in memory of the file, so that it meets the damage.
    const text = (): string => randomBytes(500_000).toString('hex')
    for (let i = 0; i < 8; i++) store.append(commitOf([[2, text()]], { after: 70_000 + i }))
    const bytes = readFileSync(pathIn(folder))
    bytes.fill(0xff, 4_096)
    writeFileSync(pathIn(folder), bytes)
    const anew: (readonly string[])[] = []
    for (let i = 0; i < 40; i++) {
      const { n, evicted } = store.append(commitOf([[2, i]], { after: 71_000 + i }))
      expect(n).toBe(1)
      if (evicted.length > 0) anew.push(evicted)
      store.blocks(0, 1)
      store.status(LATER)
    }
    expect(anew).toEqual([['p', 'q']]) // their publishers start anew, in the new stream
    expect(alarmsOf(store)).toEqual(['store-damaged'])
    expect(store.signal(2)).toEqual(signalSpec('c')) // indexes that sources hold mean the same in the fresh file
    expect(Object.keys(store.status(LATER).pools)).toEqual(['p', 'q'])
    expect(accountProblems(store.status(LATER))).toEqual([])
  })
})

describe('the status of a folder that no agent has open', () => {
  it('is read without changing it', () => {
    using folder = usedFolder()
    const bytes = readFileSync(pathIn(folder))
    expect(readStatus(folder.path, T0).pools.p!.accounts).toMatchObject({ accepted: 20, pending: 8, disclosed: 12 })
    expect(readFileSync(pathIn(folder))).toEqual(bytes)
    using store = folder.open()
    expect(alarmsOf(store)).toEqual([])
  })

  it.each([
    ['agent-absent', (_: TestFolder) => undefined],
    ['agent-absent', (folder: TestFolder) => writeFileSync(pathIn(folder), '')],
    ['store-io', (folder: TestFolder) => writeFileSync(pathIn(folder), 'x'.repeat(5_000))],
  ])('says clearly what is in the way: %s', (code, make) => {
    using folder = makeFolder()
    make(folder)
    expect(() => readStatus(folder.path, T0)).toThrow(expect.objectContaining({ code }))
  })

  it('leaves the file to an agent that runs', () => {
    using folder = makeFolder()
    using _store = folder.open()
    expect(() => readStatus(folder.path, T0)).toThrow(expect.objectContaining({ code: 'store-locked' }))
  })
})
