import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { BatchId } from '../core/batch.ts'
import { unixMs } from '../core/brand.ts'
import { makeFolder, publicationTo, T0, type TestFolder } from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'
import { databasePath, layOut, migrate } from './database.ts'
import { MIGRATIONS } from './migrations.ts'
import type { Store } from './port.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const receipt = { kind: 'file', path: 'x', sha256: 'ab' } as const

/** A store with `n` queued batches of pool `p`; their ids, oldest first. */
function withBatches(folder: TestFolder, n: number): { readonly store: Store; readonly ids: readonly BatchId[] } {
  const store = folder.open()
  store.openPool('p')
  for (let i = 1; i <= n; i++) store.commitPublication(publicationTo(store, 'p', 0, { slot: T0 + i * MINUTE }))
  return {
    store,
    ids: store
      .outbox({})
      .map(({ id }) => id)
      .toReversed(),
  }
}

function quarantine(store: Store, id: BatchId): void {
  store.settle('p', id, { kind: 'quarantined', code: 'pool-rejected', message: 'range: outside', at: T0 })
}

const openAlarms = (store: Store): readonly string[] =>
  store
    .status(T0)
    .alarms.filter((a) => a.until === null)
    .map((a) => `${a.key} ${a.code}`)

describe('the batch that is sent next', () => {
  it('is taken from the end that is asked for, and never one of those that are left out', () => {
    using folder = makeFolder()
    const { store, ids } = withBatches(folder, 4)
    using _ = store
    expect(store.nextBatch('p')!.id).toBe(ids[0])
    expect(store.nextBatch('p', { end: 'newest' })!.id).toBe(ids[3])
    expect(store.nextBatch('p', { end: 'newest', except: ids.slice(2) })!.id).toBe(ids[1])
    expect(store.nextBatch('p', { except: ids })).toBeUndefined()
    expect(store.nextBatch('q')).toBeUndefined()
  })
})

describe('the outbox', () => {
  it('lists batches newest first, by pool, state and id', () => {
    using folder = makeFolder()
    const { store, ids } = withBatches(folder, 3)
    using _ = store
    store.noteAttempt('p', ids[1]!, { code: 'pool-unavailable', message: 'the pool answered 503' })
    quarantine(store, ids[0]!)
    expect(store.outbox({ pool: 'p' }).map(({ id, state }) => [id, state])).toEqual([
      [ids[2], 'queued'],
      [ids[1], 'queued'],
      [ids[0], 'quarantined'],
    ])
    expect(store.outbox({ ids: [ids[1]!] })).toMatchObject([
      { pool: 'p', dataset: 'hourly', attempts: 1, reason: 'pool-unavailable', held: true, from: T0 + MINUTE },
    ])
    expect(store.outbox({ states: ['quarantined'] })).toMatchObject([
      { id: ids[0], attempts: 1, reason: 'pool-rejected', message: 'range: outside', settled_at: T0 },
    ])
    expect(store.outbox({ limit: 1 }).map(({ id }) => id)).toEqual([ids[2]])
    expect(store.outbox({ pool: 'q' })).toEqual([])
    expect(store.status(T0).pools.p!.queued).toEqual({
      hourly: { batches: 2, bytes: expect.any(Number), span: 2 * MINUTE, oldest: T0 + MINUTE },
    })
  })

  it('gives a batch with its bytes as long as they are there', () => {
    using folder = makeFolder()
    const { store, ids } = withBatches(folder, 1)
    using _ = store
    const sealed = store.nextBatch('p')!
    expect(store.outboxBatch(ids[0]!)).toMatchObject({ entry: { held: true }, batch: sealed })
    store.settle('p', ids[0]!, { kind: 'delivered', receipt, at: T0 })
    expect(store.outboxBatch(ids[0]!)).toMatchObject({ entry: { held: false, state: 'delivered' }, batch: null })
    expect(store.outboxBatch('0'.repeat(26))).toBeUndefined()
  })
})

describe('a person', () => {
  it('queues quarantined batches again: all of a pool, or the named ones; the alarm ends with the last', () => {
    using folder = makeFolder()
    const { store, ids } = withBatches(folder, 5)
    using _ = store
    for (const id of ids.slice(0, 4)) quarantine(store, id)
    expect(openAlarms(store)).toEqual(['quarantine:p pool-rejected'])
    const before = store.status(T0).pools.p!.batches
    expect(store.retryBatches({ ids: [ids[1]!, ids[4]!] }, T0)).toEqual([ids[1]]) // the other one is queued
    expect(store.retryBatches({ pool: 'q' }, T0)).toEqual([])
    expect(openAlarms(store)).toEqual(['quarantine:p pool-rejected'])
    expect(store.retryBatches({ pool: 'p' }, T0)).toEqual([ids[0], ids[2], ids[3]])
    expect(openAlarms(store)).toEqual([])
    expect(store.status(T0).pools.p!.batches).toEqual({ ...before, queued: 5, quarantined: 0 })
    expect(store.nextBatch('p')!.id).toBe(ids[0])
  })

  it('cannot bring back a batch whose bytes are gone', () => {
    using folder = makeFolder()
    const { store, ids } = withBatches(folder, 2)
    using _ = store
    store.settle('p', ids[0]!, { kind: 'dropped', reason: 'full', at: T0 })
    quarantine(store, ids[0]!) // the answer to what was on its way
    store.settle('p', ids[1]!, { kind: 'delivered', receipt, at: T0 })
    expect(store.retryBatches({ pool: 'p' }, T0)).toEqual([])
    expect(store.nextBatch('p')).toBeUndefined()
  })

  it('gives batches up with a reason; what was delivered stays delivered, and the accounts add up ever after', () => {
    using folder = makeFolder()
    const { store, ids } = withBatches(folder, 5)
    using _ = store
    quarantine(store, ids[0]!)
    store.settle('p', ids[1]!, { kind: 'delivered', receipt, at: T0 })
    store.settle('p', ids[2]!, { kind: 'dropped', reason: 'full', at: T0 })
    expect(store.dropBatches({ states: ['delivered'] }, 'nothing', T0)).toEqual([])
    expect(store.dropBatches({ ids: ids.slice(0, 4) }, 'wrong contract', T0)).toEqual([ids[0], ids[3]])
    expect(openAlarms(store)).toEqual([])
    expect(store.outbox({ ids: [ids[0]!] })).toMatchObject([
      { state: 'dropped', reason: 'operator', message: 'wrong contract', held: false },
    ])
    const told = { batches: { sealed: 5, queued: 1, delivered: 1, dropped: 3 }, dropped: { operator: 2, full: 1 } }
    expect(store.status(T0).pools.p).toMatchObject(told)
    store.tidy(unixMs(T0 + 31 * DAY))
    expect(store.outbox({}).length).toBe(1)
    expect(store.status(T0).pools.p).toMatchObject(told)
    expect(accountProblems(store.status(T0))).toEqual([])
  })
})

describe('the quarantine alarm', () => {
  it('ends when the last batch went for another reason', () => {
    using folder = makeFolder()
    const { store, ids } = withBatches(folder, 1)
    using _ = store
    quarantine(store, ids[0]!)
    store.settle('p', ids[0]!, { kind: 'dropped', reason: 'full', at: T0 })
    store.tidy(T0)
    expect(openAlarms(store)).toEqual([])
  })
})

describe('bytes sent', () => {
  it('are counted by day, over restarts and when the clock goes back over midnight, for a month', () => {
    using folder = makeFolder()
    {
      using store = folder.open()
      store.openPool('p')
      expect(store.countSent('p', '2026-06-01', 100)).toBe(100)
      expect(store.countSent('p', '2026-06-02', 5)).toBe(5)
    }
    using store = folder.open()
    expect(store.countSent('p', '2026-06-01', 20)).toBe(120)
    for (let day = 1; day <= 31; day++) store.countSent('p', `2026-07-${String(day).padStart(2, '0')}`, 1)
    const { sent } = store.status(T0).pools.p!
    expect(Object.keys(sent).length).toBe(32)
    expect(sent).toMatchObject({ '2026-06-02': 5, '2026-07-31': 1 })
  })
})

describe('batches that were dropped', () => {
  it('are owed to the pool until it was told of them, and may be asked for past some', () => {
    using folder = makeFolder()
    const { store, ids } = withBatches(folder, 4)
    using _ = store
    store.dropBatches({ ids: ids.slice(0, 3) }, 'wrong', T0)
    const owed = (except: readonly BatchId[]) => store.unburied('p', 9, except).map(({ id }) => id)
    expect([owed([]), owed([ids[0]!])]).toEqual([ids.slice(0, 3), ids.slice(1, 3)])
    store.buried('p', ids[1]!, T0)
    expect(store.status(T0).pools.p).toMatchObject({ owed: 2 })
  })
})

describe('an outbox of the version before', () => {
  it('keeps its counters of dropped batches', () => {
    using folder = makeFolder()
    const before = 3
    const db = new Database(databasePath(folder.path))
    layOut(db)
    migrate(db, MIGRATIONS.slice(0, before))
    db.exec(`INSERT INTO meta VALUES ('stream_secret', x'0102030405060708'), ('instance', 'i');
      INSERT INTO pool (name, start_seq, raw_seq, sealed_until, since, sealed, pruned_dropped)
        VALUES ('p', 0, 0, '{}', 0, 7, 7)`)
    db.close()
    expect(MIGRATIONS.length).toBeGreaterThan(before)
    using store = folder.open()
    expect(store.status(T0).pools.p).toMatchObject({ batches: { sealed: 7, dropped: 7 }, dropped: { unknown: 7 } })
  })
})
