import { parseDecimal } from '../core/decimal.ts'
import { unitConversion } from '../core/unit.ts'
import type { PlanColumn } from './compile.ts'
import { Q_DEGRADED, Q_MISSING, Q_OK } from './disclosed.ts'
import { clamp, type Grid, gridBounds, gridIndex } from './grid.ts'
import { type Counted, counted, isCountDegraded, isDegraded } from './statistic.ts'
import type { Tally } from './tally.ts'

/**
 * Cells of noised columns before the noise. All that a sensitivity is stated for is whole numbers, so that a rounding never
 * moves a cell further than it says (Casacuberta et al., "Widespread Underestimation of Sensitivity in Differentially
 * Private Libraries", 2022). They are never marked as clipped: that would tell of one reading what the noise is to hide.
 */
export interface ExactCell {
  /** steps above the range's lower bound */
  readonly k: number | null
  readonly q: number
  readonly reason: '' | 'floor' | 'unusable'
}

type NoisedColumn = Extract<PlanColumn, { kind: 'number' }>
/** Fractions of a step that readings of a mean are rounded to. */
const FRACTIONS = 1_024
const SUM_BITS = 50

const NOTHING: ExactCell = { k: null, q: Q_MISSING, reason: 'unusable' }
const BELOW_FLOOR: ExactCell = { k: null, q: Q_MISSING, reason: 'floor' }

/**
 * Adds of a reading what only these cells need; call it before the reading is added to the rest of the tally. Undefined where
 * the tally says enough.
 * @param n readings that are due in a window; no more count, in the order in which they came
 * @param place of the input in the column
 */
export function addExactly(
  { stat, grid }: NoisedColumn,
  n: number,
  place: number,
): ((tally: Tally, at: number, x: number) => void) | undefined {
  if (stat === 'rate') return place === 0 ? addForward : undefined
  if (stat !== 'mean' && stat !== 'share_true' && stat !== 'share_false') return undefined
  const parts = fractionsOf(grid, n)
  const most = grid.steps * parts
  const whole =
    stat === 'mean'
      ? (x: number) => clamp(Math.floor(((x * grid.power - grid.low) / grid.step) * parts + 0.5), 0, most)
      : (x: number) => (x > 0 ? 1 : 0)
  return (tally, _, x) => {
    if (tally.taken === n) return
    tally.taken++
    tally.whole += whole(x)
  }
}

/** The cell of a window of an input that does not count. @param n readings that are due in it */
export function exactCell(column: NoisedColumn, n: number, now: Tally | undefined): ExactCell {
  if (!now || now.n === 0) return NOTHING
  const q = isDegraded(now, column.min_share) ? Q_DEGRADED : Q_OK
  return { k: indexOf(column, n, now), q, reason: '' }
}

function indexOf({ stat, grid, unit }: NoisedColumn, n: number, now: Tally): number {
  const { low, high } = gridBounds(grid)
  switch (stat) {
    case 'mean':
      return meanIndex(grid, n, now)
    case 'share_true':
    case 'share_false':
      // Those that are missing count half.
      return ratioIndex(grid, 2 * now.whole + n - now.taken, 2 * n, unitConversion('1', unit)!.factor)
    case 'min':
    case 'max':
      return gridIndex(grid, clamp(now[stat], low, high))
    case 'std':
    case 'last':
    case 'rate':
    case 'delta':
      throw new Error(`${stat} has no noise of its own here`)
  }
}

function fractionsOf(grid: Grid, n: number): number {
  const bits = Math.floor(SUM_BITS - Math.log2(n * grid.steps))
  return Math.min(FRACTIONS, 2 ** Math.max(1, bits))
}

/** Of n readings, always: those that are missing stand in the middle of the range. */
function meanIndex(grid: Grid, n: number, { whole, taken }: Tally): number {
  const parts = fractionsOf(grid, n)
  const sum = whole + ((n - taken) * grid.steps * parts) / 2
  return divide(2 * sum + n * parts, 2 * n * parts)
}

/**
 * A counter's steps back add nothing here, though elsewhere they are a reset from which counting goes on: where it stood by
 * one part makes a step back of what was none, and everything counted after it would come or go.
 */
function addForward(tally: Tally, at: number, x: number): void {
  if (tally.n > 0 && at >= tally.last_at) tally.whole += forward(tally.last, x)
}

function forward(from: number, to: number): number {
  return Math.max(0, Math.round(to) - Math.round(from))
}

/** A rate that has noise has none (`compile-noise.ts`). */
const NO_WRAP = 0

/** The cell of a window of a rate. */
export function exactRate(
  { grid, floor, factor, min_share }: Extract<NoisedColumn, { stat: 'rate' }>,
  of: Counted,
  over: Counted,
): ExactCell {
  const below = Math.round(counted(over, NO_WRAP) ?? Number.NaN)
  if (Number.isNaN(below)) return NOTHING
  if (below < floor) return BELOW_FLOOR
  if (counted(of, NO_WRAP) === undefined) return NOTHING
  const { now, before } = of
  const base = before && Number.isFinite(before.newest_at) ? forward(before.newest, now!.first) : 0
  const degraded = isCountDegraded(of, min_share) || isCountDegraded(over, min_share)
  const k = ratioIndex(grid, now!.whole + base, below, factor)
  return { k, q: degraded ? Q_DEGRADED : Q_OK, reason: '' }
}

/** floor((above/below · factor − low)/step + ½), within the range. */
function ratioIndex({ low, step, power, steps }: Grid, above: number, below: number, factor: number): number {
  const { units, places } = parseDecimal(factor)!
  const line = BigInt(below) * 10n ** BigInt(places)
  const over = 2n * line * BigInt(step)
  const under = 2n * (BigInt(above) * units * BigInt(power) - line * BigInt(low)) + line * BigInt(step)
  const k = under < 0n ? -1n : under / over
  return clamp(Number(k), 0, steps)
}

/** Whole part of a quotient of whole numbers that are not negative. */
function divide(a: number, b: number): number {
  return (a - (a % b)) / b
}
