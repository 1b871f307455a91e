import { describe, expect, it } from 'vitest'
import { rawSeq, unixMs } from '../core/brand.ts'
import type { LedgerEntry } from '../core/ledger.ts'
import {
  batchOf,
  commitOf,
  fill,
  fillWithTexts,
  makeFolder,
  numbered,
  publicationTo,
  readingsOf,
  signalSpec,
  T0,
} from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'

const CAP = 8e6

describe('at max_size', () => {
  it('gives up the oldest pending readings, in steps, says so, and stays below the cap', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP })
    store.intern([signalSpec('a')])
    store.openPool('p')
    store.openPool('q')
    let steps = 0
    fill(store, CAP / 2)
    const seen = store.status(T0).accepted
    store.commitPublication(publicationTo(store, 'q', seen))
    fill(store, CAP, (evicted) => {
      if (evicted.length > 0) steps++
    })
    const status = store.status(T0)
    expect(accountProblems(status)).toEqual([])
    expect(status.disk.file_bytes).toBeLessThanOrEqual(CAP)
    expect(status.disk.raw_bytes).toBeGreaterThan(CAP * 0.8)
    expect(status.pools.p!.accounts.evicted).toEqual({ full: status.pools.p!.cursor.raw_seq })
    expect(status.pools.p!.signals).toEqual([
      { signal: 'press/a', account: 'evicted', reason: 'full', n: status.pools.p!.cursor.raw_seq },
    ])
    expect(status.alarms).toMatchObject([{ key: 'store:full', code: 'store-full', until: null }])
    expect(steps).toBeGreaterThan(2)
    expect(store.openPool('p').cursor.raw_seq).toBe(store.blocks(store.positionOf(rawSeq(0)), 1)[0]!.seq)
    expect(store.openPool('q').cursor.raw_seq).toBe(Math.max(seen, store.openPool('p').cursor.raw_seq))
  })

  it('deletes published readings first, at no loss', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP, keep_raw: 1e12 })
    store.intern([signalSpec('a')])
    store.openPool('p')
    fill(store, CAP * 0.8)
    store.commitPublication(publicationTo(store, 'p', store.status(T0).accepted))
    fill(store, CAP * 0.6, (evicted) => expect(evicted).toEqual([]))
    expect(store.status(T0).pools.p!.accounts.evicted).toEqual({})
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('lets the publisher say what was disclosed already, and does not believe a wrong sum', () => {
    using folder = makeFolder()
    let told: ((n: number) => readonly LedgerEntry[]) | undefined
    using store = folder.open({
      max_size: CAP,
      fateOnEviction: (pool, block) => (pool === 'p' ? told?.(block.block.times.length) : undefined),
    })
    store.intern([signalSpec('a')])
    store.openPool('p')
    told = (n) => [
      { signal: 0, account: 'disclosed', reason: '', n: n - 1 },
      { signal: 0, account: 'evicted', reason: 'full', n: 1 },
    ]
    fill(store, CAP * 1.3)
    const { disclosed, evicted } = store.status(T0).pools.p!.accounts
    expect(disclosed).toBe(evicted.full! * 7_999)
    told = (n) => [{ signal: 0, account: 'disclosed', reason: '', n: n + 1 }]
    fill(store, CAP * 0.3)
    expect(store.status(T0).pools.p!.accounts.disclosed).toBe(disclosed)
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('accounts only for the part of a block that the cursor has not passed', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP })
    store.intern([signalSpec('a')])
    store.openPool('p')
    fill(store, CAP / 2)
    store.commitPublication(publicationTo(store, 'p', 1_000))
    fill(store, CAP)
    const { accounts, cursor } = store.status(T0).pools.p!
    expect(accounts.disclosed).toBe(1_000)
    expect(accounts.evicted.full).toBe(cursor.raw_seq - 1_000)
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('drops batches last, quarantined ones before the rest', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP })
    store.intern([signalSpec('a')])
    store.openPool('p')
    const ids = Array.from({ length: 33 }, (_, i) => {
      const batch = batchOf('p', store.nextSeq('p', 'hourly', 0), { bytes: Buffer.alloc(CAP / 32, i) })
      store.append(commitOf(numbered(i, 1), { after: i }))
      const { cursor } = store.openPool('p')
      if (i < 31) store.commitPublication({ pool: 'p', expect: cursor, next: cursor, batch, ledger: [] })
      if (i === 20) store.settle('p', batch.id, { kind: 'quarantined', code: 'range', message: '', at: T0 })
      return batch.id
    })
    const { batches } = store.status(T0).pools.p!
    expect(batches.dropped).toBeGreaterThan(0)
    expect(batches.quarantined).toBe(0)
    expect(batches.sealed).toBe(batches.queued + batches.dropped)
    expect(accountProblems(store.status(T0))).toEqual([])
    expect(store.nextBatch('p')!.id).toBe(ids[batches.dropped - 1])
    expect(readingsOf(store).length).toBeLessThan(5)
  })

  it('counts a batch as delivered that was dropped while it was sent', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP })
    store.intern([signalSpec('a')])
    const { cursor } = store.openPool('p')
    for (let i = 0; i < 30; i++) {
      const batch = batchOf('p', store.nextSeq('p', 'hourly', 0), { bytes: Buffer.alloc(CAP / 32, i) })
      store.commitPublication({ pool: 'p', expect: cursor, next: cursor, batch, ledger: [] })
    }
    const sent = store.nextBatch('p')!
    fillWithTexts(store, 2e6)
    expect(store.nextBatch('p')!.id).not.toBe(sent.id)
    const receipt = { kind: 'file', path: 'x', sha256: sent.sha256 } as const
    store.settle('p', sent.id, { kind: 'delivered', receipt, at: T0 })
    expect(store.status(T0).pools.p!.batches).toMatchObject({ sealed: 30, delivered: 1, dropped: expect.any(Number) })
    expect(store.status(T0).pools.p!.batches.dropped).toBeGreaterThan(1)
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('goes on under a cap that was lowered', () => {
    using folder = makeFolder()
    {
      using store = folder.open({ max_size: CAP * 2 })
      store.intern([signalSpec('a')])
      store.openPool('p')
      fill(store, CAP * 1.5)
    }
    using store = folder.open({ max_size: CAP })
    fill(store, CAP / 4)
    for (let i = 0; i < 20; i++) store.tidy(T0)
    expect(store.status(T0).disk).toMatchObject({ max_bytes: CAP })
    expect(store.status(T0).disk.raw_bytes).toBeLessThan(CAP)
    expect(store.status(T0).disk.file_bytes).toBeLessThan(CAP * 1.3)
    expect(accountProblems(store.status(T0))).toEqual([])
  })
})

describe('at max_age', () => {
  it('gives up what is too old, whatever an untrusted clock said about it', () => {
    using folder = makeFolder()
    using store = folder.open({ max_age: 3_600_000 })
    store.intern([signalSpec('a')])
    store.openPool('p')
    store.append(commitOf(numbered(0, 1), { after: -1e11, sane: false }))
    store.append(commitOf(numbered(1, 2), { after: 0 }))
    store.append(commitOf(numbered(3, 3), { after: 60_000 }))
    expect(store.append(commitOf([], { after: 1e12, sane: false })).evicted).toEqual([])
    expect(store.append(commitOf([], { after: 3_600_000 })).evicted).toEqual([])
    expect(store.append(commitOf([], { after: 3_660_000 })).evicted).toEqual(['p'])
    expect(store.status(T0).pools.p!.accounts).toMatchObject({ pending: 3, evicted: { age: 3 } })
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('is kept at any rate of commits', () => {
    using folder = makeFolder()
    using store = folder.open({ max_age: 60_000 })
    store.intern([signalSpec('a')])
    store.openPool('p')
    for (let i = 0; i < 700; i++) store.append(commitOf(numbered(i, 1), { after: i }))
    for (let i = 0; i < 4; i++) store.append(commitOf([], { after: 120_000 + i }))
    expect(store.status(T0).pools.p!.accounts).toMatchObject({ pending: 0, evicted: { age: 700 } })
  })
})

describe('tidying', () => {
  it('keeps published readings for keep_raw and pending ones for ever', () => {
    using folder = makeFolder()
    using store = folder.open({ keep_raw: 10_000 })
    store.intern([signalSpec('a')])
    store.openPool('p')
    for (let i = 0; i < 10; i++) store.append(commitOf(numbered(i, 1), { after: i * 1_000 }))
    store.commitPublication(publicationTo(store, 'p', 6))
    store.tidy(unixMs(T0 + 13_500))
    expect(readingsOf(store)).toEqual([4, 5, 6, 7, 8, 9])
    store.tidy(unixMs(T0 + 1e9))
    expect(readingsOf(store)).toEqual([6, 7, 8, 9])
    expect(accountProblems(store.status(T0))).toEqual([])
  })
})
