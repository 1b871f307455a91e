import { PROFILES } from '../../privacy/profile.ts'
import type { ProfileName } from '../../privacy/schema.ts'

/** How coarse the plants of one run disclose. */
export interface Setting {
  readonly name: string
  readonly profile: ProfileName
  /** ms */
  readonly window: number
  /** thousandths of the declared range */
  readonly step_permille: number
  /** of a rate, as a share of 1; null: `step_permille` */
  readonly rate_step: number | null
  /** of each signal, a day; null: no noise */
  readonly epsilon_day: number | null
  /** bytes */
  readonly size_class: number
  /** finer than the profile allows: for the curve only */
  readonly accept_risk: boolean
}

/** A profile at its own floor: as fine as it lets a policy be. */
export function settingOf(profile: ProfileName): Setting {
  const { window, step_permille, rate_step, daily_epsilon } = PROFILES[profile]
  return {
    name: profile,
    profile,
    window,
    step_permille,
    rate_step,
    epsilon_day: daily_epsilon,
    size_class: 1_048_576,
    accept_risk: false,
  }
}
