import type { SignalSpec } from '../core/signal.ts'
import type { DisclosurePlan } from './compile.ts'

/** One column that a signal leaves in. */
export interface Becomes {
  readonly dataset: string
  readonly column: string
  readonly stat: string
  readonly window_ms: number
  /** decimal text; null for categories, as `step` is */
  readonly range: readonly [string, string] | null
  readonly step: string | null
  /** UCUM; null for categories */
  readonly unit: string | null
  /** reason written beside a column that is finer than the profile allows, or null */
  readonly accepted_risk: string | null
}

/** What becomes of one signal. */
export interface Explained {
  readonly signal: string
  readonly becomes: readonly Becomes[]
  /** why nothing of it leaves, or null */
  readonly withheld: string | null
}

/**
 * What each signal becomes, or why it stays inside: the known signals first, then those that the plan names and only a
 * broker's wildcard can bring.
 */
export function explainPolicy(plan: DisclosurePlan, signals: readonly SignalSpec[]): readonly Explained[] {
  const bySignal = new Map<string, Becomes[]>(signals.map(({ id }) => [id, []]))
  for (const dataset of plan.datasets) {
    for (const column of dataset.columns) {
      const numeric = column.kind === 'number' ? column : undefined
      const becomes: Becomes = {
        dataset: dataset.name,
        column: column.name,
        stat: column.stat,
        window_ms: column.window,
        range: numeric?.range ?? null,
        step: numeric?.step ?? null,
        unit: numeric?.unit ?? null,
        accepted_risk: column.accepted_risk,
      }
      for (const id of new Set(column.inputs.flatMap((inputs) => inputs.map((input) => input.id))))
        bySignal.set(id, [...(bySignal.get(id) ?? []), becomes])
    }
  }
  return [...bySignal].map(([signal, becomes]) => ({
    signal,
    becomes,
    withheld: becomes.length > 0 ? null : 'no rule of the policy names it',
  }))
}
