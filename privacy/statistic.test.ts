import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  byWords,
  gridOf,
  hundredths,
  indexOf,
  measure,
  measured,
  type Readings,
  texts,
  upTo,
} from '../test/support/tallies.ts'
import { Q_CLIPPED, Q_DEGRADED, Q_MISSING, Q_OK } from './disclosed.ts'
import { gridBounds } from './grid.ts'
import { type Cell, categoryCell, deltaCell, rateCell } from './statistic.ts'
import { addBase, addCount, addValue, type Tally } from './tally.ts'

type Windows = readonly [now: Tally | undefined, before?: Tally | undefined]

function rate(
  of: Windows,
  over: Windows,
  { floor = 10, factor = 1, wrap = 0, minShare = 0.5, grid = hundredths } = {},
): Cell {
  const counts = ([now, before]: Windows) => ({ now, before })
  return rateCell(counts(of), counts(over), { floor, factor, wrap }, grid, gridBounds(grid), minShare)
}

describe('a measured value', () => {
  const readings: Readings = [
    [10, 20],
    [30, 50],
    [20, 23.26],
  ]
  it.each([
    ['mean', 31.1],
    ['min', 20],
    ['max', 50],
    // the latest by its time, not the last that came
    ['last', 50],
  ] as const)('has as %s of three readings %d', (stat, value) =>
    expect(measure(stat, measured(readings))).toEqual({ value, q: Q_OK, reason: '' }),
  )

  it.each([
    ['mean', 36.7, Q_CLIPPED],
    ['min', 0, Q_CLIPPED],
    ['max', 100, Q_CLIPPED],
    ['last', 10, Q_OK],
  ] as const)('is clamped to its range before the statistic: %s is %d, marked %d', (stat, value, q) => {
    const outside: Readings = [
      [1, -900],
      [2, 900],
      [3, 10],
    ]
    expect(measure(stat, measured(outside))).toEqual({ value, q, reason: '' })
  })

  it.each([
    ['min', 40],
    ['last', 40],
  ] as const)('is not marked as clipped where the clamp changed another reading than the %s', (stat, value) => {
    const above: Readings = [
      [1, 900],
      [2, 40],
    ]
    expect(measure(stat, measured(above))).toEqual({ value, q: Q_OK, reason: '' })
    expect(measure('max', measured(above)).q).toBe(Q_CLIPPED)
  })

  it('may lie on its bounds', () => {
    expect(measure('mean', measured([[1, 100]]))).toEqual({ value: 100, q: Q_OK, reason: '' })
    expect(measure('min', measured([[1, 0]]))).toEqual({ value: 0, q: Q_OK, reason: '' })
  })

  it.each(['mean', 'min', 'max', 'last'] as const)('is missing without readings: %s', (stat) => {
    const missing: Cell = { value: null, q: Q_MISSING, reason: 'unusable' }
    expect(measure(stat, undefined)).toEqual(missing)
    expect(measure(stat, measured([]))).toEqual(missing)
  })

  it('takes of two readings of one moment the one that came later as the last', () => {
    const same: Readings = [
      [5, 1],
      [5, 2],
    ]
    expect(measure('last', measured(same)).value).toBe(2)
  })
})

describe('a cell is degraded', () => {
  const three: Readings = [
    [0, 1],
    [10, 1],
    [20, 1],
  ]
  it.each<[string, Partial<Tally>, number, number]>([
    ['by one uncertain reading', { uncertain: 1 }, 0.5, Q_DEGRADED],
    ['where readings are gone that would have changed it', { thinned: true }, 0, Q_DEGRADED],
    ['by less than the share of what was due', { due: 29.7 }, 0.5, Q_DEGRADED],
    ['not by the share itself', { due: 30 }, 0.5, Q_OK],
    ['not by few where none are due', { due: 0 }, 1, Q_OK],
    ['by one that is missing, where all are asked for', { due: 57 }, 1, Q_DEGRADED],
    ['not by few where none are asked for', { due: 3 }, 0, Q_OK],
  ])('%s', (_, rest, minShare, q) => {
    expect(measure('mean', measured(three, rest), minShare)).toEqual({ value: 1, q, reason: '' })
    expect(categoryCell('last', texts(['a', 'a', 'a'], rest), ['a'], minShare).q).toBe(q)
    expect(rate([upTo([0, 1, 2], rest)], [upTo([0, 5, 10])], { minShare }).q).toBe(q)
    expect(rate([upTo([0, 1, 2])], [upTo([0, 5, 10], rest)], { minShare }).q).toBe(q)
  })

  it('where the reading that a counter counts from may not be the last there was', () => {
    const before = upTo([0, 1], { thinned: true })
    expect(rate([upTo([2, 3]), before], [upTo([5, 30]), upTo([0, 1])]).q).toBe(Q_DEGRADED)
    expect(rate([upTo([2, 3]), upTo([0, 1])], [upTo([5, 30]), before]).q).toBe(Q_DEGRADED)
  })

  it('and says first that it is clipped', () =>
    expect(measure('mean', measured([[0, 900]], { uncertain: 1 })).q).toBe(Q_CLIPPED))

  it('and says first that it is missing', () => {
    expect(measure('mean', measured([], { uncertain: 1 })).q).toBe(Q_MISSING)
    expect(categoryCell('last', texts(['b'], { uncertain: 1 }), ['a'], 0.5).q).toBe(Q_MISSING)
  })
})

describe('a category', () => {
  const missing: Cell = { value: null, q: Q_MISSING, reason: 'unusable' }
  it.each<[string, Tally | undefined, Cell]>([
    ['is the latest text', texts(['a', 'a', 'b']), { value: 'b', q: Q_OK, reason: '' }],
    ['is missing without readings', undefined, missing],
    ['is missing in an empty window', texts([]), missing],
    ['is suppressed outside the vocabulary', texts(['a', 'secret']), missing],
    ['is suppressed in another case', texts(['A']), missing],
  ])('%s', (_, tally, cell) => expect(categoryCell('last', tally, ['a', 'b'], 0.5)).toEqual(cell))

  it('is the latest by its time, not by when it came', () => {
    const tally = texts(['a', 'b'])
    addValue(tally, byWords, 0.5, indexOf('a'))
    expect(categoryCell('last', tally, ['a', 'b'], 0.5).value).toBe('b')
  })
})

describe('a rate', () => {
  const floor = { value: null, q: Q_MISSING, reason: 'floor' }
  const missing: Cell = { value: null, q: Q_MISSING, reason: 'unusable' }
  const shown = (value: number, q = Q_OK) => ({ value, q, reason: '' })
  const ten = upTo([0, 10])

  it.each<[string, Cell, object]>([
    ['counts from the first of the window', rate([upTo([1, 2, 4])], [ten]), shown(0.3)],
    ['is given in the unit of the column', rate([upTo([0, 3])], [ten], { factor: 2 }), shown(0.6)],
    ['counts from the window before', rate([upTo([3]), upTo([1, 2])], [upTo([120]), upTo([90, 110])]), shown(0.1)],
    ['counts a reset within the window', rate([upTo([90, 95, 2])], [upTo([0, 70])]), shown(0.1)],
    ['counts a reset between the windows', rate([upTo([2, 3]), upTo([900])], [upTo([0, 30])]), shown(0.1)],
    ['counts on over a wrap that is stated', rate([upTo([254, 1], {}, 256)], [ten], { wrap: 256 }), shown(0.3)],
    ['counts on over a wrap between the windows', rate([upTo([1]), upTo([254])], [ten], { wrap: 256 }), shown(0.3)],
    ['may be of nothing', rate([upTo([5, 5])], [ten]), shown(0)],
    ['is clipped as a result', rate([upTo([0, 101])], [ten]), shown(10, Q_CLIPPED)],
    ['is shown at the floor', rate([upTo([0, 1])], [ten]), shown(0.1)],
    ['is suppressed below the floor', rate([upTo([0, 1])], [upTo([0, 9])]), floor],
    ['is suppressed where nothing was made', rate([upTo([0, 0])], [upTo([7, 7])], { floor: 1 }), floor],
    ['is suppressed below the floor, whatever is known above the line', rate([undefined], [upTo([0, 9])]), floor],
    ['is missing without the counter above the line', rate([undefined], [ten]), missing],
    ['is missing without the counter below the line', rate([upTo([0, 1])], [undefined]), missing],
    ['is missing in an empty window, whatever came before', rate([upTo([]), upTo([1])], [ten]), missing],
    ['is missing from one reading alone', rate([upTo([1])], [ten]), missing],
    ['is missing from one reading after an empty window', rate([upTo([1]), upTo([])], [ten]), missing],
  ])('%s', (_, cell, expected) => expect(cell).toEqual(expected))

  it('is not misled by a reading that is older than the one before it', () => {
    const tally = upTo([0, 10])
    addCount(tally, 0.5, 4, 0)
    expect([tally.first, tally.gain, tally.last]).toEqual([0, 10, 10])
  })

  it('counts both of two readings of one moment, and goes on from the one that came later', () => {
    const tally = upTo([0, 10])
    addCount(tally, 1, 14, 0)
    addBase(tally, 1, 14, 9)
    expect([tally.gain, tally.newest, tally.newest_seq]).toEqual([14, 14, 9])
  })

  it('counts from the newest reading of the window before by time, a late one too, which added nothing there', () => {
    const before = upTo([100])
    addBase(before, 2, 104, 7)
    addBase(before, 1, 101, 8)
    expect([before.n, before.gain, before.newest_seq]).toEqual([1, 0, 7])
    expect(rate([upTo([0, 1])], [upTo([114]), before])).toEqual(shown(0.1))
  })

  it('counts every part once, however windows cut the readings of a counter', () => {
    const parts = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 60 })
    const grid = gridOf('0', '2000', '1')
    fc.assert(
      fc.property(parts, fc.integer({ min: 1, max: 20 }), (made, length) => {
        const values = made.map((_, i) => made.slice(0, i + 1).reduce((sum, n) => sum + n, 0))
        const windows = Array.from({ length: Math.ceil(values.length / length) }, (_, i) =>
          upTo(values.slice(i * length, (i + 1) * length)),
        )
        // Over a counter that moves by one, a rate is a count.
        const counts = windows.map((now, i) => rate([now, windows[i - 1]], [upTo([0, 1])], { floor: 1, grid }).value)
        expect(counts.reduce<number>((sum, n) => sum + Number(n ?? 0), 0)).toBe(values.at(-1)! - values[0]!)
      }),
    )
  })
})

describe('a delta', () => {
  const grid = gridOf('0', '300', '1')
  const delta = (now: Tally | undefined, before: Tally | undefined, wrap = 0): Cell =>
    deltaCell({ now, before }, { wrap }, grid, gridBounds(grid), 0.5)
  const missing: Cell = { value: null, q: Q_MISSING, reason: 'unusable' }
  const shown = (value: number, q = Q_OK): Cell => ({ value, q, reason: '' })

  it.each<[string, Cell, Cell]>([
    ['counts from the first of the window', delta(upTo([1, 2, 4]), undefined), shown(3)],
    ['counts from the window before', delta(upTo([3, 8]), upTo([1, 2])), shown(6)],
    ['counts from zero after a reset', delta(upTo([90, 95, 2]), undefined), shown(7)],
    ['counts on over a wrap', delta(upTo([250, 255, 2], {}, 256), undefined, 256), shown(8)],
    ['counts on over a wrap between the windows', delta(upTo([4], {}, 256), upTo([250]), 256), shown(10)],
    ['counts from zero after a step that no wrap makes', delta(upTo([900, 5], {}, 256), undefined, 256), shown(5)],
    ['may be nothing', delta(upTo([5, 5]), undefined), shown(0)],
    ['is clipped as a result', delta(upTo([0, 301]), undefined), shown(300, Q_CLIPPED)],
    ['is missing from one reading alone', delta(upTo([1]), undefined), missing],
    ['is missing in an empty window', delta(undefined, upTo([1])), missing],
    ['is degraded by what was thinned before', delta(upTo([3]), upTo([1], { thinned: true })), shown(2, Q_DEGRADED)],
  ])('%s', (_, cell, expected) => expect(cell).toEqual(expected))

  it('over a whole number of wraps is what was made, wherever the counter stood', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 20 }), (at, parts) => {
        const values = [at, ...parts.map((_, i) => (at + parts.slice(0, i + 1).reduce((sum, n) => sum + n, 0)) % 256)]
        const tally = upTo(values, {}, 256)
        expect(tally.gain).toBe(parts.reduce((sum, n) => sum + n, 0))
      }),
    )
  })
})

describe('any readings', () => {
  // Their sums are exact, so that a mean cannot be below the least by a rounding.
  const eighths = fc.integer({ min: -400, max: 1200 }).map((n) => n / 8)
  const readings = fc.array(fc.tuple(fc.nat(59), eighths), {
    minLength: 1,
    maxLength: 40,
  })
  it('have a mean between least and greatest, and the same least and greatest in any order', () => {
    fc.assert(
      fc.property(readings, (readings) => {
        const [forth, back] = [measured(readings), measured(readings.toReversed())]
        const value = (stat: 'mean' | 'min' | 'max', tally: Tally): number => measure(stat, tally).value as number
        expect(value('min', forth)).toBe(value('min', back))
        expect(value('max', forth)).toBe(value('max', back))
        expect(value('mean', forth)).toBeGreaterThanOrEqual(value('min', forth))
        expect(value('mean', forth)).toBeLessThanOrEqual(value('max', forth))
      }),
    )
  })
})
