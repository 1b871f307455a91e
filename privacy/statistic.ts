import { Q_CLIPPED, Q_DEGRADED, Q_MISSING, Q_OK } from './disclosed.ts'
import { clamp, type Grid, gridIndex, gridValue } from './grid.ts'

/** The readings of one input within one window, summed up as they come. */
export interface Tally {
  /** UnixMs */
  readonly start: number
  readonly end: number
  /** lowest raw sequence of a reading in it */
  first_seq: number
  /** highest raw sequence of a reading in it that came in time */
  last_seq: number
  /** readings that came in time */
  n: number
  /** of these, how many were uncertain */
  uncertain: number
  /** ms that these stand for: the time between readings that are due, of each; 0 where that is not known */
  due: number
  /** readings may be gone from it that would have changed its value: the buffer thinned them */
  thinned: boolean
  /** of readings clamped to the range, in the column's unit, each as often as it stands for one that was there */
  sum: number
  weight: number
  /** how many of them the clamp changed */
  clamped: number
  min: number
  max: number
  /** latest reading by its time: a number, or a category's text */
  last_at: number
  last: number | string
  /** counters: value of the first reading, and what was counted after it */
  first: number
  gain: number
  /** counters: newest reading of the span, a late one too: the next window counts from it */
  newest_at: number
  newest: number
  newest_seq: number
}

/** An empty tally of [start, end). */
export function makeTally(start: number, end: number): Tally {
  return {
    start,
    end,
    first_seq: Number.POSITIVE_INFINITY,
    last_seq: -1,
    n: 0,
    uncertain: 0,
    due: 0,
    thinned: false,
    sum: 0,
    weight: 0,
    clamped: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    last_at: Number.NEGATIVE_INFINITY,
    last: 0,
    first: 0,
    gain: 0,
    newest_at: Number.NEGATIVE_INFINITY,
    newest: 0,
    newest_seq: Number.POSITIVE_INFINITY,
  }
}

/**
 * Adds a measured value; `low` and `high` are the range it is clamped to before a mean, `weight` is how many readings it
 * stands for.
 */
export function addMeasure(tally: Tally, at: number, x: number, low: number, high: number, weight = 1): void {
  const clamped = clamp(x, low, high)
  tally.sum += clamped * weight
  tally.weight += weight
  if (clamped !== x) tally.clamped++
  if (x < tally.min) tally.min = x
  if (x > tally.max) tally.max = x
  addLast(tally, at, x)
}

/** Adds a value of which only the latest counts. */
export function addLast(tally: Tally, at: number, value: number | string): void {
  if (at < tally.last_at) return
  tally.last_at = at
  tally.last = value
}

/**
 * Adds a counter's reading. A step back is a reset or a wrap: counting goes on from zero. A reading older than the
 * newest one adds nothing, for the newest one has counted it already.
 */
export function addCount(tally: Tally, at: number, x: number): void {
  if (tally.n === 0) tally.first = x
  else if (at >= tally.last_at) tally.gain += increment(tally.last as number, x)
  addLast(tally, at, x)
}

/** Remembers the reading that the next window counts from. */
export function addBase(tally: Tally, at: number, x: number, seq: number): void {
  if (at < tally.newest_at) return
  tally.newest_at = at
  tally.newest = x
  tally.newest_seq = seq
}

function increment(from: number, to: number): number {
  return to >= from ? to - from : to
}

/** One cell, and why it is null. */
export interface Cell {
  readonly value: number | string | null
  readonly q: number
  readonly reason: '' | 'floor' | 'unusable'
}

const NOTHING: Cell = { value: null, q: Q_MISSING, reason: 'unusable' }
const BELOW_FLOOR: Cell = { value: null, q: Q_MISSING, reason: 'floor' }

/** Mean, min, max or last of a measured value. Clamping keeps order, so extremes are clamped once, at the end. */
export function measureCell(
  stat: 'mean' | 'min' | 'max' | 'last',
  tally: Tally | undefined,
  grid: Grid,
  bounds: { readonly low: number; readonly high: number },
  minShare: number,
): Cell {
  if (!tally || tally.n === 0) return NOTHING
  const x = stat === 'mean' ? tally.sum / tally.weight : stat === 'last' ? (tally.last as number) : tally[stat]
  return onGrid(x, grid, bounds, stat === 'mean' && tally.clamped > 0, isDegraded(tally, minShare))
}

/** The latest text of the window; null where the vocabulary does not hold it. */
export function categoryCell(tally: Tally | undefined, vocabulary: readonly string[], minShare: number): Cell {
  if (!tally || tally.n === 0 || !vocabulary.includes(tally.last as string)) return NOTHING
  return { value: tally.last as string, q: isDegraded(tally, minShare) ? Q_DEGRADED : Q_OK, reason: '' }
}

/** A counter's tally, and the tally of the window before. */
export interface Counted {
  readonly now: Tally | undefined
  readonly before: Tally | undefined
}

/**
 * What `of` counted ÷ what `over` counted, × `factor` (from `1` to the column's unit); null where `over` counted less
 * than `floor`.
 */
export function rateCell(
  of: Counted,
  over: Counted,
  rate: { readonly floor: number; readonly factor: number },
  grid: Grid,
  bounds: { readonly low: number; readonly high: number },
  minShare: number,
): Cell {
  const below = counted(over)
  if (below === undefined) return NOTHING
  if (below < rate.floor) return BELOW_FLOOR
  const above = counted(of)
  if (above === undefined) return NOTHING
  const degraded = [of, over].some(({ now, before }) => isDegraded(now!, minShare) || before?.thinned)
  return onGrid((above / below) * rate.factor, grid, bounds, false, degraded)
}

/** Counted from the last reading of the window before, or else from the first of this one; undefined from one alone. */
function counted({ now, before }: Counted): number | undefined {
  if (!now || now.n === 0) return undefined
  if (before && Number.isFinite(before.newest_at)) return increment(before.newest, now.first) + now.gain
  return now.n > 1 ? now.gain : undefined
}

function isDegraded(tally: Tally, minShare: number): boolean {
  const { uncertain, thinned, due, start, end } = tally
  return uncertain > 0 || thinned || (due > 0 && due < minShare * (end - start))
}

function onGrid(
  x: number,
  grid: Grid,
  { low, high }: { readonly low: number; readonly high: number },
  alreadyClipped: boolean,
  degraded: boolean,
): Cell {
  const inside = clamp(x, low, high)
  const clipped = alreadyClipped || inside !== x
  return {
    value: gridValue(grid, gridIndex(grid, inside)),
    q: clipped ? Q_CLIPPED : degraded ? Q_DEGRADED : Q_OK,
    reason: '',
  }
}
