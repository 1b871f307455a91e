import { compareDecimal, type Decimal, minus, wholeQuotient } from '../core/decimal.ts'

/**
 * The grid of a column: bounds and step as whole numbers over one power of ten, so that every published value is the
 * double nearest to an exact decimal. All are safe integers.
 */
export interface Grid {
  readonly low: number
  readonly step: number
  readonly power: number
  /** (U − L) ÷ step */
  readonly steps: number
}

/** The grid, or what is wrong with the bounds. */
export function makeGrid(
  low: Decimal,
  high: Decimal,
  step: Decimal,
): Grid | { readonly problem: 'empty' | 'step' | 'not-whole' | 'too-fine' } {
  if (compareDecimal(low, high) >= 0) return { problem: 'empty' }
  if (step.units <= 0n) return { problem: 'step' }
  const steps = wholeQuotient(minus(high, low), step)
  if (steps === undefined) return { problem: 'not-whole' }
  const places = Math.max(low.places, high.places, step.places)
  const whole = ({ units, places: own }: Decimal): number => Number(units * 10n ** BigInt(places - own))
  const grid = { low: whole(low), step: whole(step), power: 10 ** places, steps: Number(steps) }
  // Up to 10^22 a power of ten is a double, and only then is the division the one rounding.
  const exact = places <= 22 && [grid.low, whole(high), grid.step, grid.steps].every(Number.isSafeInteger)
  return exact ? grid : { problem: 'too-fine' }
}

/** Lowest and highest value, in the column's unit. */
export function gridBounds({ low, step, power, steps }: Grid): { readonly low: number; readonly high: number } {
  return { low: low / power, high: (low + steps * step) / power }
}

/** k = floor((x − L)/step + ½), for x within the bounds (PRIVACY.md, Order of operations). */
export function gridIndex({ low, step, power, steps }: Grid, x: number): number {
  return clamp(Math.floor((x * power - low) / step + 0.5), 0, steps)
}

/** `x` where it lies within the bounds, else the nearer bound. */
export function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high)
}

/** L + k·step: the double nearest to the exact decimal. */
export function gridValue({ low, step, power }: Grid, k: number): number {
  return (low + k * step) / power
}
