import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cellsOf,
  contractOf,
  logOf,
  MINUTE,
  planOf,
  policyOf,
  publishLog,
  type Row,
  signalOf,
  T0,
} from '../test/support/disclosure.ts'
import type { DisclosurePlan } from './compile.ts'

const HOUR = 60 * MINUTE
const number = { meaning: 'm', unit: 'Cel', range: [-1000, 1000], step: 0.001 }
const rate = { meaning: 'm', stat: 'rate', unit: '%', range: [0, 100], step: 0.001 }
const signals = [
  signalOf('press-7/oil', { unit: 'Cel', cadence: { kind: 'periodic', every: 300_000 } }),
  signalOf('press-7/ng', { unit: '{count}' }),
  signalOf('press-7/total', { unit: '{count}' }),
]
const OIL = 0
const NG = 1
const TOTAL = 2
/** of the mean: 12 readings are due in an hour */
const contract = contractOf({
  s: {
    kind: 'table',
    window: '1h',
    columns: {
      mean: { ...number, stat: 'mean' },
      min: { ...number, stat: 'min' },
      max: { ...number, stat: 'max' },
      rate,
    },
  },
})
const noise = { epsilon: 1 }
const free = { accept_risk: 'test' }

function planWith(low: number, steps: number, step: number, floor: number): DisclosurePlan {
  const range = [low, Number((low + steps * step).toFixed(3))]
  const measured = { from: '{asset}/oil', range, step, noise, ...free }
  const counters = { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor }
  const ofParts = { rate: counters, range: [0, (steps * 25) / 1_000], step: 0.025, noise, ...free }
  const rules = { mean: measured, min: measured, max: measured, rate: ofParts }
  return planOf(contract, policyOf({ s: rules }, { budget: { window: '1h', epsilon: 10 } }), signals)
}

/** Cells of one hour in steps, before noise. */
function indexes(plan: DisclosurePlan, before: readonly Row[], rows: readonly Row[], rowsOf = signals) {
  const complete = (at: number) => ({ plc: { 'press-7': at } })
  const log = logOf([
    { arrival: T0 + MINUTE, rows: before },
    { arrival: T0 + 2 * HOUR - 1, rows },
    { arrival: T0 + 2 * HOUR + MINUTE, complete: complete(T0 + 2 * HOUR) },
  ])
  const period = publishLog(log, plan, rowsOf).periods.at(-1)!
  return plan.datasets[0]!.columns.map((column) => {
    const [[value, q] = [null, 0]] = cellsOf(period, column.name).slice(-1)
    if (column.kind !== 'number') throw new Error()
    const { low, step, power } = column.grid
    return {
      name: column.name,
      q,
      sensitivity: column.noise!.sensitivity,
      k: value === null ? null : Math.round((Number(value) * power - low) / step),
    }
  })
}

const plans = fc.constantFrom(
  planWith(0, 1, 1, 1),
  planWith(-50, 12, 3, 7),
  planWith(-3, 24, 0.25, 40),
  planWith(20, 100, 0.1, 100),
  planWith(-0.5, 299, 0.01, 8),
  planWith(1, 120, 0.001, 200),
)
const value = fc.oneof(
  fc.double({ min: -100, max: 1000, noNaN: true }),
  fc.integer({ min: -50, max: 50 }),
  fc.constantFrom(-1e308, 1e308, 1e-320),
)
const reading = fc.record({ at: fc.integer({ min: HOUR, max: 2 * HOUR - 1 }), value })

describe('a noised cell, before the noise', () => {
  it('is moved by one reading of any other value by no more steps than the stated sensitivity', () => {
    fc.assert(
      fc.property(
        plans,
        fc.array(reading, { minLength: 1, maxLength: 15 }),
        fc.nat(),
        value,
        (plan, readings, which, other) => {
          const rowOf = ({ at, value: x }: (typeof readings)[number]): Row => [OIL, T0 + at, x]
          const rows = readings.toSorted((a, b) => a.at - b.at).map(rowOf)
          const changed = rows.with(which % rows.length, [OIL, rows[which % rows.length]![1], other])
          const cells = indexes(plan, [], rows)
          for (const [i, { k, sensitivity, q }] of indexes(plan, [], changed).entries()) {
            if (cells[i]!.name === 'rate') continue
            expect(Math.abs(k! - cells[i]!.k!)).toBeLessThanOrEqual(sensitivity)
            expect(q).toBe(cells[i]!.q)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('is moved by one reading more or fewer no further either', () => {
    fc.assert(
      fc.property(plans, fc.array(reading, { minLength: 2, maxLength: 15 }), fc.nat(), (plan, readings, which) => {
        const rows = readings.toSorted((a, b) => a.at - b.at).map(({ at, value: x }): Row => [OIL, T0 + at, x])
        const [all, fewer] = [rows, rows.toSpliced(which % rows.length, 1)].map((one) => indexes(plan, [], one)[0]!)
        expect(Math.abs(all!.k! - fewer!.k!)).toBeLessThanOrEqual(all!.sensitivity)
      }),
      { numRuns: 80 },
    )
  })

  it('is moved by one part that goes from good to bad by no more than is stated, wherever the counter is set back', () => {
    const step = fc.record({
      good: fc.integer({ min: 0, max: 60 }),
      bad: fc.integer({ min: 0, max: 4 }),
      reset: fc.boolean(),
    })
    fc.assert(
      fc.property(
        plans,
        fc.array(step, { minLength: 3, maxLength: 14 }),
        fc.nat(),
        fc.nat(400),
        (plan, steps, which, above) => {
          const at = (i: number): number => T0 + HOUR + (i * HOUR) / steps.length
          /** Counters as they are read, with one part more that is bad from reading `bad` on. */
          const rowsOf = (from: number): readonly Row[] => {
            let [ng, total] = [above, above * 3]
            return steps.flatMap(({ good, bad, reset }, i): Row[] => {
              if (reset && i % 5 === 4) [ng, total] = [0, 0]
              ng += bad + (i === from ? 1 : 0)
              total += good + bad + 1
              return [
                [NG, at(i), ng],
                [TOTAL, at(i), total],
              ]
            })
          }
          const before: Row[] = [
            [NG, T0, above],
            [TOTAL, T0, above * 3],
          ]
          const [good, bad] = [-1, which % steps.length].map((from) => indexes(plan, before, rowsOf(from))[3]!)
          expect(bad!.k === null).toBe(good!.k === null)
          expect(Math.abs((bad!.k ?? 0) - (good!.k ?? 0))).toBeLessThanOrEqual(good!.sensitivity)
          expect(bad!.q).toBe(good!.q)
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('a noised rate', () => {
  const plan = planWith(0, 120, 1, 10)
  const rateOf = (ngs: readonly number[]) =>
    indexes(
      plan,
      [],
      ngs.flatMap((ng, i): Row[] => [
        [NG, T0 + HOUR + i * MINUTE, ng],
        [TOTAL, T0 + HOUR + i * MINUTE, 500 + 100 * i],
      ]),
    )[3]

  it('counts forward only, for where it stood by one part more a counter would have been set back', () => {
    expect(rateOf([6, 7, 7, 8])).toMatchObject({ k: 27 }) // 2 / 300 in steps of 0.025 %
    expect(rateOf([6, 8, 7, 8])).toMatchObject({ k: 40 }) // not 2 + 7 + 1
  })

  it('is not marked as clipped', () => {
    expect(rateOf([0, 200])).toMatchObject({ k: 120, q: 0 })
  })
})

describe('a noised mean', () => {
  const plan = planWith(0, 120, 1, 1)
  const meanOf = (values: readonly number[]) =>
    indexes(
      plan,
      [],
      values.map((x, i): Row => [OIL, T0 + HOUR + i * MINUTE, x]),
    )[0]

  it('is of as many readings as are due: those that are missing stand in the middle of the range', () => {
    expect(meanOf([120, 120, 120])).toMatchObject({ k: 75 }) // (3 · 120 + 9 · 60) / 12
    expect(meanOf(Array(12).fill(120))).toMatchObject({ k: 120 })
  })

  it('leaves out what comes beyond them, in the order in which it came', () => {
    expect(meanOf([...Array(12).fill(24), 120, 120])).toMatchObject({ k: 24 })
  })

  it('clamps each reading, and does not say that it did', () => {
    expect(meanOf([...Array(11).fill(12), 1e9])).toMatchObject({ k: 21, q: 0 })
  })
})

describe('a noised share', () => {
  const RUN = 0
  const running = signalOf('press-7/run', { type: 'bool', unit: '1', cadence: { kind: 'periodic', every: 300_000 } })
  const share = (stat: string, unit: string) => ({
    meaning: 'm',
    stat,
    unit,
    range: [0, unit === '%' ? 100 : 1],
    step: 0.001,
  })
  const columns = { on: share('share_true', '%'), off: share('share_false', '1') }
  const rule = { from: '{asset}/run', noise, ...free }
  // 12 readings are due: one is 8.3 % of the window.
  const rules = { on: { ...rule, range: [0, 100], step: 5 }, off: { ...rule, range: [0, 1], step: 0.025 } }
  const plan = planOf(
    contractOf({ s: { kind: 'table', window: '1h', columns } }),
    policyOf(
      { s: rules },
      { assets: { 'press-7': { class: 'press', cycle_time: '40s' } }, budget: { window: '1h', epsilon: 10 } },
    ),
    [running],
  )
  const sharesOf = (truths: readonly boolean[]) => {
    const rows = truths.map((truth, i): Row => [RUN, T0 + HOUR + i * MINUTE, truth])
    return indexes(plan, [], rows, [running])
  }
  const some = (n: number, truth: boolean): readonly boolean[] => Array(n).fill(truth)

  it('is moved by one reading by the next whole number of steps', () => {
    expect(sharesOf(some(12, true)).map(({ sensitivity }) => sensitivity)).toEqual([2, 4]) // 1.67, 3.33
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 15 }), fc.nat(), (truths, which) => {
        const at = which % truths.length
        const cells = sharesOf(truths)
        const others = truths.length > 1 ? [truths.toSpliced(at, 1)] : []
        for (const other of [truths.with(at, !truths[at]), ...others])
          for (const [i, { k, sensitivity }] of sharesOf(other).entries())
            expect(Math.abs(k! - cells[i]!.k!)).toBeLessThanOrEqual(sensitivity)
      }),
      { numRuns: 40 },
    )
  })

  it.each<[string, readonly boolean[], readonly number[]]>([
    ['is of as many readings as are due', [...some(9, true), ...some(3, false)], [15, 10]],
    ['counts half for what is missing', some(6, true), [15, 10]],
    ['leaves out what comes beyond', [...some(12, true), ...some(3, false)], [20, 0]],
  ])('%s', (_, truths, expected) => expect(sharesOf(truths).map(({ k }) => k)).toEqual(expected))
})
