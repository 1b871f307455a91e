import { rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import type { LedgerEntry } from '../core/ledger.ts'
import {
  batchOf,
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
import { databasePath } from './database.ts'
import type { Store, StoreOptions } from './port.ts'

const DAY = 86_400_000

/** A store with pools `kept` and `old` and `n` readings, one a commit and second. */
function openWith(folder: TestFolder, n: number, options: Partial<StoreOptions> = {}): Store {
  const store = folder.open({ keep_raw: 1_000, ...options })
  store.intern([signalSpec('a')])
  for (const pool of ['kept', 'old']) store.openPool(pool)
  appendUpTo(store, n)
  return store
}

/** Appends readings that count up, one a commit and second, until `n` are accepted. */
function appendUpTo(store: Store, n: number): void {
  for (let i = store.status(T0).accepted; i < n; i++) store.append(commitOf(numbered(i, 1), { after: i * 1_000 }))
}

/** All that is pending for a pool is disclosed. */
function publishAll(store: Store, pool: string): void {
  store.openPool(pool)
  const { accepted, pools } = store.status(T0)
  const n = pools[pool]!.accounts.pending
  const ledger: readonly LedgerEntry[] = n > 0 ? [{ signal: 0, account: 'disclosed', reason: '', n }] : []
  store.commitPublication(publicationTo(store, pool, accepted, { ledger }))
}

const poolOf = (store: Store, pool: string) => store.status(T0).pools[pool]!

describe('a pool that is not configured any more', () => {
  it('accepts nothing more, keeps what it holds, and holds back nothing else', () => {
    using folder = makeFolder()
    using store = openWith(folder, 10)
    store.commitPublication(publicationTo(store, 'old', 6))
    store.retirePools(['kept'])
    appendUpTo(store, 600)
    publishAll(store, 'kept')
    store.tidy(unixMs(T0 + 600_000))
    expect(poolOf(store, 'old')).toMatchObject({
      retired: { since: T0 + 600_000 },
      accounts: { accepted: 10, pending: 4, disclosed: 6, evicted: {} },
    })
    expect(poolOf(store, 'kept').retired).toBeNull()
    for (let i = 0; i < 3; i++) store.tidy(unixMs(T0 + 660_000))
    expect(readingsOf(store)).toEqual([6, 7, 8, 9, 599])
    expect(accountProblems(store.status(T0))).toEqual([])
    expect(store.status(T0).alarms).toEqual([])
  })

  it('lets the log go as if it were not there, where nothing waits for it', () => {
    using folder = makeFolder()
    using store = openWith(folder, 10)
    publishAll(store, 'old')
    store.retirePools(['kept'])
    appendUpTo(store, 20)
    publishAll(store, 'kept')
    store.tidy(unixMs(T0 + DAY))
    expect(readingsOf(store)).toEqual([19])
    expect(poolOf(store, 'old').accounts).toMatchObject({ accepted: 10, pending: 0, disclosed: 10 })
  })

  it.each<readonly [string, number]>([
    ['with readings pending', 6],
    ['with none', 10],
  ])('takes up everything that is still there when it is configured again, %s', (_, published) => {
    using folder = makeFolder()
    {
      using store = openWith(folder, 10)
      store.commitPublication(publicationTo(store, 'old', published))
      store.retirePools(['kept'])
      appendUpTo(store, 15)
      publishAll(store, 'kept')
    }
    using store = folder.open()
    store.retirePools(['kept', 'old'])
    expect(poolOf(store, 'old')).toMatchObject({ retired: {}, accounts: { accepted: 10 } })
    store.openPool('old')
    expect(poolOf(store, 'old')).toMatchObject({
      retired: null,
      accounts: { accepted: 15, pending: 15 - published, disclosed: published, evicted: {} },
    })
    publishAll(store, 'old')
    expect(poolOf(store, 'old').accounts).toMatchObject({ accepted: 15, pending: 0, disclosed: 15 })
  })

  it.each<readonly [string, number, number]>([
    ['with readings pending', 6, 4],
    ['with none', 10, 0],
  ])('never accepted what went meanwhile, %s', (_, published, pending) => {
    using folder = makeFolder()
    using store = openWith(folder, 10)
    store.commitPublication(publicationTo(store, 'old', published))
    store.retirePools(['kept'])
    appendUpTo(store, 100)
    publishAll(store, 'kept')
    store.tidy(unixMs(T0 + 60_000))
    const left = readingsOf(store).filter((value) => value >= 10).length
    expect(left).toBeGreaterThan(10)
    expect(left).toBeLessThan(90)
    store.openPool('old')
    expect(poolOf(store, 'old').accounts).toMatchObject({ accepted: 10 + left, pending: pending + left, evicted: {} })
    publishAll(store, 'old')
    expect(accountProblems(store.status(T0))).toEqual([])
    expect(poolOf(store, 'old').accounts).toMatchObject({ pending: 0, disclosed: 10 + left })
  })

  it('gives up its readings at max_age, and its batches when it was retired for that long', () => {
    using folder = makeFolder()
    const at = (days: number) => unixMs(T0 + days * DAY)
    using store = openWith(folder, 10, { max_age: 30 * DAY })
    const { cursor } = store.openPool('old')
    const batch = batchOf('old', store.nextSeq('old', 'hourly', 0))
    store.commitPublication({ pool: 'old', expect: cursor, next: cursor, batch, ledger: [] })
    publishAll(store, 'kept')
    store.append(commitOf([], { after: 20 * DAY }))
    store.retirePools(['kept'])
    store.tidy(at(20))
    expect(store.append(commitOf([], { after: 40 * DAY })).evicted).toEqual([])
    store.tidy(at(40))
    expect(poolOf(store, 'old')).toMatchObject({
      accounts: { accepted: 10, pending: 0, evicted: { retired: 10 } },
      batches: { sealed: 1, queued: 1, dropped: 0 },
    })
    store.tidy(at(51))
    expect(poolOf(store, 'old').batches).toMatchObject({ sealed: 1, queued: 0, dropped: 1 })
    expect(accountProblems(store.status(T0))).toEqual([])
    expect(store.status(T0).alarms).toEqual([])
  })

  it('makes room first at max_size, and calls for nobody', () => {
    using folder = makeFolder()
    using store = openWith(folder, 10, { max_size: 16e6 })
    const { cursor } = store.openPool('kept')
    const batch = batchOf('kept', store.nextSeq('kept', 'hourly', 0), { bytes: Buffer.alloc(13e6) })
    store.commitPublication({ pool: 'kept', expect: cursor, next: cursor, batch, ledger: [] })
    publishAll(store, 'kept')
    store.retirePools(['kept'])
    for (let i = 0; poolOf(store, 'old').accounts.pending > 0 && i < 120; i++) {
      const noise = Array.from({ length: 4_000 }, () => [0, Math.random()] as const)
      expect(store.append(commitOf(noise, { after: 20_000 + i })).evicted).toEqual([])
      publishAll(store, 'kept')
    }
    expect(poolOf(store, 'old').accounts).toMatchObject({ accepted: 10, pending: 0, evicted: { retired: 10 } })
    expect(accountProblems(store.status(T0))).toEqual([])
    expect(store.status(T0).alarms).toEqual([])
  })

  it('loses with the database only what waited for it', () => {
    using folder = makeFolder()
    {
      using store = openWith(folder, 10)
      store.commitPublication(publicationTo(store, 'old', 6, { slot: T0 + 60_000 }))
      store.retirePools(['kept'])
      appendUpTo(store, 200)
    }
    rmSync(databasePath(folder.path))
    using store = folder.open()
    store.intern([signalSpec('a')])
    expect(poolOf(store, 'old').accounts).toMatchObject({ accepted: 4, pending: 0, evicted: { damage: 4 } })
    expect(poolOf(store, 'kept').accounts).toMatchObject({ accepted: 200, pending: 0, evicted: { damage: 200 } })
    store.retirePools(['kept'])
    appendUpTo(store, 210)
    expect(poolOf(store, 'old').accounts).toMatchObject({ accepted: 4, pending: 0 })
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('does not pay for damage behind its end', () => {
    using folder = makeFolder()
    {
      using store = openWith(folder, 10)
      store.retirePools(['kept'])
      appendUpTo(store, 20)
    }
    const db = new Database(databasePath(folder.path))
    db.exec('UPDATE chunk SET crc = crc + 1 WHERE position = 15')
    db.close()
    using store = folder.open()
    readingsOf(store)
    expect(poolOf(store, 'kept').accounts).toMatchObject({ accepted: 20, pending: 19, evicted: { damage: 1 } })
    expect(poolOf(store, 'old').accounts).toMatchObject({ accepted: 10, pending: 10, evicted: {} })
    store.openPool('old')
    expect(poolOf(store, 'old').accounts).toMatchObject({ accepted: 19, pending: 19, evicted: {} })
    expect(accountProblems(store.status(T0))).toEqual([])
  })
})

describe('any sequence of configurations', () => {
  const pools = ['p', 'q'] as const
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('append'), n: fc.nat(9), after: fc.nat(90_000) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('publish'), pool: fc.constantFrom(...pools) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('restart'), configured: fc.subarray([...pools]) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('tidy') }) },
  )

  it('keeps every reading of every pool in exactly one account', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        using folder = makeFolder()
        const open = () => folder.open({ max_age: 600_000, keep_raw: 30_000 })
        let store = open()
        store.intern([signalSpec('a')])
        let configured: readonly string[] = pools
        for (const pool of [...pools, 'never']) store.openPool(pool)
        let after = 0
        for (const act of steps) {
          if (act.kind === 'append') {
            after += act.after
            store.append(commitOf(numbered(store.status(T0).accepted, act.n), { after }))
          } else if (act.kind === 'publish') {
            if (configured.includes(act.pool)) publishAll(store, act.pool)
          } else if (act.kind === 'tidy') store.tidy(unixMs(T0 + after))
          else {
            store[Symbol.dispose]()
            store = open()
            configured = act.configured
            store.retirePools([...configured, 'never'])
            for (const pool of configured) store.openPool(pool)
          }
          const status = store.status(unixMs(T0 + after))
          expect(accountProblems(status)).toEqual([])
          const { accounts } = status.pools.never!
          expect(accounts.accepted).toBe(status.accepted)
          expect(readingsOf(store).slice(-accounts.pending || Number.POSITIVE_INFINITY)).toEqual(
            Array.from({ length: accounts.pending }, (_, i) => status.accepted - accounts.pending + i),
          )
        }
        for (const pool of configured) publishAll(store, pool)
        expect(configured.map((pool) => poolOf(store, pool).accounts.pending)).toEqual(configured.map(() => 0))
        store[Symbol.dispose]()
      }),
      { numRuns: 40 },
    )
  })
})
