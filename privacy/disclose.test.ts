import { describe, expect, it } from 'vitest'
import { rawSeq, unixMs } from '../core/brand.ts'
import { qualityCode } from '../core/quality.ts'
import type { SignalSpec } from '../core/signal.ts'
import {
  cellsOf,
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
  type Written,
} from '../test/support/disclosure.ts'
import type { Disclosed } from './disclosed.ts'

const SECOND = 1000
const OIL = 0
const NG = 1
const TOTAL = 2
const STATE = 3
const SECRET = 4
const HUMIDITY = 5
const signals: readonly SignalSpec[] = [
  signalOf('press-7/oil', { unit: 'Cel' }),
  signalOf('press-7/ng', { unit: '{count}' }),
  signalOf('press-7/total', { unit: '{count}' }),
  signalOf('press-7/state', { type: 'uint16', labels: { 0: 'idle', 1: 'run', 2: 'hidden' } }),
  signalOf('press-7/secret'),
  signalOf('hall/humidity', { unit: '%', source: 'broker' }),
]
const oil = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.1 }
const rules = {
  oil: { from: '{asset}/oil', range: [0, 100], step: 1 },
  rate: { rate: { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor: 10 }, range: [0, 0.5], step: 0.01 },
  state: { from: '{asset}/state' },
  humidity: { from: '{place}/humidity', range: [0, 100], step: 1 },
  slow: { from: '{asset}/oil', range: [0, 100], step: 1 },
}
const assets = { 'press-7': { class: 'press', place: 'hall', cycle_time: '10s' } }

/** A stream of one minute a slot and batch, with these columns and rules. */
function plan(columns: Readonly<Record<string, object>>, only: readonly (keyof typeof rules)[] = ['oil']) {
  const contract = contractOf({ stream: { kind: 'stream', grid: '1m', cadence: '1m', columns } })
  const chosen = Object.fromEntries(only.map((name) => [name, rules[name]]))
  return planOf(contract, policyOf({ stream: chosen }, { assets }), signals)
}

const means = plan({ oil })

/** A block of the PLC, which has nothing older to come than `complete` (default: its arrival). */
function block(arrival: number, rows: readonly Row[] = [], complete: number | null = arrival): Written {
  return { arrival, rows, complete: complete === null ? {} : { plc: { 'press-7': complete } } }
}

function cells(periods: readonly Disclosed[], column: string): unknown {
  return periods.flatMap((period) =>
    cellsOf(period, column).map(([value, q], i) => [(period.slots[i]! - T0) / MINUTE, value, q]),
  )
}

describe('when a slot closes', () => {
  const readings: readonly Row[] = [[OIL, T0 + 10 * SECOND, 40]]
  const minute = T0 + MINUTE
  it.each<[string, readonly Written[], boolean]>([
    ['not before the grace has passed', [block(T0, readings), block(minute + 29_999)], false],
    ['when the grace has passed and its source is complete', [block(T0, readings), block(minute + 30_000)], true],
    [
      'not while its source may still send something older',
      [block(T0, readings), block(minute + 30_000, [], minute - 1)],
      false,
    ],
    [
      'by what the source said earlier',
      [block(T0, readings), block(minute, [], minute), block(minute + 30_000, [], null)],
      true,
    ],
    [
      'not by what a source says of the time after it spoke',
      [block(T0, readings), block(minute - 1, [], minute + HOUR), block(minute + 30_000, [], null)],
      false,
    ],
    [
      'not by what another asset or source has complete',
      [
        block(T0, readings),
        { arrival: minute + 30_000, complete: { plc: { 'press-8': minute }, broker: { 'press-7': minute } } },
      ],
      false,
    ],
    [
      'by max_wait after the first block stored at or after its end',
      [block(T0, readings), block(minute, [], null), block(minute + 600_000, [], null)],
      true,
    ],
    [
      'not a moment before max_wait',
      [block(T0, readings), block(minute, [], null), block(minute + 599_999, [], null)],
      false,
    ],
    [
      'max_wait after the restart, where nothing was stored in between',
      [block(T0, readings), block(T0 + 5 * HOUR, [], null), block(T0 + 5 * HOUR + 599_999, [], null)],
      false,
    ],
    [
      'with a silent source, by empty blocks alone',
      [block(T0, readings), block(minute + 5_000, [], null), block(minute + 605_000, [], null)],
      true,
    ],
    [
      'never by a block whose clock was not trusted',
      [block(T0, readings), { ...block(minute + HOUR), sane: false }, { ...block(minute + 2 * HOUR), sane: false }],
      false,
    ],
    ['by a clock that went back, once it is there again', [block(minute + 30_000), block(T0, readings)], true],
  ])('%s', (_, blocks, closes) => {
    const { periods } = publishLog(logOf(blocks), means, signals)
    expect(periods.some((period) => period.from === T0)).toBe(closes)
  })

  it('waits for a signal whose source is not known yet, and then for that source', () => {
    const wildcard = planOf(
      contractOf({ stream: { kind: 'stream', grid: '1m', cadence: '1m', columns: { oil } } }),
      policyOf({ stream: { oil: rules.oil } }, { assets }),
      [],
      ['press-7/oil'],
    )
    const log = logOf([block(T0, readings), block(minute + 30_000)])
    expect(publishLog(log, wildcard, signals).periods).toEqual([])
    expect(publishLog(log, wildcard, signals, { sourceOf: () => 'plc' }).periods).toHaveLength(1)
  })
})

describe('a reading', () => {
  it('counts where it is stored in the block that closes its slot, and is late in the next', () => {
    const log = logOf([
      block(T0 + MINUTE + 30_000, [[OIL, T0, 40]]),
      block(T0 + MINUTE + 31_000, [[OIL, T0 + 1, 90]]),
      block(T0 + 5 * MINUTE),
    ])
    const { periods, ledger } = publishLog(log, means, signals)
    expect(cells(periods, 'oil')).toContainEqual([0, 40, 0])
    expect(ledger).toEqual({ 'press-7/oil disclosed': 1, 'press-7/oil withheld late': 1 })
  })

  it('belongs to [s, s + g)', () => {
    const rows: readonly Row[] = [
      [OIL, T0, 10],
      [OIL, T0 + MINUTE - 1, 20],
      [OIL, T0 + MINUTE, 90],
    ]
    const { periods } = publishLog(logOf([block(T0 + MINUTE, rows), block(T0 + 3 * MINUTE)]), means, signals)
    expect(cells(periods, 'oil')).toEqual([
      [0, 15, 0],
      [1, 90, 0],
    ])
  })

  const uncertain = qualityCode('uncertain', 'reported')
  const bad = qualityCode('bad', 'reported')
  it.each<[string, readonly Row[], Partial<Written>, unknown, Readonly<Record<string, number>>]>([
    ['that is bad is left out', [[OIL, T0, 40, bad]], {}, [0, null, 2], { 'press-7/oil withheld bad': 1 }],
    ['that is uncertain marks its cell', [[OIL, T0, 40, uncertain]], {}, [0, 40, 1], { 'press-7/oil disclosed': 1 }],
    [
      'from too far in the future is not used',
      [
        [OIL, T0, 40],
        [OIL, T0 + HOUR, 90],
      ],
      {},
      [0, 40, 0],
      { 'press-7/oil disclosed': 1, 'press-7/oil withheld clock': 1 },
    ],
    [
      'under a clock that was not trusted is not used',
      [[OIL, T0, 40]],
      { sane: false },
      [0, null, 2],
      { 'press-7/oil withheld clock': 1 },
    ],
    [
      'that no rule names stays inside',
      [[SECRET, T0, 40]],
      {},
      [0, null, 2],
      { 'press-7/secret withheld unlisted': 1 },
    ],
    ['that is no number stays inside', [[OIL, T0, 'x']], {}, [0, null, 2], { 'press-7/oil withheld unusable': 1 }],
    [
      'from before the stream stays inside',
      [[OIL, T0 - 1, 40]],
      {},
      [0, null, 2],
      { 'press-7/oil withheld new_stream': 1 },
    ],
    ['of 64 bits counts by its value', [[OIL, T0, 60n]], {}, [0, 60, 0], { 'press-7/oil disclosed': 1 }],
  ])('%s', (_, rows, how, cell, ledger) => {
    const log = logOf([{ ...block(T0, rows), ...how }, block(T0 + MINUTE + 30_000), block(T0 + 9 * MINUTE)])
    const published = publishLog(log, means, signals)
    expect(cells(published.periods, 'oil')).toContainEqual(cell)
    expect(published.ledger).toEqual(ledger)
  })

  it('is disclosed where one of its cells is, whatever the others are', () => {
    const twice = plan({ oil, slow: { ...oil, window: '5m' } }, ['oil', 'slow'])
    // The minute is late, the five minutes are not.
    const log = logOf([block(T0 + 90 * SECOND), block(T0 + 100 * SECOND, [[OIL, T0, 40]]), block(T0 + 20 * MINUTE)])
    const { periods, ledger } = publishLog(log, twice, signals)
    expect(cells(periods, 'oil')).toContainEqual([0, null, 2])
    expect(cells(periods, 'slow')).toContainEqual([5, 40, 0])
    expect(ledger).toEqual({ 'press-7/oil disclosed': 1 })
  })
})

describe('rows', () => {
  it('are dense: every listed asset in every slot, sorted by slot and pseudonym', () => {
    const contract = contractOf({ stream: { kind: 'stream', grid: '1m', cadence: '2m', columns: { oil } } })
    const three = Object.fromEntries(['press-7', 'press-8', 'press-9'].map((name) => [name, { class: 'press' }]))
    const { periods } = publishLog(
      logOf([block(T0, [[OIL, T0, 40]]), block(T0 + HOUR, [], null), block(T0 + 2 * HOUR)]),
      planOf(contract, policyOf({ stream: { oil: rules.oil } }, { assets: three }), signals, [
        'press-8/oil',
        'press-9/oil',
      ]),
      signals,
    )
    const names = ['press-7', 'press-8', 'press-9'].map((name) => pseudonyms.asset(0, name)).sort()
    expect(periods[0]!.assets).toEqual([...names, ...names])
    expect([...periods[0]!.slots]).toEqual([T0, T0, T0, T0 + MINUTE, T0 + MINUTE, T0 + MINUTE])
    expect(cells(periods.slice(0, 1), 'oil')).toHaveLength(6)
  })

  it('begin with the first whole slot of the stream', () => {
    const contract = contractOf({ stream: { kind: 'stream', grid: '1m', cadence: '10m', columns: { oil } } })
    const tens = planOf(contract, policyOf({ stream: { oil: rules.oil } }, { assets }), signals)
    const since = T0 + 3.5 * MINUTE
    const { periods } = publishLog(logOf([block(since), block(T0 + 25 * MINUTE)]), tens, signals, { since })
    expect(periods.map(({ from, until }) => [(from - T0) / MINUTE, (until - T0) / MINUTE])).toEqual([
      [4, 10],
      [10, 20],
    ])
  })

  it('are named anew in each epoch', () => {
    const newYear = Date.UTC(2027, 0, 1)
    const { periods } = publishLog(logOf([block(newYear - MINUTE), block(newYear + 2 * MINUTE)]), means, signals, {
      since: newYear - MINUTE,
    })
    expect(periods.map((period) => [period.epoch, period.assets[0]])).toEqual([
      [0, pseudonyms.asset(0, 'press-7')],
      [1, pseudonyms.asset(1, 'press-7')],
    ])
  })

  it('hold a column without a rule, null in every row', () => {
    const { periods } = publishLog(logOf([block(T0 + 2 * MINUTE)]), plan({ other: oil, oil }), signals)
    expect(cells(periods, 'other')).toEqual([[0, null, 2]])
  })

  it('of a new dataset begin where the others stand', () => {
    const both = planOf(
      contractOf({
        a: { kind: 'stream', grid: '1m', cadence: '1m', columns: { oil } },
        b: { kind: 'stream', grid: '1m', cadence: '1m', columns: { oil } },
      }),
      policyOf({ a: { oil: rules.oil }, b: { oil: rules.oil } }, { assets }),
      signals,
    )
    const cursor = { raw_seq: rawSeq(0), sealed_until: { a: unixMs(T0 + 10 * MINUTE) } }
    const { periods } = publishLog(logOf([block(T0 + 12 * MINUTE)]), both, signals, { cursor })
    expect(periods.map((p) => [p.dataset, (p.from - T0) / MINUTE])).toEqual([
      ['a', 10],
      ['b', 10],
    ])
  })
})

describe('a window longer than the grid', () => {
  const slow = plan({ slow: { ...oil, window: '5m' } }, ['slow'])
  it('gives its value in the slots after it closes', () => {
    const rows: readonly Row[] = [
      [OIL, T0 + MINUTE, 10],
      [OIL, T0 + 4 * MINUTE, 20],
      [OIL, T0 + 5 * MINUTE, 80],
    ]
    const { periods } = publishLog(logOf([block(T0 + 5 * MINUTE, rows), block(T0 + 13 * MINUTE)]), slow, signals)
    expect(cells(periods, 'slow')).toEqual([
      ...[0, 1, 2, 3, 4].map((slot) => [slot, null, 2]),
      ...[5, 6, 7, 8, 9].map((slot) => [slot, 15, 0]),
      ...[10, 11].map((slot) => [slot, 80, 0]),
    ])
  })

  it('does not show what it only saw half of', () => {
    const since = T0 + 2 * MINUTE
    const rows: readonly Row[] = [[OIL, T0 + 3 * MINUTE, 40]]
    const log = logOf([block(T0 + 3 * MINUTE, rows), block(T0 + 8 * MINUTE)])
    const { periods } = publishLog(log, slow, signals, { since })
    expect(cells(periods, 'slow')).toContainEqual([5, null, 2])
  })
})

describe('a rate of counters', () => {
  const rate = { meaning: 'm', stat: 'rate', unit: '1', range: [0, 1], step: 0.001 }
  const rates = plan({ rate }, ['rate'])
  const at = (minute: number, ng: number, total: number, offset = 0): readonly Row[] => [
    [NG, T0 + minute * MINUTE + offset, ng],
    [TOTAL, T0 + minute * MINUTE + offset, total],
  ]
  it.each<[string, readonly Row[], readonly unknown[]]>([
    ['counts within the window', [...at(0, 1, 100), ...at(0, 3, 120, 1)], [[0, 0.1, 0]]],
    [
      'counts from the last reading of the window before, so that no part is lost',
      [...at(0, 1, 100), ...at(0, 2, 120, 1), ...at(1, 4, 130)],
      [
        [0, 0.05, 0],
        [1, 0.2, 0],
      ],
    ],
    ['goes on from zero after a reset', [...at(0, 90, 900), ...at(0, 4, 40, 1)], [[0, 0.1, 0]]],
    ['is null below the floor', [...at(0, 1, 100), ...at(0, 2, 109, 1)], [[0, null, 2]]],
    ['is shown at the floor', [...at(0, 1, 100), ...at(0, 2, 110, 1)], [[0, 0.1, 0]]],
    ['is null from one reading alone', at(0, 1, 100), [[0, null, 2]]],
    ['does not count from two windows ago', [...at(0, 1, 100), ...at(2, 3, 120)], [[2, null, 2]]],
    ['is clamped as a result', [...at(0, 0, 100), ...at(0, 15, 120, 1)], [[0, 0.5, 3]]],
    [
      'is not misled by readings out of order',
      [...at(0, 0, 100), ...at(0, 4, 140, 2), ...at(0, 2, 120, 1)],
      [[0, 0.1, 0]],
    ],
  ])('%s', (_, rows, expected) => {
    const { periods } = publishLog(logOf([block(T0 + 2 * MINUTE, rows), block(T0 + 9 * MINUTE)]), rates, signals)
    expect(cells(periods, 'rate')).toEqual(expect.arrayContaining([...expected]))
  })

  it('accounts what stayed below the floor; the reading that the next window may count from passes as disclosed', () => {
    const log = logOf([
      block(T0, at(0, 1, 100)),
      block(T0 + 1, at(0, 2, 109, 1)),
      block(T0 + 3 * MINUTE),
      block(T0 + 9 * MINUTE),
    ])
    expect(publishLog(log, rates, signals).ledger).toEqual({
      'press-7/ng withheld floor': 1,
      'press-7/total withheld floor': 1,
      'press-7/ng disclosed': 1,
      'press-7/total disclosed': 1,
    })
  })

  it('counts as disclosed what the next window counts from', () => {
    const rows = [...at(0, 1, 100), ...at(1, 3, 120)]
    const { ledger } = publishLog(logOf([block(T0 + MINUTE, rows), block(T0 + 9 * MINUTE)]), rates, signals)
    expect(ledger).toEqual({ 'press-7/ng disclosed': 2, 'press-7/total disclosed': 2 })
  })
})

describe('a category', () => {
  const states = plan({ state: { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] } }, [
    'state',
  ])
  it.each<[string, readonly Row[], unknown]>([
    [
      'is the label of the last value',
      [
        [STATE, T0, 0],
        [STATE, T0 + 1, 1],
      ],
      [0, 'run', 0],
    ],
    [
      'is the latest by time, not by arrival',
      [
        [STATE, T0 + 1, 0],
        [STATE, T0, 1],
      ],
      [0, 'idle', 0],
    ],
    [
      'is suppressed outside the vocabulary',
      [
        [STATE, T0, 1],
        [STATE, T0 + 1, 2],
      ],
      [0, null, 2],
    ],
    ['is suppressed without a label that may be shown', [[STATE, T0, 7]], [0, null, 2]],
  ])('%s', (_, rows, cell) => {
    const { periods } = publishLog(logOf([block(T0, rows), block(T0 + 2 * MINUTE)]), states, signals)
    expect(cells(periods, 'state')).toContainEqual(cell)
  })
})

describe('the cursor', () => {
  it('stays at what tells when a slot closes, though no slot needs its readings', () => {
    const log = logOf([
      block(T0 + MINUTE, [[SECRET, T0 + MINUTE, 1]], null),
      block(T0 + MINUTE + 1, [[SECRET, T0 + MINUTE, 1]], null),
      block(T0 + 11 * MINUTE, [], null),
      block(T0 + 11 * MINUTE + 1, [[OIL, T0, 40]], null),
      block(T0 + 30 * MINUTE, [], null),
    ])
    const calm = publishLog(log, means, signals)
    let step = 0
    const restless = publishLog(log, means, signals, { advance: () => true, crash: () => ++step === 2 })
    expect(restless.periods).toEqual(calm.periods)
    expect(restless.ledger['press-7/oil withheld late']).toBe(1)
  })

  it('goes to the end of the log where nothing is needed', () => {
    const log = logOf([block(T0, [[SECRET, T0, 1]]), block(T0 + 10, [[SECRET, T0 + 10, 1]])])
    const { cursor, ledger } = publishLog(log, means, signals, { since: T0 + HOUR, advance: () => true })
    expect(cursor.raw_seq).toBe(2)
    expect(ledger).toEqual({ 'press-7/secret withheld unlisted': 2 })
  })

  it('keeps what an unsealed slot needs; eviction may pass it', () => {
    const log = logOf([
      block(T0, [[SECRET, T0, 1]]),
      block(T0 + 1, [
        [OIL, T0, 40],
        [HUMIDITY, T0, 40],
      ]),
    ])
    const { cursor } = publishLog(log, means, signals, { advance: () => true })
    expect(cursor.raw_seq).toBe(1)
  })
})
