import type { Statistic } from '../core/contract.ts'
import { type Decimal, minus, parseDecimal } from '../core/decimal.ts'
import type { ProfileName } from './schema.ts'

/** How coarse a column must be at least (PRIVACY.md, *The pool's contract comes first*). */
export interface ProfileFloor {
  /** ms */
  readonly window: number
  /** thousandths of the declared range */
  readonly step_permille: number
  /** the same of a delta: what a counter counted is the volume itself, and a sum of many says it finer than one */
  readonly delta_permille: number
  /** smallest step of a rate, as a share of 1; where null, rates follow `step_permille` */
  readonly rate_step: number | null
  /** only columns with noise meet the profile, and so much ε a day and signal; null: noise is optional */
  readonly daily_epsilon: number | null
}

/** The floors by profile. */
export const PROFILES: Readonly<Record<ProfileName, ProfileFloor>> = {
  strict: { window: 3_600_000, step_permille: 20, delta_permille: 100, rate_step: null, daily_epsilon: 1 },
  balanced: { window: 60_000, step_permille: 10, delta_permille: 50, rate_step: 0.001, daily_epsilon: null },
  'ml-stream': { window: 10_000, step_permille: 2, delta_permille: 10, rate_step: null, daily_epsilon: null },
}

/**
 * Smallest step that a profile allows over a range.
 * @param perOne factor from `1` to the unit of a rate
 */
export function leastStep(
  profile: ProfileName,
  { low, high }: { readonly low: Decimal; readonly high: Decimal },
  stat: Statistic,
  perOne: number,
): Decimal {
  const { step_permille, delta_permille, rate_step } = PROFILES[profile]
  if (stat === 'rate' && rate_step !== null) return parseDecimal(String(Number((rate_step * perOne).toPrecision(12))))!
  const range = minus(high, low)
  const permille = stat === 'delta' ? delta_permille : step_permille
  return { units: range.units * BigInt(permille), places: range.places + 3 }
}
