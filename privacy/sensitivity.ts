import { type Decimal, overCommonPower, parseDecimal } from '../core/decimal.ts'
import type { Grid } from './grid.ts'
import { LARGEST_TERM, type NoiseScale } from './noise.ts'

/** How a column's cell follows from what is protected; decides how far one of these can move it. */
export type NoisedStatistic =
  /** `n`: of how many readings each mean is made, the least of them where assets differ */
  | { readonly stat: 'mean'; readonly n: number }
  /** a mean of ones and zeros; `factor` from `1` to the column's unit */
  | { readonly stat: 'share_true' | 'share_false'; readonly n: number; readonly factor: number }
  | { readonly stat: 'min' | 'max' }
  /** `floor` in parts; `factor` from `1` to the column's unit */
  | { readonly stat: 'rate'; readonly floor: number; readonly factor: number }

/**
 * Steps by which a cell moves at most where one reading takes any other value of the range, or (rate) one part goes from
 * good to bad (PRIVACY.md, Noise). A cell of whole steps moves by the next whole number at most.
 */
export function sensitivityOf(column: NoisedStatistic, grid: Grid): number {
  switch (column.stat) {
    case 'mean':
      return Math.ceil(grid.steps / column.n)
    case 'min':
    case 'max':
      return grid.steps
    case 'share_true':
    case 'share_false':
      return ceilSteps(column.factor, column.n, grid)
    case 'rate':
      return ceilSteps(column.factor, column.floor, grid)
  }
}

/** Steps in factor ÷ n, rounded up. */
function ceilSteps(factor: number, n: number, { power, step }: Grid): number {
  const { units, places } = parseDecimal(factor)!
  const under = BigInt(n) * BigInt(step) * 10n ** BigInt(places)
  return Number((units * BigInt(power) + under - 1n) / under)
}

/** What one of these is, in the words of the manifest. */
export function unitOfPrivacy({ stat }: NoisedStatistic): string {
  return stat === 'rate' ? 'one part from good to bad' : 'one reading'
}

/** Sensitivity ÷ ε in lowest terms; undefined where these are too large to be drawn exactly. */
export function noiseScale(sensitivity: number, epsilon: Decimal): NoiseScale | undefined {
  const [whole, micro] = overCommonPower({ units: BigInt(sensitivity), places: 0 }, epsilon)
  const divisor = greatestCommonDivisor(whole, micro)
  const scale = { t: Number(whole / divisor), s: Number(micro / divisor) }
  return Math.max(scale.t, scale.s) <= LARGEST_TERM ? scale : undefined
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b)
}

/** As the manifest writes it. */
export function formatScale({ t, s }: NoiseScale): string {
  return s === 1 ? String(t) : `${t}/${s}`
}
