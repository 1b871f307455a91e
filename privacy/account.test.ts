import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SignalSpec } from '../core/signal.ts'
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
  type Written,
} from '../test/support/disclosure.ts'

const SECOND = 1000
const signals: readonly SignalSpec[] = [
  signalOf('press-7/ng', { unit: '{count}' }),
  signalOf('press-7/total', { unit: '{count}' }),
]
const rate = { meaning: 'm', stat: 'rate', unit: '1', range: [0, 1], step: 0.001 }
const plan = planOf(
  contractOf({ stream: { kind: 'stream', grid: '1m', cadence: '1m', columns: { rate } } }),
  policyOf({
    stream: {
      rate: {
        rate: { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor: 10 },
        range: [0, 1],
        step: 0.01,
      },
    },
  }),
  signals,
)

/** Both counters at one time. */
const counts = (at: number, ng: number, total: number): readonly Row[] => [
  [0, T0 + at, ng],
  [1, T0 + at, total],
]
const block = (at: number, rows: readonly Row[] = []): Written => ({
  arrival: T0 + at,
  rows,
  complete: { plc: { 'press-7': T0 + at } },
})

// What runs ahead of the clock holds the cursor back, until the windows of what comes after it are forgotten.
const ahead = block(50 * SECOND, counts(4 * MINUTE, 50, 500))
const later = [3, 4, 5, 6, 7, 8, 9].map((minute) => block(minute * MINUTE))

describe('a late reading of a counter, passed when its window is forgotten', () => {
  it('is disclosed where the next window counted from it, and what nothing counted from is not', () => {
    const log = logOf([
      block(10 * SECOND, counts(0, 1, 100)),
      ahead,
      block(90 * SECOND),
      block(100 * SECOND, counts(59 * SECOND, 5, 140)),
      block(110 * SECOND, counts(70 * SECOND, 6, 160)),
      ...later,
    ])
    const { periods, ledger } = publishLog(log, plan, signals)
    const next = periods.find((period) => period.from === T0 + MINUTE)!
    // From 5 to 6 and from 140 to 160; without the late reading from 1 and from 100.
    expect(cellsOf(next, 'rate')).toEqual([[0.05, 0]])
    expect(ledger).toEqual({
      'press-7/ng disclosed': 2,
      'press-7/ng withheld unusable': 2,
      'press-7/total disclosed': 2,
      'press-7/total withheld unusable': 2,
    })
  })

  it('stays late where the next window was closed too when it came', () => {
    const log = logOf([
      block(10 * SECOND, counts(0, 1, 100)),
      ahead,
      block(2.5 * MINUTE),
      block(160 * SECOND, counts(59 * SECOND, 5, 140)),
      ...later,
    ])
    expect(publishLog(log, plan, signals).ledger).toEqual({
      'press-7/ng withheld late': 1,
      'press-7/ng withheld unusable': 2,
      'press-7/total withheld late': 1,
      'press-7/total withheld unusable': 2,
    })
  })
})

describe('a reading in time, passed when its window is forgotten', () => {
  it.each([false, true])('is withheld as its cell was, which is remembered (over crashes: %s)', (crashes) => {
    const few = [...counts(10 * SECOND, 1, 100), ...counts(20 * SECOND, 2, 105)]
    let asked = 0
    const { periods, ledger } = publishLog(logOf([ahead, block(55 * SECOND, few), ...later]), plan, signals, {
      stride: () => 100,
      crash: () => crashes && asked++ % 3 === 1,
    })
    expect(cellsOf(periods[0]!, 'rate')).toEqual([[null, 2]])
    expect(ledger).toEqual({
      'press-7/ng withheld floor': 2,
      'press-7/ng withheld unusable': 1,
      'press-7/total withheld floor': 2,
      'press-7/total withheld unusable': 1,
    })
  })
})

describe('any reading', () => {
  /** One reading a block, so that an account is the account of one; late, early, from the future, under a broken clock. */
  const logs = fc.array(
    fc.record({
      wait: fc.integer({ min: 1, max: 50 }),
      lag: fc.oneof(fc.integer({ min: 0, max: 150 }), fc.integer({ min: -400, max: 400 })),
      complete: fc.integer({ min: 0, max: 90 }),
      signal: fc.nat(1),
      value: fc.integer({ min: 0, max: 200 }),
      quality: fc.oneof({ arbitrary: fc.constant(0), weight: 9 }, fc.constant(5)),
      sane: fc.oneof({ arbitrary: fc.constant(true), weight: 9 }, fc.constant(false)),
    }),
    { minLength: 20, maxLength: 60, size: 'max' },
  )
  type Log = typeof logs extends fc.Arbitrary<infer T> ? T : never

  function published(log: Log): { readonly cells: unknown; readonly withheld: ReadonlyMap<number, string> } {
    let now = 0
    const blocks = log.map(({ wait, lag, complete, signal, value, quality, sane }): Written => {
      now += wait * SECOND
      const said = { plc: { 'press-7': T0 + now - complete * SECOND } }
      return { arrival: T0 + now, complete: said, rows: [[signal, T0 + now - lag * SECOND, value, quality]], sane }
    })
    const end = block(now + 20 * MINUTE)
    const withheld = new Map<number, string>()
    const { periods } = publishLog(logOf([...blocks, end]), plan, signals, {
      accounted(block, entries) {
        for (const { account, reason } of entries) if (account === 'withheld') withheld.set(block.position, reason)
      },
    })
    return { cells: periods, withheld }
  }

  it('that was withheld for what it is, not for what it says, has changed no cell', () => {
    fc.assert(
      fc.property(logs, fc.nat(), fc.integer({ min: 0, max: 200 }), (log, pick, value) => {
        const { cells, withheld } = published(log)
        const silent = [...withheld].filter(([, reason]) => reason !== 'floor' && reason !== 'unusable')
        fc.pre(silent.length > 0)
        const [position] = silent[pick % silent.length]!
        expect(published(log.map((step, i) => (i === position ? { ...step, value } : step))).cells).toEqual(cells)
      }),
    )
  })
})
