import type { Policy } from '../../privacy/schema.ts'
import type { TrialResult } from './trial.ts'

/** One line of a policy's `expect`, beside what was measured. */
export interface Gate {
  readonly name: keyof TrialResult
  readonly bound: 'max' | 'min'
  readonly limit: number
  /** null: there was nothing to measure it on */
  readonly measured: number | null
  readonly met: boolean
}

/** Whether the trial shows what the policy expects. What could not be measured is not met: nobody has seen it hold. */
export function judge(expected: Policy['expect'], found: TrialResult): readonly Gate[] {
  const measured = figuresOf(found)
  return Object.entries(expected ?? {}).flatMap(([name, bounds]): readonly Gate[] => {
    const key = name as keyof TrialResult
    return Object.entries(bounds ?? {}).map(([bound, limit]): Gate => {
      const value = measured[key]
      const met = value !== null && (bound === 'max' ? value <= limit : value >= limit)
      return { name: key, bound: bound as Gate['bound'], limit, measured: value, met }
    })
  })
}

/** The one figure of each measurement that a policy can put a bound to. */
export function figuresOf(found: TrialResult): Readonly<Record<keyof TrialResult, number | null>> {
  return {
    trace_linkage: found.trace_linkage?.value ?? null,
    traffic_auc: found.traffic_auc?.value ?? null,
    volume_exact: found.volume_exact?.value ?? null,
    correlation_shift: found.correlation_shift?.largest ?? null,
    coverage: found.coverage,
  }
}
