import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
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
import { PAGE } from './database.ts'
import type { Store } from './port.ts'
import { salvage } from './salvage.ts'

const LATER = unixMs(T0 + 7_200_000)
const BLOCKS = 200
const N = 50
const TOTAL = BLOCKS * N
const PENDING = TOTAL - 2_000
const all = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, i) => from + i)
const pathIn = (folder: TestFolder, file = 'sluice.db'): string => join(folder.path, file)
const filesAside = (folder: TestFolder): readonly string[] =>
  readdirSync(folder.path).filter((file) => file.includes('.damaged-'))

/** A folder with 10,000 readings in 200 blocks, 2,000 of them published for pool `p` in two batches, one delivered; closed. */
function usedFolder(): TestFolder {
  const folder = makeFolder()
  for (const file of ['sluice.db', 'high-water']) copyFileSync(pathIn(template, file), pathIn(folder, file))
  return folder
}

const template = makeFolder()
afterAll(() => template[Symbol.dispose]())
{
  using store = template.open({ keep_raw: 1e12 })
  load(store)
}

function load(store: Store): void {
  store.intern([signalSpec('a'), signalSpec('b')])
  store.openPool('p')
  for (let i = 0; i < BLOCKS; i++) {
    const marks = [{ session: 's', packet_id: i + 1, hash: Buffer.from([i]) }]
    store.append(commitOf(numbered(i * N, N), { after: i * 1_000, marks, complete: T0 }))
  }
  store.commitPublication(publicationTo(store, 'p', 1_000, { slot: T0 + 60_000 }))
  store.commitPublication(publicationTo(store, 'p', 2_000, { slot: T0 + 120_000 }))
  const batch = store.nextBatch('p')!
  const receipt = { kind: 'file', path: '', sha256: batch.sha256 } as const
  store.settle('p', batch.id, { kind: 'delivered', receipt, at: T0 })
  store.setMemo('plc', 'key', 'value')
}

function change(folder: TestFolder, act: (bytes: Buffer) => void, file = 'sluice.db'): void {
  const bytes = readFileSync(pathIn(folder, file))
  act(bytes)
  writeFileSync(pathIn(folder, file), bytes)
}

/** Pages of a table or index, its root first, as SQLite tells them. */
function pagesOf(folder: TestFolder, name: string): readonly number[] {
  const db = new Database(pathIn(folder), { readonly: true })
  const pages = db
    .prepare<[string], number>("SELECT pageno FROM dbstat WHERE name = ? AND pagetype <> 'overflow' ORDER BY path")
    .pluck()
    .all(name)
  db.close()
  return pages
}

const zero = (folder: TestFolder, page: number): void =>
  change(folder, (bytes) => void bytes.fill(0, (page - 1) * PAGE, page * PAGE))

function replaceText(folder: TestFolder, page: number, from: string, to: string): void {
  change(folder, (bytes) => {
    const own = bytes.subarray((page - 1) * PAGE, page * PAGE)
    const at = own.indexOf(from)
    expect(at).toBeGreaterThan(0)
    own.write(to, at)
  })
}

const accountsOf = (store: Store) => store.status(LATER).pools.p!.accounts

describe('a damaged file', () => {
  it('gives back everything where only its first page is gone', () => {
    using folder = usedFolder()
    zero(folder, 1)
    const damaged = readFileSync(pathIn(folder))
    let secret: Uint8Array
    {
      using store = folder.open({ now: LATER })
      secret = store.openPool('p').stream_secret
      expect(readingsOf(store)).toEqual(all(0, TOTAL))
      expect(accountsOf(store)).toEqual({
        accepted: TOTAL,
        pending: PENDING,
        disclosed: 2_000,
        withheld: {},
        evicted: {},
      })
      expect(store.status(LATER).pools.p!.batches).toMatchObject({ sealed: 2, queued: 1, delivered: 1 })
      expect(store.nextBatch('p')?.until).toBe(T0 + 120_000)
      expect(store.openPool('p').cursor).toEqual({ raw_seq: 2_000, sealed_until: { hourly: T0 + 120_000 } })
      expect(store.marks('s')).toHaveLength(BLOCKS)
      expect(store.memo('plc', 'key')).toBe('value')
      expect(store.signal(1)).toEqual(signalSpec('b'))
      expect(store.blocks(0, 1)[0]!.complete).toEqual({ plc: { press: T0 } })
      expect(store.status(LATER).alarms).toMatchObject([
        { code: 'store-damaged', message: expect.stringContaining('10000 readings were salvaged') },
      ])
      expect(store.append(commitOf(numbered(TOTAL, 1), { after: 1e6 })).seq).toBe(TOTAL)
    }
    expect(filesAside(folder)).toEqual(['sluice.db.damaged-2026-06-01T140000000Z'])
    expect(readFileSync(pathIn(folder, filesAside(folder)[0]!))).toEqual(damaged)
    using store = folder.open({ now: LATER })
    expect(store.openPool('p').stream_secret).toEqual(secret)
    expect(filesAside(folder)).toHaveLength(1)
  })

  it.each([
    'meta',
    'boot',
    'signal',
    'sqlite_autoindex_signal_1',
    'chunk',
    'pool',
    'sqlite_autoindex_batch_1',
    'batch_queued',
    'hole',
    'tally',
  ])('keeps all readings where the root of %s is gone', (name) => {
    using folder = usedFolder()
    zero(folder, pagesOf(folder, name)[0]!)
    using store = folder.open({ now: LATER })
    store.startRun([], LATER)
    expect(readingsOf(store)).toEqual(all(0, TOTAL))
    expect(store.signal(0)).toEqual(signalSpec('a'))
    expect(accountsOf(store)).toMatchObject({ accepted: TOTAL, pending: PENDING, disclosed: 2_000 })
    while (store.nextBatch('p'))
      store.settle('p', store.nextBatch('p')!.id, { kind: 'dropped', reason: 'x', at: LATER })
    expect(store.status(LATER).pools.p!.batches).toMatchObject({ sealed: 2, delivered: 1, dropped: 1 })
    expect(accountProblems(store.status(LATER))).toEqual([])
  })

  it('counts what a lost page held, with the time in which it arrived, and keeps positions', () => {
    using folder = usedFolder()
    zero(folder, pagesOf(folder, 'chunk').at(-3)!)
    using store = folder.open({ now: LATER })
    const kept = readingsOf(store)
    const lost = all(0, TOTAL).filter((value) => !kept.includes(value))
    expect(lost.length % N).toBe(0)
    expect(lost.length).toBeGreaterThan(0)
    expect(lost[0]).toBeGreaterThan(2_000)
    expect(accountsOf(store)).toMatchObject({
      accepted: TOTAL,
      pending: PENDING - lost.length,
      evicted: { damage: lost.length },
    })
    const outage = {
      source: 'plc',
      reason: 'damage',
      from: T0 + (lost[0]! / N - 1) * 1_000,
      until: T0 + ((lost.at(-1)! + 1) / N) * 1_000,
    }
    expect(store.status(LATER).outages).toContainEqual(expect.objectContaining(outage))
    expect(store.blocks(0, 1_000).map(({ position }) => position)).toEqual(all(0, BLOCKS))
    expect(store.marks('s')).toEqual([]) // what the broker sends again may be what is lost
    store.commitPublication(
      publicationTo(store, 'p', TOTAL, {
        ledger: [{ signal: 0, account: 'disclosed', reason: '', n: PENDING - lost.length }],
      }),
    )
    expect(accountsOf(store)).toMatchObject({ pending: 0 })
  })

  it('never gives a reading another signal: a name that two copies contradict is lost', () => {
    using folder = usedFolder()
    replaceText(folder, pagesOf(folder, 'signal')[0]!, 'press/a', 'press/z')
    using store = folder.open({ now: LATER })
    expect(store.signal(0)).toMatchObject({ id: 'lost/signal-0' })
    expect(store.signal(1)).toEqual(signalSpec('b'))
    expect(readingsOf(store)).toEqual(all(0, TOTAL))
    expect(store.intern([signalSpec('a')])).toEqual([2])
  })

  it('drops a batch whose bytes are not those that were sealed, and says so', () => {
    using folder = usedFolder()
    for (const page of pagesOf(folder, 'batch')) {
      change(folder, (bytes) => {
        const own = bytes.subarray((page - 1) * PAGE, page * PAGE)
        for (let at = own.indexOf('rows of p'); at >= 0; at = own.indexOf('rows of p', at + 1)) own.write('rowz', at)
      })
    }
    using store = folder.open({ now: LATER })
    expect(store.nextBatch('p')).toBeUndefined()
    expect(store.status(LATER).pools.p!.batches).toMatchObject({ sealed: 2, delivered: 1, dropped: 1, queued: 0 })
    expect(store.status(LATER).alarms).toMatchObject([
      { code: 'store-damaged', message: expect.stringContaining('1 batches are lost') },
    ])
  })

  it('starts a new stream from now where the high-water file is gone too', () => {
    using folder = usedFolder()
    zero(folder, 1)
    renameSync(pathIn(folder, 'high-water'), pathIn(folder, 'elsewhere'))
    using store = folder.open({ now: LATER })
    expect(store.openPool('p')).toMatchObject({ cursor: { raw_seq: 2_000, sealed_until: {} }, stream_since: LATER })
    expect(accountsOf(store)).toMatchObject({ accepted: TOTAL, pending: PENDING, disclosed: 2_000 })
  })

  it('is salvaged by a start that was killed and comes again', () => {
    using folder = usedFolder()
    zero(folder, 1)
    writeFileSync(pathIn(folder, 'sluice.db.part'), 'half of a file')
    folder.open({ now: LATER })[Symbol.dispose]()
    expect(existsSync(pathIn(folder, 'sluice.db.part'))).toBe(false)

    using other = usedFolder()
    zero(other, 1)
    salvage(pathIn(other), pathIn(other, 'sluice.db.new'), { now: LATER, room: 1e9, known: [] })
    renameSync(pathIn(other), pathIn(other, 'sluice.db.damaged-x')) // killed just here
    using store = other.open({ now: LATER })
    expect(readingsOf(store)).toEqual(all(0, TOTAL))
    expect(accountsOf(store)).toMatchObject({ accepted: TOTAL, pending: PENDING, disclosed: 2_000 })
    expect(readdirSync(other.path).sort()).not.toContain('sluice.db.new')
  })

  it('takes the newest readings where the disk has not room for all', () => {
    using folder = usedFolder()
    const found = salvage(pathIn(folder), pathIn(folder, 'copy'), {
      now: LATER,
      room: statSync(pathIn(folder)).size / 2,
      known: [],
    })
    expect(found.readings).toBeLessThan(8_000)
    expect(found.readings).toBeGreaterThan(500)
    expect(found).toMatchObject({ newest: T0 + (BLOCKS - 1) * 1_000, missing: 0, whole: true })
  })
})

describe('two agents', () => {
  it('never mend one folder at the same time', () => {
    using folder = usedFolder()
    zero(folder, 1)
    const lock = new Database(pathIn(folder, 'sluice.db.lock'))
    lock.exec('BEGIN EXCLUSIVE')
    expect(() => folder.open({ now: LATER })).toThrow(expect.objectContaining({ code: 'store-locked' }))
    lock.close()
    using store = folder.open({ now: LATER })
    expect(readingsOf(store)).toEqual(all(0, TOTAL))
  })
})

it('says how far a salvage has come, from the search for the blocks on', () => {
  using folder = usedFolder()
  const told: (readonly [done: number, all: number])[] = []
  const limits = { now: LATER, room: 1e9, known: [] }
  salvage(pathIn(folder), pathIn(folder, 'out'), { ...limits, onProgress: (...far) => told.push(far) })
  const { size } = statSync(pathIn(folder))
  expect(told.every(([done, all], i) => all === size && done <= size && done >= (told[i - 1]?.[0] ?? 0))).toBe(true)
  expect(told[0]![0]).toBe(0)
  expect(told.at(-1)![0]).toBeGreaterThan(0)
})
