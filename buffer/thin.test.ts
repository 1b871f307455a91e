import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rawSeq, unixMs } from '../core/brand.ts'
import type { StoredBlock } from '../core/stored-block.ts'
import { commitOf, makeFolder, publicationTo, readingsOf, signalSpec, T0 } from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'
import type { Store } from './port.ts'

/** Of it a megabyte is reserve. */
const CAP = 2.2e6

function blocksOf(store: Store): readonly StoredBlock[] {
  const found: StoredBlock[] = []
  for (let at = store.positionOf(rawSeq(0)); ; ) {
    const blocks = store.blocks(at, 100)
    if (blocks.length === 0) return found
    found.push(...blocks)
    at = blocks.at(-1)!.position + 1
  }
}

/** Commits of `n` readings that do not compress, a second apart. */
function append(store: Store, commits: number, n: number, signals = 1): void {
  const last = store.status(T0).accepted
  for (let i = 0; i < commits; i++) {
    const readings = Array.from({ length: n }, (_, j) => [j % signals, Math.random()] as const)
    store.append(commitOf(readings, { after: (last / n + i) * 1_000 }))
  }
}

describe('when_full: thin_oldest', () => {
  it.each([
    ['commits of one page', 400, 600],
    ['commits of several pages', 1_000, 375],
    ['commits of many pages', 4_000, 95],
  ])('costs resolution and not history: %s', (_, n, commits) => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP, when_full: 'thin_oldest' })
    store.intern([signalSpec('a')])
    store.openPool('p')
    append(store, commits, n)
    const status = store.status(T0)
    const blocks = blocksOf(store)
    expect(accountProblems(status)).toEqual([])
    expect(status.disk.file_bytes).toBeLessThanOrEqual(CAP)
    expect(status.pools.p!.accounts.evicted).toEqual({ thinned: expect.any(Number) })
    expect(status.alarms).toMatchObject([{ key: 'store:full', message: expect.stringMatching(/every n-th/) }])
    expect(blocks[0]!.position).toBe(0)
    expect(blocks.map(({ position }) => position)).toEqual(blocks.map((_, i) => i))
    const factors = blocks.map(({ factor = 1 }) => factor)
    expect(Math.max(...factors)).toBeLessThanOrEqual(8)
    // About the same resolution everywhere, finer only in what the pass has not come to.
    expect(factors).toEqual(factors.toSorted((a, b) => b - a))
    expect(new Set(factors).size).toBeLessThanOrEqual(3)
    for (const { block, factor = 1 } of blocks) {
      expect(Math.abs(block.times.length - n / factor)).toBeLessThanOrEqual(1)
    }
  })

  it('gives up the oldest once every 64th is left, and thins what comes then', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: 2.5e6, when_full: 'thin_oldest' })
    // A state keeps its changes, so that there is little to gain.
    store.intern([{ ...signalSpec('a'), type: 'string' }])
    store.openPool('p')
    for (let i = 0; i < 60; i++) {
      const readings = Array.from({ length: 4_000 }, () => [0, Math.random().toString(36)] as const)
      store.append(commitOf(readings, { after: i * 1_000 }))
    }
    const { accounts } = store.status(T0).pools.p!
    expect(accounts.evicted.full).toBeGreaterThan(0)
    expect(accountProblems(store.status(T0))).toEqual([])
    expect(store.status(T0).disk.file_bytes).toBeLessThanOrEqual(2.5e6)
  })

  it('begins anew at every second when the backlog was published', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP, when_full: 'thin_oldest' })
    store.intern([signalSpec('a')])
    store.openPool('p')
    append(store, 375, 1_000)
    store.commitPublication(publicationTo(store, 'p', store.status(T0).accepted, { ledger: pendingOf(store) }))
    const { evicted } = store.status(T0).pools.p!.accounts
    append(store, 80, 1_000)
    expect(store.status(T0).pools.p!.accounts.evicted).toEqual(evicted)
    append(store, 100, 1_000)
    expect(new Set(blocksOf(store).map(({ factor = 1 }) => factor))).toEqual(new Set([1, 2]))
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('lets the publisher say which of the readings it takes out were disclosed already', () => {
    using folder = makeFolder()
    const asked: number[] = []
    using store = folder.open({
      max_size: CAP,
      when_full: 'thin_oldest',
      fateOnEviction: (_, { block }) => {
        asked.push(block.times.length)
        return [
          { signal: 0, account: 'disclosed', reason: '', n: 1 },
          { signal: 0, account: 'evicted', reason: 'full', n: block.times.length - 1 },
        ]
      },
    })
    store.intern([signalSpec('a')])
    store.openPool('p')
    append(store, 200, 1_000)
    const { accounts } = store.status(T0).pools.p!
    expect(asked.length).toBeGreaterThan(0)
    expect(accounts.disclosed).toBe(asked.length)
    expect(accounts.evicted).toEqual({ thinned: asked.reduce((sum, n) => sum + n - 1, 0) })
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('takes nothing from a pool that has passed a block, nor the block that a cursor lies in', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP, when_full: 'thin_oldest', keep_raw: 1e12 })
    store.intern([signalSpec('a')])
    for (const pool of ['p', 'q', 'old']) store.openPool(pool)
    append(store, 60, 1_000)
    store.commitPublication(publicationTo(store, 'q', 20_007))
    append(store, 120, 1_000)
    const status = store.status(T0)
    expect(accountProblems(status)).toEqual([])
    const [p, q] = [status.pools.p!.accounts, status.pools.q!.accounts]
    expect(p.evicted.thinned).toBeGreaterThan(q.evicted.thinned!)
    expect(q.disclosed).toBe(20_007)
    const cursor = store.openPool('q').cursor.raw_seq
    expect(cursor).toBe(20_007)
    const [held] = store.blocks(store.positionOf(cursor), 1)
    expect(held!.block.times.length).toBe(1_000)
    expect(held!.factor).toBeUndefined()
  })

  it('goes on where it was after the file was opened again', () => {
    using folder = makeFolder()
    const open = (): Store => folder.open({ max_size: CAP, when_full: 'thin_oldest' })
    {
      using store = open()
      store.intern([signalSpec('a')])
      store.openPool('p')
      append(store, 185, 1_000)
    }
    using store = open()
    const before = blocksOf(store).map(({ factor = 1 }) => factor)
    append(store, 20, 1_000)
    const after = blocksOf(store).map(({ factor = 1 }) => factor)
    expect(before).toContain(2)
    expect(after.lastIndexOf(2)).toBeGreaterThan(before.lastIndexOf(2))
    expect(after).not.toContain(4)
    expect(accountProblems(store.status(T0))).toEqual([])
  })
})

/** Everything that is still pending for the pool `p`, as disclosed. */
function pendingOf(store: Store) {
  return [{ signal: 0, account: 'disclosed', reason: '', n: store.status(T0).pools.p!.accounts.pending }] as const
}

describe('any sequence of publications, thinning and restarts', () => {
  it('keeps every reading in exactly one account, and what is left in order', { timeout: 60_000 }, () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('append'), commits: fc.integer({ min: 1, max: 60 }) }) },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('publish'), pool: fc.constantFrom('p', 'q'), share: fc.nat(100) }),
      },
      fc.record({ kind: fc.constantFrom('open', 'retire', 'tidy') }),
    )
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 12 }), fc.constantFrom(30, 1_000), (steps, n) => {
        using folder = makeFolder()
        const open = (): Store => folder.open({ max_size: 1.6e6, when_full: 'thin_oldest' })
        let store = open()
        store.intern([signalSpec('a')])
        for (const pool of ['p', 'q', 'gone']) store.openPool(pool)
        let accepted = 0
        /** Each value is the number of its reading and a fraction that does not compress. */
        const commit = (size: number): void => {
          const readings = Array.from({ length: size }, (_, i) => [0, accepted + i + Math.random() / 2] as const)
          store.append(commitOf(readings, { after: accepted }))
          accepted += size
        }
        for (let i = 0; i < 8; i++) commit(8_000)
        for (const act of steps) {
          if (act.kind === 'append') for (let i = 0; i < act.commits; i++) commit(n)
          else if (act.kind === 'retire') store.retirePools(['p', 'q'])
          else if (act.kind === 'tidy') store.tidy(unixMs(T0 + accepted))
          else if (act.kind === 'publish') {
            const { accounts, cursor } = store.status(T0).pools[act.pool]!
            const left = readingsFrom(store, cursor.raw_seq)
            expect(left.length).toBe(accounts.pending)
            const passed = Math.floor(((left.length - 1) * act.share) / 100)
            if (passed < 1) continue
            const ledger = [{ signal: 0, account: 'disclosed', reason: '', n: passed }] as const
            store.commitPublication(publicationTo(store, act.pool, left[passed]!, { ledger }))
          } else {
            store[Symbol.dispose]()
            store = open()
          }
          expect(accountProblems(store.status(T0))).toEqual([])
          expect(store.status(T0).accepted).toBe(accepted)
        }
        const kept = readingsOf(store).map(Math.floor)
        expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b))
        store[Symbol.dispose]()
      }),
      { numRuns: 8 },
    )
  })
})

/** Sequences of the readings that are there from `seq` on. */
function readingsFrom(store: Store, seq: number): readonly number[] {
  return blocksOf(store)
    .flatMap(({ seq: first, block }) => Array.from(block.times, (_, i) => first + i))
    .filter((each) => each >= seq)
}
