import { formatDuration } from '../core/option.ts'
import type { Problem } from '../core/problem.ts'
import type { ColumnInput } from './compile-input.ts'
import { PROFILES } from './profile.ts'

/** How a rule is finer than its profile allows. */
export const RISK = 'accept_risk: "…" with the reason'

/**
 * Where the window is shorter than the profile allows, or, for what follows a machine's cycle, no longer than a cycle of
 * one of the assets.
 * @param cyclic what of it would show the cycles; undefined for what does not follow them
 */
export function windowProblems(
  { path, policy, rule, name }: ColumnInput,
  window: number,
  cyclic: 'states' | 'shares' | 'counts' | undefined,
): readonly Problem[] {
  const problems: Problem[] = []
  const isAccepted = rule?.accept_risk !== undefined
  const hint = `leave the column out, or add \`${RISK}\``
  for (const [asset, { cycle_time }] of cyclic ? Object.entries(policy.assets) : []) {
    if (cycle_time === undefined)
      problems.push({
        path: ['assets', asset],
        message: `column ${name} shows ${cyclic}, and "${asset}" has no cycle_time`,
        hint: 'add `cycle_time: 40s`, the time of one cycle of the machine',
      })
    else if (window <= cycle_time && !isAccepted)
      problems.push({
        path,
        message: `the window of ${formatDuration(window)} is not longer than a cycle of "${asset}": the ${cyclic} show its cycles`,
        hint,
      })
  }
  const least = PROFILES[policy.profile].window
  if (window < least && !isAccepted)
    problems.push({
      path,
      message: `the window of ${formatDuration(window)} is shorter than ${policy.profile} allows (${formatDuration(least)})`,
      hint,
    })
  return problems
}
