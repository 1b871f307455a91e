import { describe, expect, it } from 'vitest'
import {
  byReadings,
  gridOf,
  measure,
  measured,
  type Readings,
  SPAN,
  START,
  texts,
  unclamped,
} from '../test/support/tallies.ts'
import { Q_CLIPPED, Q_DEGRADED, Q_MISSING, Q_OK } from './disclosed.ts'
import { gridBounds } from './grid.ts'
import { type Cell, categoryCell, measureCell } from './statistic.ts'
import { addBase, heldTally, makeTally, type Tally, type Weighing } from './tally.ts'

describe('a standard deviation', () => {
  const squares: Weighing = { sums: 'squares', words: 0, hold: 0, ...unclamped }
  const std = (values: readonly number[]): Cell =>
    measure(
      'std',
      measured(
        values.map((x, at) => [at, x]),
        {},
        squares,
      ),
    )

  it.each<[string, readonly number[], number | null, number]>([
    ['is that of what was there, not an estimate of more', [2, 4, 4, 4, 5, 5, 7, 9], 2, Q_OK],
    ['is zero where nothing changes', [7, 7, 7], 0, Q_OK],
    ['is missing from one reading alone', [7], null, Q_MISSING],
    ['is clamped as a result, its readings are not', [-300, 300], 100, Q_CLIPPED],
    ['of readings beyond the range is shown', [1_000, 1_004], 2, Q_OK],
  ])('%s', (_, values, value, q) => expect(std(values)).toMatchObject({ value, q }))

  it('does not lose small differences of large values', () => {
    const tally = measured(
      [...Array(1_000)].map((_, i) => [i, 1e9 + (i % 2)]),
      {},
      squares,
    )
    expect(Math.sqrt(tally.squares / tally.weight)).toBeCloseTo(0.5, 6)
  })
})

describe('a share', () => {
  const truths: Weighing = { sums: 'values', words: 0, hold: 0, ...unclamped }
  it('is a mean that is clamped as a result', () => {
    const half = measured(
      [
        [0, 100],
        [1, 0],
        [2, 100],
        [3, 0],
      ],
      {},
      truths,
    )
    expect(measure('share_true', half)).toEqual({ value: 50, q: Q_OK, reason: '' })
    const tally = measured(
      [
        [0, 100],
        [1, 100],
      ],
      {},
      truths,
    )
    const narrow = gridOf('0', '80', '1')
    expect(measureCell('share_false', tally, truths, narrow, gridBounds(narrow), 0.5)).toMatchObject({
      value: 80,
      q: Q_CLIPPED,
    })
  })
})

describe('the mode', () => {
  const mode = (words: readonly string[], vocabulary = ['a', 'b']): unknown =>
    categoryCell('mode', texts(words), vocabulary, 0.5).value
  it.each<[string, readonly string[], string | null]>([
    ['is the word that comes most often, not the last', ['b', 'b', 'a'], 'b'],
    ['is of two that come as often the one that stands first in the vocabulary', ['b', 'a', 'b', 'a'], 'a'],
    ['is suppressed where other texts come more often', ['x', 'y', 'a'], null],
    ['is a word where other texts come as often', ['x', 'b'], 'b'],
    ['is missing without readings', [], null],
  ])('%s', (_, words, expected) => expect(mode(words)).toBe(expected))
})

describe('a value that holds until the next', () => {
  const span = { start: START, end: START + SPAN }
  const holding = (rest: Partial<Weighing> = {}): Weighing => ({ ...byReadings, hold: 40, ...rest })
  /** The tally of the window before, whose newest reading is at this time. */
  const carried = (at: number, x: number, rest: Partial<Tally> = {}): Tally => {
    const tally = makeTally(START - SPAN, START)
    addBase(tally, at, x, 7)
    return Object.assign(tally, rest)
  }
  const held = (readings: Readings, before?: Tally, by = holding()): Tally | undefined =>
    heldTally(span, readings.length > 0 ? measured(readings, {}, by) : undefined, before, by)
  const mean = (...given: Parameters<typeof held>): Cell => measure('mean', held(...given))

  it.each<[string, Cell, unknown]>([
    [
      'weighs by how long',
      mean([
        [600, 10],
        [620, 40],
      ]),
      { value: 30, q: Q_OK },
    ],
    ['holds on to the end of its window', mean([[630, 10]]), { value: 10, q: Q_OK }],
    [
      'holds no longer than it may',
      mean([
        [600, 10],
        [650, 60],
      ]),
      { value: 20, q: Q_OK },
    ],
    ['is degraded where it holds for less than the share', mean([[631, 10]]), { value: 10, q: Q_DEGRADED }],
    ['is there without any reading of its own', mean([], carried(595, 10)), { value: 10, q: Q_OK }],
    [
      'goes on from the window before until the first reading',
      mean([[620, 40]], carried(599, 10)),
      { value: 30, q: Q_OK },
    ],
    ['goes on no longer than it may', mean([[640, 40]], carried(580, 10)), { value: 25, q: Q_OK }],
    ['is missing where there is none', mean([]), { value: null, q: Q_MISSING }],
    [
      'is uncertain as the reading was that it goes on from',
      mean([], carried(599, 10, { newest_uncertain: true })),
      { value: 10, q: Q_DEGRADED },
    ],
    [
      'is degraded where a reading after that one may be gone',
      mean([], carried(599, 10, { thinned: true })),
      { value: 10, q: Q_DEGRADED },
    ],
  ])('%s', (_, cell, expected) => expect(cell).toMatchObject(expected as object))

  it.each(['min', 'max', 'last'] as const)('is a %s too, as if it were read when the window begins', (stat) => {
    expect(measure(stat, held([], carried(599, 10)))).toMatchObject({ value: 10 })
    const [below, above] = [held([[620, 40]], carried(599, 10)), held([[620, 40]], carried(599, 90))]
    expect([measure(stat, below).value, measure(stat, above).value]).toEqual(
      { min: [10, 40], max: [40, 90], last: [40, 40] }[stat],
    )
  })

  it('has no deviation while it is alone', () => {
    const by = holding({ sums: 'squares', ...unclamped })
    const std = (...readings: Readings): Cell => measure('std', held(readings, undefined, by), 0, by)
    expect(std([600, 10])).toMatchObject({ value: 0, q: Q_OK })
    expect(std([600, 10], [630, 20])).toMatchObject({ value: 5, q: Q_OK })
  })

  it('is the mode by how long it held', () => {
    const by = holding({ sums: 'words', words: 3, ...unclamped })
    const tally = heldTally(
      span,
      measured(
        [
          [600, 0],
          [610, 1],
          [615, 0],
          [617, 1],
        ],
        {},
        by,
      ),
      undefined,
      by,
    )
    expect(categoryCell('mode', tally, ['a', 'b'], 0.5).value).toBe('b')
  })

  it('adds nothing where it comes after one that is newer, but may be the least or greatest', () => {
    const tally = held([
      [600, 10],
      [630, 40],
      [610, 90],
    ])
    expect(measure('mean', tally).value).toBe(25)
    expect(measure('max', tally).value).toBe(90)
  })

  it('leaves the tally as it was, so that a cell may be asked for again', () => {
    const by = holding({ sums: 'words', words: 3, ...unclamped })
    const tally = measured(
      [
        [600, 0],
        [610, 1],
      ],
      {},
      by,
    )
    const [before] = [structuredClone(tally)]
    heldTally(span, tally, carried(599, 1), by)
    expect(tally).toEqual(before)
  })
})
