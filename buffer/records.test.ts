import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import type { OutageNote } from '../core/ledger.ts'
import { batchOf, commitOf, makeFolder, numbered, signalSpec, T0, type TestFolder } from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'
import { databasePath } from './database.ts'
import type { Commit, Store } from './port.ts'

const CAP = 16e6
/** Rows of outages that a file of 16 MB keeps. */
const BOUND = 1_600
const DAY = 86_400_000

/** A signal that goes bad and comes back `times` times, a second each. */
function flaps(times: number, signal = 'press/a', source = 'plc'): Commit['outages'] {
  return Array.from({ length: times }, (_, i) => {
    const place = { device: null, signal, at: T0 + i * 2_000 }
    const notes: readonly OutageNote[] = [
      { kind: 'begin', ...place, reason: 'not_a_number' },
      { kind: 'end', ...place, at: place.at + 1_000 },
    ]
    return notes.map((note) => ({ source, note }))
  }).flat()
}

const forgotten = (store: Store): number =>
  store
    .status(T0)
    .counts.filter(({ kind, reason }) => kind === 'forgotten' && reason === 'outage')
    .reduce((sum, { n }) => sum + n, 0)

/** Rows of outages a signal, read behind the closed store's back. */
function rowsOf(folder: TestFolder): Readonly<Record<string, number>> {
  const db = new Database(databasePath(folder.path), { readonly: true })
  const rows = db.prepare('SELECT signal, count(*) FROM outage GROUP BY signal').raw().all() as [string, number][]
  db.close()
  return Object.fromEntries(rows)
}

/** Appends 8,000 readings that do not compress. */
function appendBulk(store: Store, after: number): readonly string[] {
  return store.append(
    commitOf(
      Array.from({ length: 8_000 }, () => [0, Math.random()] as const),
      { after },
    ),
  ).evicted
}

describe('outages', () => {
  it('of a flapping signal are bounded, counted, and do not push out those of others', () => {
    using folder = makeFolder()
    {
      using store = folder.open({ max_size: CAP })
      store.append(commitOf([], { outages: flaps(10, 'press/quiet') }))
      for (let i = 0; i < 5; i++) store.append(commitOf([], { outages: flaps(1_000) }))
      expect(forgotten(store)).toBeGreaterThanOrEqual(5_010 - BOUND)
      expect(store.status(T0).counts).toEqual([
        { source: 'plc', kind: 'forgotten', reason: 'outage', n: forgotten(store) },
      ])
    }
    const rows = rowsOf(folder)
    expect(rows['press/quiet']).toBe(10)
    expect(rows['press/a']).toBeGreaterThan(BOUND * 0.8)
    expect(rows['press/a']).toBeLessThanOrEqual(BOUND - 10)
  })

  it('that are still open stay, and so do the newest', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP })
    const open = { kind: 'begin', device: 'plc-1', signal: null, reason: 'source-timeout', at: T0 - DAY } as const
    store.append(commitOf([], { outages: [{ source: 'plc', note: open }, ...flaps(2_000)] }))
    expect(store.status(T0).outages[0]).toMatchObject({ signal: 'press/a', from: T0 + 1_999 * 2_000 })
    store.append(commitOf([], { outages: [{ source: 'plc', note: { ...open, kind: 'end', at: T0 + 1e9 } }] }))
    store.append(commitOf([], { outages: flaps(1) }))
    expect(forgotten(store)).toBeGreaterThan(0)
  })

  it('in any number leave room for readings and for the next commit', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP })
    store.intern([signalSpec('a')])
    store.openPool('p')
    const name = 'a'.repeat(400)
    for (let i = 0; i < 8; i++) {
      store.append(commitOf(numbered(i * 100, 100), { after: i, outages: flaps(2_000, `press/${name}`) }))
    }
    const status = store.status(T0)
    expect(status.pools.p!.accounts).toMatchObject({ accepted: 800, pending: 800, evicted: {} })
    expect(status.disk.file_bytes).toBeLessThan(CAP / 4)
  })

  it('that ended go before readings do', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP })
    store.intern([signalSpec('a')])
    const { cursor } = store.openPool('p')
    const batch = batchOf('p', store.nextSeq('p', 'hourly', 0), { bytes: Buffer.alloc(CAP * 0.8) })
    store.commitPublication({ pool: 'p', expect: cursor, next: cursor, batch, ledger: [] })
    const name = 'a'.repeat(500)
    store.append(commitOf([], { outages: flaps(BOUND, `press/${name}`) }))
    for (let i = 1; forgotten(store) === 0; i++) expect(appendBulk(store, i)).toEqual([])
    expect(appendBulk(store, 1_000)).toEqual([])
    expect(forgotten(store)).toBe(BOUND * 0.9)
  })
})

describe('records of what is over', () => {
  it('never stand in the way of a commit', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP })
    store.intern([signalSpec('a')])
    const { cursor } = store.openPool('p')
    const receipt = (i: number) => ({ kind: 'file', path: `${i}`.padEnd(150_000, 'x'), sha256: '' }) as const
    const at = unixMs(T0 - 2 * DAY)
    for (let i = 0; i < 90; i++) {
      const batch = batchOf('p', store.nextSeq('p', 'hourly', 0))
      store.commitPublication({ pool: 'p', expect: cursor, next: cursor, batch, ledger: [] })
      store.settle('p', batch.id, { kind: 'delivered', receipt: receipt(i), at })
    }
    for (let i = 0; i < 40; i++) expect(appendBulk(store, i)).toEqual([])
    const { batches, accounts } = store.status(T0).pools.p!
    expect(batches).toMatchObject({ sealed: 90, delivered: 90 })
    expect(accounts).toMatchObject({ pending: 320_000, evicted: {} })
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('keep the newest of many alarms', () => {
    using folder = makeFolder()
    folder.open()[Symbol.dispose]()
    const db = new Database(databasePath(folder.path))
    db.exec(`WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)
      INSERT INTO alarm SELECT i, 'pool:p', 'pool-identity', '', i, ${T0} + i, 1 FROM n;
      UPDATE alarm SET until = NULL WHERE id = 1`)
    db.close()
    using store = folder.open()
    store.tidy(T0)
    store[Symbol.dispose]()
    const after = new Database(databasePath(folder.path), { readonly: true })
    expect(after.prepare('SELECT count(*), max(id), min(id) FROM alarm').raw().get()).toEqual([1_001, 1_100, 1])
    after.close()
  })
})
