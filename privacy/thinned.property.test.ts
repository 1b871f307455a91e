import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeThinner, pick } from '../buffer/thinning.ts'
import { rawSeq, unixMs } from '../core/brand.ts'
import type { SignalSpec } from '../core/signal.ts'
import type { StoredBlock } from '../core/stored-block.ts'
import {
  contractOf,
  HOUR,
  logOf,
  MINUTE,
  planOf,
  policyOf,
  pseudonyms,
  publishLog,
  type Row,
  signalOf,
  T0,
} from '../test/support/disclosure.ts'
import { makeDisclosure } from './disclose.ts'
import { type Disclosed, Q_DEGRADED, Q_MISSING, Q_OK } from './disclosed.ts'

/**
 * What the cells of a thinned log may say: a mean or last of a periodic signal lies between what was there; everything
 * else that is not marked is what the whole log would have given.
 */

const every10s = { kind: 'periodic', every: 10_000 } as const
const cadences = [every10s, { kind: 'event' } as const, { kind: 'on_change', heartbeat: 100_000 } as const]
const column = { meaning: 'm', unit: 'Cel', range: [-1, 200], step: 0.1, window: '1m' }
const stats = ['mean', 'last', 'min', 'max', 'std'] as const
const contract = contractOf(
  {
    stream: {
      kind: 'stream',
      grid: '1m',
      cadence: '5m',
      columns: {
        ...Object.fromEntries(stats.map((stat) => [stat, { ...column, stat }])),
        slow: { ...column, stat: 'mean', window: '5m' },
        slow_max: { ...column, stat: 'max', window: '5m' },
        slow_min: { ...column, stat: 'min', window: '5m' },
        rate: { meaning: 'm', stat: 'rate', unit: '1', range: [0, 100], step: 0.001 },
        made: { meaning: 'm', stat: 'delta', unit: '{count}', range: [0, 100], step: 1 },
        state: { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] },
        most: { meaning: 'm', type: 'category', stat: 'mode', vocabulary: ['idle', 'run'] },
      },
    },
  },
  { grace: '30s', max_wait: '10m' },
)
const oil = { from: '{asset}/oil', range: [0, 100], step: 1 }
const counters = { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor: 1 }
const rules = {
  ...Object.fromEntries([...stats, 'slow', 'slow_max', 'slow_min'].map((name) => [name, oil])),
  rate: { rate: counters, range: [0, 100], step: 0.01 },
  made: { from: '{asset}/total', range: [0, 100], step: 5 },
  state: { from: '{asset}/state' },
  most: { from: '{asset}/state' },
}
const assets = { 'press-7': { class: 'press', cycle_time: '10s' } }

const signalsOf = (cadence: SignalSpec['cadence']): readonly SignalSpec[] => [
  signalOf('press-7/oil', { unit: 'Cel', cadence }),
  signalOf('press-7/ng', { unit: '{count}', cadence }),
  signalOf('press-7/total', { unit: '{count}', cadence }),
  signalOf('press-7/state', { type: 'uint16', labels: { 0: 'idle', 1: 'run' }, cadence }),
]

/** An hour of blocks every ten seconds, with gaps, bad readings, resets of counters, and some readings that are late. */
const logs = fc
  .array(
    fc.record({
      signals: fc.subarray([0, 1, 2, 3], { minLength: 2 }),
      oil: fc.integer({ min: 0, max: 100 }),
      bad: fc.integer({ min: 0, max: 9 }),
      count: fc.integer({ min: 0, max: 5 }),
      reset: fc.integer({ min: 0, max: 30 }),
      state: fc.integer({ min: 0, max: 1 }),
      lag: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 200 })),
    }),
    { minLength: 100, maxLength: 360, size: 'max' },
  )
  .map((steps) => {
    let [ng, total] = [0, 0]
    return logOf(
      steps.map(({ signals, oil: x, bad, count, reset, state, lag }, i) => {
        const arrival = T0 + i * 10_000
        ng = reset === 0 ? 0 : ng + count
        total = reset === 1 ? 0 : total + count + 1
        const values = [x, ng, total, state]
        const rows = signals.map((signal): Row => [signal, arrival - lag * 1_000, values[signal]!, bad === 0 ? 5 : 0])
        return { arrival, rows, complete: { plc: { 'press-7': arrival } } }
      }),
    )
  })

/** The log as passes leave it that came to these shares of it, each with twice the factor of the one before. */
function thinnedBy(log: readonly StoredBlock[], signals: readonly SignalSpec[], passes: readonly number[]) {
  let left = log
  passes.forEach((share, pass) => {
    const factor = 2 ** (pass + 1)
    const thinner = makeThinner((index) => signals[index]!)
    left = left.map((stored) => {
      const had = stored.factor ?? 1
      if (stored.position >= share * log.length || had >= factor) return stored
      const stays = thinner.choose(stored.block, factor / had)
      return { ...stored, factor, block: { ...stored.block, ...pick(stored.block, stays, 1) } }
    })
  })
  let seq = 0
  return left.map((stored) => {
    const first = seq
    seq += stored.block.times.length
    return { ...stored, seq: rawSeq(first) }
  })
}

type Cells = ReadonlyMap<string, { readonly value: number | string | null; readonly q: number }>

function cellsBySlot(periods: readonly Disclosed[]): Cells {
  const cells = new Map<string, { value: number | string | null; q: number }>()
  for (const { slots, columns } of periods) {
    for (const { name, values, q } of columns) {
      for (const [i, slot] of slots.entries()) cells.set(`${name} ${slot}`, { value: values[i]!, q: q[i]! })
    }
  }
  return cells
}

describe('cells of a thinned log', () => {
  it('are what they would have been, lie between what was there, or are marked', () => {
    let unmarked = 0
    let marked = 0
    fc.assert(
      fc.property(
        logs,
        fc.constantFrom(...cadences),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 3 }),
        (log, cadence, passes) => {
          const signals = signalsOf(cadence)
          const plan = planOf(contract, policyOf({ stream: rules }, { assets }), signals)
          const whole = cellsBySlot(publishLog(log, plan, signals).periods)
          const thinned = publishLog(thinnedBy(log, signals, passes), plan, signals)
          const cells = cellsBySlot(thinned.periods)
          expect([...cells.keys()]).toEqual([...whole.keys()])
          for (const [key, { value, q }] of cells) {
            if (q !== Q_OK) {
              if (q !== whole.get(key)!.q) marked++
              if (q !== Q_MISSING) expect(whole.get(key)!.value).not.toBeNull()
              continue
            }
            const [name, slot] = key.split(' ') as [string, string]
            if (name === 'mean' || name === 'last' || name === 'slow') {
              const slow = name === 'slow' ? 'slow_' : ''
              expect(value).toBeGreaterThanOrEqual(whole.get(`${slow}min ${slot}`)!.value as number)
              expect(value).toBeLessThanOrEqual(whole.get(`${slow}max ${slot}`)!.value as number)
            } else expect([key, value]).toEqual([key, whole.get(key)!.value])
            unmarked++
          }
        },
      ),
      { numRuns: 25 },
    )
    expect(unmarked).toBeGreaterThan(200)
    expect(marked).toBeGreaterThan(200)
  })

  it('weigh what is thinned as what was there', () => {
    const signals = signalsOf(every10s)
    const plan = planOf(contract, policyOf({ stream: rules }, { assets }), signals)
    // Half of each five minutes is 10, half 90.
    const log = logOf(
      Array.from({ length: 120 }, (_, i) => {
        const arrival = T0 + i * 10_000
        return { arrival, rows: [[0, arrival, i % 30 < 15 ? 10 : 90]], complete: { plc: { 'press-7': arrival } } }
      }),
    )
    const slow = (blocks: readonly StoredBlock[]) => cellsBySlot(publishLog(blocks, plan, signals).periods)
    const at = `slow ${T0 + 600_000}`
    expect(slow(log).get(at)).toEqual({ value: 50, q: Q_OK })
    // Up to the middle of its window the log is thinned.
    const { value, q } = slow(thinnedBy(log, signals, [45 / 120])).get(at)!
    expect(q).toBe(Q_OK)
    expect(Math.abs((value as number) - 50)).toBeLessThanOrEqual(2)
  })

  it('of a counter are marked where its last reading before the window may be one that is gone', () => {
    const signals = signalsOf({ kind: 'event' })
    const plan = planOf(contract, policyOf({ stream: rules }, { assets }), signals)
    const log = logOf(
      Array.from({ length: 72 }, (_, i) => {
        const arrival = T0 + i * 10_000
        const isRead = [1, 7, 13, 17].includes(i)
        const rows: readonly Row[] = isRead
          ? [
              [1, arrival, i],
              [2, arrival, 3 * i],
            ]
          : []
        return { arrival, rows, complete: { plc: { 'press-7': arrival } } }
      }),
    )
    // The reading of the second minute is gone, from which the third would count; the third itself is whole.
    const thinned = thinnedBy(log, signals, [8 / 72])
    const at = `rate ${T0 + 2 * MINUTE}`
    expect(cellsBySlot(publishLog(log, plan, signals).periods).get(at)!.q).toBe(Q_OK)
    expect(cellsBySlot(publishLog(thinned, plan, signals).periods).get(at)!.q).toBe(Q_DEGRADED)
  })

  it('of a periodic signal are not degraded for what thinning took', () => {
    const signals = signalsOf(every10s)
    const columns = { slow: { ...column, stat: 'mean', window: '5m', min_share: 0.9 } }
    const strict = contractOf({ stream: { kind: 'stream', grid: '1m', cadence: '5m', columns } })
    const plan = planOf(strict, policyOf({ stream: { slow: oil } }, { assets }), signals)
    const log = logOf(
      Array.from({ length: 120 }, (_, i) => {
        const arrival = T0 + i * 10_000
        return { arrival, rows: [[0, arrival, 10]], complete: { plc: { 'press-7': arrival } } }
      }),
    )
    const cells = cellsBySlot(publishLog(thinnedBy(log, signals, [1, 1]), plan, signals).periods)
    expect(cells.get(`slow ${T0 + 600_000}`)).toEqual({ value: 10, q: Q_OK })
  })
})

describe('readings that are given up', () => {
  it('are disclosed where their window is sealed, evicted where it is not, whatever was read of the log', () => {
    const signals = signalsOf(every10s)
    const disclosure = makeDisclosure({
      plan: planOf(contract, policyOf({ stream: rules }, { assets }), signals),
      pseudonyms,
      cursor: { raw_seq: rawSeq(0), sealed_until: { stream: unixMs(T0 + 5 * MINUTE) } },
      stream_since: unixMs(T0),
      signalOf: (index) => signals[index]!,
      max_skew: MINUTE,
    })
    const oilAt = (minute: number): Row => [0, T0 + minute * MINUTE, 10]
    const bad: Row = [3, T0, null, 5]
    const [block] = logOf([{ arrival: T0 + HOUR, rows: [oilAt(0), oilAt(4), oilAt(5), oilAt(9), bad] }])
    const counts = (from: number) =>
      disclosure.accountLost(block!, from).map(({ signal, account, n }) => `${signal} ${account} ${n}`)
    expect(counts(0)).toEqual(['0 evicted 2', '0 disclosed 2', '3 evicted 1'])
    expect(counts(1)).toEqual(['0 evicted 2', '0 disclosed 1', '3 evicted 1'])
  })
})
