import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import type { LedgerEntry } from '../core/ledger.ts'
import { commitOf, makeFolder, publicationTo, readingsOf, signalSpec, T0 } from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'
import type { BatchAccounts } from './batch-port.ts'

const MAX_AGE = 600_000
const KEEP_RAW = 30_000

interface PoolModel {
  readonly start: number
  cursor: number
  slot: number
  disclosed: number
  late: number
  aged: number
  batches: { -readonly [K in keyof BatchAccounts]: number }
}

const pool = fc.constantFrom('p', 'q')
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append'), n: fc.nat(40), after: fc.nat(90_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('open'), pool }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('publish'),
      pool,
      share: fc.nat(100),
      late: fc.nat(100),
      seal: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('settle'),
      pool,
      how: fc.constantFrom('delivered', 'quarantined', 'dropped'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tidy') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reopen') }) },
)

describe('any sequence of calls', () => {
  it('keeps every reading and batch in exactly one account', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
        using folder = makeFolder()
        const open = () => folder.open({ max_age: MAX_AGE, keep_raw: KEEP_RAW })
        let store = open()
        store.intern([signalSpec('a')])
        /** arrival of each reading ever accepted; its value is its index */
        const arrivals: number[] = []
        const pools = new Map<string, PoolModel>()
        /** end of each block, with its arrival */
        const blocks: { readonly end: number; readonly arrival: number }[] = []
        let after = 0
        let agedAt = Number.NEGATIVE_INFINITY

        for (const act of steps) {
          const model = 'pool' in act ? pools.get(act.pool) : undefined
          if (act.kind === 'append') {
            after += act.after
            const from = arrivals.length
            const { seq, n, evicted } = store.append(
              commitOf(
                Array.from({ length: act.n }, (_, i) => [0, from + i]),
                { after },
              ),
            )
            expect([seq, n]).toEqual([from, act.n])
            const old = blocks.findLast(({ arrival }) => arrival < after - MAX_AGE)?.end
            const aged =
              old !== undefined && after - agedAt >= 60_000 ? [...pools].filter(([, p]) => p.cursor < old) : []
            for (const [, p] of aged) {
              p.aged += old! - p.cursor
              p.cursor = old!
            }
            expect([...evicted].sort()).toEqual(aged.map(([name]) => name).sort())
            if (after - agedAt >= 60_000) agedAt = after
            for (let i = 0; i < act.n; i++) arrivals.push(after)
            blocks.push({ end: arrivals.length, arrival: after })
          } else if (act.kind === 'open') {
            const { cursor } = store.openPool(act.pool)
            if (!model) {
              const batches = { sealed: 0, queued: 0, delivered: 0, quarantined: 0, dropped: 0 }
              const at = arrivals.length
              pools.set(act.pool, { start: at, cursor: at, slot: T0, disclosed: 0, late: 0, aged: 0, batches })
            }
            expect(cursor.raw_seq).toBe(pools.get(act.pool)!.cursor)
          } else if (act.kind === 'publish' && model) {
            const n = Math.floor(((arrivals.length - model.cursor) * act.share) / 100)
            const late = Math.floor((n * act.late) / 100)
            const ledger: LedgerEntry[] = [
              { signal: 0, account: 'disclosed', reason: '', n: n - late },
              { signal: 0, account: 'withheld', reason: 'late', n: late },
            ]
            if (act.seal) model.slot += 60_000
            store.commitPublication(
              publicationTo(store, act.pool, model.cursor + n, { ledger, ...(act.seal ? { slot: model.slot } : {}) }),
            )
            model.cursor += n
            model.disclosed += n - late
            model.late += late
            if (act.seal) {
              model.batches.sealed++
              model.batches.queued++
            }
          } else if (act.kind === 'settle' && model) {
            const batch = store.nextBatch(act.pool)
            expect(batch === undefined).toBe(model.batches.queued === 0)
            if (!batch) continue
            const at = unixMs(T0 + after)
            const receipt = { kind: 'file', path: 'x', sha256: batch.sha256 } as const
            store.settle(
              act.pool,
              batch.id,
              act.how === 'delivered'
                ? { kind: 'delivered', receipt, at }
                : act.how === 'dropped'
                  ? { kind: 'dropped', reason: 'test', at }
                  : { kind: 'quarantined', code: 'range', message: 'test', at },
            )
            model.batches.queued--
            if (act.how !== 'dropped') model.batches[act.how === 'delivered' ? 'delivered' : 'quarantined']++
            else model.batches.dropped++
          } else if (act.kind === 'tidy') {
            store.tidy(unixMs(T0 + after))
          } else if (act.kind === 'reopen') {
            store[Symbol.dispose]()
            store = open()
            agedAt = Number.NEGATIVE_INFINITY
          }
        }

        const status = store.status(unixMs(T0 + after))
        expect(accountProblems(status)).toEqual([])
        expect(status.accepted).toBe(arrivals.length)
        for (const [name, p] of pools) {
          const { accounts, batches } = status.pools[name]!
          expect(batches).toEqual(p.batches)
          expect(accounts).toMatchObject({
            accepted: arrivals.length - p.start,
            pending: arrivals.length - p.cursor,
            disclosed: p.disclosed,
          })
          expect([accounts.withheld.late ?? 0, accounts.evicted.age ?? 0]).toEqual([p.late, p.aged])
        }
        const kept = readingsOf(store)
        const first = arrivals.length - kept.length
        expect(kept).toEqual(Array.from(kept, (_, i) => first + i))
        expect(first).toBeLessThanOrEqual(Math.min(arrivals.length, ...[...pools.values()].map((p) => p.cursor)))
        store[Symbol.dispose]()
      }),
      { numRuns: 40 },
    )
  })
})
