import { describe, expect, it } from 'vitest'
import { HOUR, logOf, MINUTE, publishLog, type Row, T0 } from '../test/support/disclosure.ts'
import {
  block,
  cells,
  HUMIDITY,
  means,
  NG,
  OIL,
  oil,
  plan,
  SECRET,
  STATE,
  signals,
  TOTAL,
} from '../test/support/press-disclosure.ts'

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

  it('accounts what stayed below the floor, also the reading that the next window could have counted from', () => {
    const log = logOf([
      block(T0, at(0, 1, 100)),
      block(T0 + 1, at(0, 2, 109, 1)),
      block(T0 + 3 * MINUTE),
      block(T0 + 9 * MINUTE),
    ])
    expect(publishLog(log, rates, signals).ledger).toEqual({
      'press-7/ng withheld floor': 2,
      'press-7/total withheld floor': 2,
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
