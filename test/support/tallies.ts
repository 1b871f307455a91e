import { parseDecimal } from '../../core/decimal.ts'
import { type Grid, gridBounds, makeGrid } from '../../privacy/grid.ts'
import { type Cell, type MeasureStatistic, measureCell } from '../../privacy/statistic.ts'
import { addBase, addCount, addValue, makeTally, type Tally, type Weighing } from '../../privacy/tally.ts'

export const tenths = gridOf('0', '100', '0.1')
export const hundredths = gridOf('0', '10', '0.01')
export const START = 600
export const SPAN = 60

export function gridOf(low: string, high: string, step: string): Grid {
  return makeGrid(parseDecimal(low)!, parseDecimal(high)!, parseDecimal(step)!) as Grid
}

export const byReadings: Weighing = { sums: 'values', words: 0, hold: 0, low: 0, high: 100 }
export const unclamped = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }

/** Readings as time and value. */
export type Readings = readonly (readonly [at: number, x: number])[]

export function measured(readings: Readings, rest: Partial<Tally> = {}, by: Weighing = byReadings): Tally {
  const tally = makeTally(START, START + SPAN, by.words)
  for (const [at, x] of readings) {
    addValue(tally, by, at, x)
    tally.n++
  }
  return Object.assign(tally, rest)
}

export function counted(readings: Readings, rest: Partial<Tally> = {}, wrap = 0): Tally {
  const tally = makeTally(START, START + SPAN)
  readings.forEach(([at, x], seq) => {
    addBase(tally, at, x, seq)
    addCount(tally, at, x, wrap)
    tally.n++
  })
  return Object.assign(tally, rest)
}

/** A counter's readings, one a second. */
export const upTo = (values: readonly number[], rest?: Partial<Tally>, wrap?: number): Tally =>
  counted(
    values.map((x, at) => [at, x]),
    rest,
    wrap,
  )

export const byWords: Weighing = { sums: 'words', words: 3, hold: 0, ...unclamped }

/** Words of the vocabulary a, b, and other texts, one a second. */
export function texts(texts: readonly string[], rest: Partial<Tally> = {}): Tally {
  return measured(
    texts.map((text, at) => [at, indexOf(text)]),
    rest,
    byWords,
  )
}

export function indexOf(text: string): number {
  return ['a', 'b'].includes(text) ? ['a', 'b'].indexOf(text) : 2
}

export const measure = (stat: MeasureStatistic, tally: Tally | undefined, minShare = 0.5, by = byReadings): Cell =>
  measureCell(stat, tally, by, tenths, gridBounds(tenths), minShare)
