import type { ContractColumn } from '../core/contract.ts'
import type { Problem } from '../core/problem.ts'
import type { SignalSpec } from '../core/signal.ts'
import type { KnownSignal, PlanColumn, PlanInput } from './compile.ts'
import type { Policy, Rule } from './schema.ts'

/** A column of the contract, the rule that fills it, and what they are checked against. */
export interface ColumnInput {
  readonly path: readonly string[]
  readonly name: string
  /** ms */
  readonly slot: number
  readonly spec: ContractColumn
  readonly rule: Rule | undefined
  readonly policy: Policy
  readonly known: KnownSignal
}

/** A column of the plan, where it can be made, and all that is wrong with it. */
export interface Compiled {
  readonly column?: PlanColumn
  readonly problems: readonly Problem[]
}

/** How long a value may stand for at most, where windows are no longer than that: it holds the cursor back. ms */
const LONGEST_HOLD = 3_600_000

/** The signals of each listed asset, and what is wrong with them. */
export function inputsOf(
  { path, rule, policy, known, spec, slot }: ColumnInput,
  wrong: (signal: SignalSpec) => string | undefined,
): { readonly inputs: readonly (readonly PlanInput[])[]; readonly problems: readonly Problem[] } {
  const written = rule?.rate
    ? ([
        ['rate', 'of', rule.rate.of],
        ['rate', 'over', rule.rate.over],
      ] as const)
    : rule?.from
      ? ([['from', rule.from]] as const)
      : []
  const problems = new Map<string, Problem>()
  const inputs = Object.entries(policy.assets).map(([asset, { place }]) =>
    written.map((entry): PlanInput => {
      const ref = entry.at(-1)!
      const at = [...path, ...entry.slice(0, -1)]
      const tell = (problem: Problem): void => {
        problems.set(`${problem.path.join('/')} ${problem.message}`, problem)
      }
      if (ref.startsWith('{place}') && place === undefined)
        tell({
          path: ['assets', asset],
          message: `"${asset}" has no place, which ${ref} needs`,
          hint: 'add `place: …`',
        })
      const id = ref.replace('{asset}', () => asset).replace('{place}', () => place ?? '')
      const signal = place === undefined && ref.startsWith('{place}') ? { sources: [] } : known(id)
      if (signal === undefined)
        tell({
          path: at,
          message: `there is no signal "${id}"`,
          hint: 'compare it with the assets and signals of the sources',
        })
      const row = signal && 'source' in signal ? signal : undefined
      const message = row && wrong(row)
      if (message) tell({ path: at, message, hint: 'choose another signal, or mend its unit, type or labels' })
      const sources = row ? [row.source] : signal && 'sources' in signal ? signal.sources : []
      return { id, asset: id.slice(0, id.indexOf('/')), sources, hold: holdOf(row, spec, spec.window ?? slot) }
    }),
  )
  return { inputs: written.length === 0 ? [] : inputs, problems: [...problems.values()] }
}

/**
 * How long a value stands for after its reading: one that is stored on change until the next, at most its heartbeat. The
 * readings of other signals say nothing of the time between them, nor does what counts.
 */
function holdOf(signal: SignalSpec | undefined, { stat }: ContractColumn, window: number): number {
  if (signal?.cadence.kind !== 'on_change' || stat === 'rate' || stat === 'delta') return 0
  return Math.min(signal.cadence.heartbeat, Math.max(window, LONGEST_HOLD))
}
