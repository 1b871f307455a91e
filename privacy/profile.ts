import { type Decimal, minus, parseDecimal } from '../core/decimal.ts'
import type { ProfileName } from './schema.ts'

/** How coarse a column must be at least (PRIVACY.md, *The pool's contract comes first*). */
export interface ProfileFloor {
  /** ms */
  readonly window: number
  /** thousandths of the declared range */
  readonly step_permille: number
  /** smallest step of a rate, as a share of 1; where null, rates follow `step_permille` */
  readonly rate_step: number | null
  /** the profile is only met by columns with noise */
  readonly noise: boolean
}

/** The floors by profile. */
export const PROFILES: Readonly<Record<ProfileName, ProfileFloor>> = {
  strict: { window: 3_600_000, step_permille: 20, rate_step: null, noise: true },
  balanced: { window: 60_000, step_permille: 10, rate_step: 0.001, noise: false },
  'ml-stream': { window: 10_000, step_permille: 2, rate_step: null, noise: false },
}

/**
 * Smallest step that a profile allows over a range.
 * @param perOne of a rate: factor from `1` to the column's unit
 */
export function leastStep(
  profile: ProfileName,
  { low, high }: { readonly low: Decimal; readonly high: Decimal },
  perOne: number | undefined,
): Decimal {
  const { step_permille, rate_step } = PROFILES[profile]
  if (perOne !== undefined && rate_step !== null)
    return parseDecimal(String(Number((rate_step * perOne).toPrecision(12))))!
  const range = minus(high, low)
  return { units: range.units * BigInt(step_permille), places: range.places + 3 }
}
