import type { CategoryStatistic } from '../core/contract.ts'
import type { WithheldReason } from '../core/ledger.ts'
import { Q_CLIPPED, Q_DEGRADED, Q_MISSING, Q_OK } from './disclosed.ts'
import { clamp, type Grid, gridIndex, gridValue } from './grid.ts'
import { increment, type Tally, type Weighing } from './tally.ts'

/** Why a cell is null that would have had noise. */
export type NoiseReason = Extract<WithheldReason, 'exhausted' | 'redraw_refused'>

/** One cell, and why it is null. */
export interface Cell {
  readonly value: number | string | null
  readonly q: number
  readonly reason: '' | 'floor' | 'unusable' | NoiseReason
}

/** Statistics of the values of one input; the others count. */
export type MeasureStatistic = 'mean' | 'min' | 'max' | 'std' | 'last' | 'share_true' | 'share_false'

const NOTHING: Cell = { value: null, q: Q_MISSING, reason: 'unusable' }
const BELOW_FLOOR: Cell = { value: null, q: Q_MISSING, reason: 'floor' }

/**
 * A statistic of measured values. Clamping keeps order, so extremes are clamped once, at the end; the readings of a mean
 * were clamped as they came, those of a share or standard deviation never are.
 */
export function measureCell(
  stat: MeasureStatistic,
  tally: Tally | undefined,
  by: Pick<Weighing, 'hold'>,
  grid: Grid,
  bounds: { readonly low: number; readonly high: number },
  minShare: number,
): Cell {
  if (!tally || tally.n === 0) return NOTHING
  const x = measured(stat, tally, by)
  if (x === undefined) return NOTHING
  return onGrid(x, grid, bounds, stat === 'mean' && tally.clamped > 0, isDegraded(tally, minShare))
}

function measured(stat: MeasureStatistic, tally: Tally, { hold }: Pick<Weighing, 'hold'>): number | undefined {
  switch (stat) {
    case 'mean':
    case 'share_true':
    case 'share_false':
      return tally.sum / tally.weight
    case 'std':
      // Of what was there, not an estimate of more. One reading alone has none, unless it says what was there all the time.
      return tally.n > 1 || hold > 0 ? Math.sqrt(Math.max(0, tally.squares) / tally.weight) : undefined
    case 'last':
      return tally.last
    case 'min':
    case 'max':
      return tally[stat]
  }
}

/**
 * The latest word of the window, or the one with most weight, of equals the first of the vocabulary; null where the
 * vocabulary does not hold it. Texts outside it weigh together, as one word that stands last.
 */
export function categoryCell(
  stat: CategoryStatistic,
  tally: Tally | undefined,
  vocabulary: readonly string[],
  minShare: number,
): Cell {
  if (!tally || tally.n === 0) return NOTHING
  const index = stat === 'last' ? tally.last : tally.words.indexOf(Math.max(...tally.words))
  const value = vocabulary[index]
  if (value === undefined) return NOTHING
  return { value, q: isDegraded(tally, minShare) ? Q_DEGRADED : Q_OK, reason: '' }
}

/** A counter's tally, and the tally of the window before. */
export interface Counted {
  readonly now: Tally | undefined
  readonly before: Tally | undefined
}

/** How counts are read: `wrap` is where counters begin at zero again, 0 where a step back is a reset. */
export interface Counting {
  readonly wrap: number
}

/**
 * What `of` counted ÷ what `over` counted, × `factor` (from `1` to the column's unit); null where `over` counted less
 * than `floor`.
 */
export function rateCell(
  of: Counted,
  over: Counted,
  rate: Counting & { readonly floor: number; readonly factor: number },
  grid: Grid,
  bounds: { readonly low: number; readonly high: number },
  minShare: number,
): Cell {
  const below = counted(over, rate.wrap)
  if (below === undefined) return NOTHING
  if (below < rate.floor) return BELOW_FLOOR
  const above = counted(of, rate.wrap)
  if (above === undefined) return NOTHING
  const degraded = isCountDegraded(of, minShare) || isCountDegraded(over, minShare)
  return onGrid((above / below) * rate.factor, grid, bounds, false, degraded)
}

/** What a counter counted. */
export function deltaCell(
  counter: Counted,
  { wrap }: Counting,
  grid: Grid,
  bounds: { readonly low: number; readonly high: number },
  minShare: number,
): Cell {
  const gain = counted(counter, wrap)
  return gain === undefined ? NOTHING : onGrid(gain, grid, bounds, false, isCountDegraded(counter, minShare))
}

/** Counted from the last reading of the window before, or else from the first of this one; undefined from one alone. */
export function counted({ now, before }: Counted, wrap: number): number | undefined {
  if (!now || now.n === 0) return undefined
  if (before && Number.isFinite(before.newest_at)) return increment(before.newest, now.first, wrap) + now.gain
  return now.n > 1 ? now.gain : undefined
}

/** The same of a counter, whose count also hangs on the window before. */
export function isCountDegraded({ now, before }: Counted, minShare: number): boolean {
  return isDegraded(now!, minShare) || before?.thinned === true
}

/** Whether readings of it were uncertain, or fewer came than should have. */
export function isDegraded(tally: Tally, minShare: number): boolean {
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
