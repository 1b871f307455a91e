import { parseDecimal } from '../core/decimal.ts'
import { formatDuration } from '../core/option.ts'
import type { Problem } from '../core/problem.ts'
import { unitConversion } from '../core/unit.ts'
import { type Budget, EPSILON_UNIT, microEpsilon } from './budget.ts'
import type { KnownSignal, PlanColumn, PlanDataset } from './compile.ts'
import { RISK } from './compile-window.ts'
import type { NoiseScale } from './noise.ts'
import { bareProblems, noisedIn } from './noised-elsewhere.ts'
import { PROFILES } from './profile.ts'
import type { Policy } from './schema.ts'
import { type NoisedStatistic, noiseScale, sensitivityOf, unitOfPrivacy } from './sensitivity.ts'

/** Noise of a column, as declared and as it follows from range, step and statistic. */
export interface PlanNoise {
  /** decimal text */
  readonly epsilon: string
  /** the same in millionths: each input is charged with it, a window */
  readonly micro: number
  /** steps that what is protected can move a cell by */
  readonly sensitivity: number
  readonly scale: NoiseScale
  /** unit of privacy */
  readonly unit: string
  /** of a mean: id of the signal → readings that are due in a window; so many count, whatever came */
  readonly readings: Readonly<Record<string, number>>
}

type NumberColumn = Extract<PlanColumn, { kind: 'number' }>
interface Noised {
  readonly problems: readonly Problem[]
  readonly noise?: PlanNoise
}

const DAY = 86_400_000
/** Noise wider than so many scales comes once in 10^27 draws. */
const WIDEST = 64
/** What a mean adds up to must stay exact (`exact-cell.ts`). */
const MOST_STEPS = 2 ** 48

/** Adds the noise that the policy asks for to the columns of its datasets, or tells why that cannot be. */
export function compileNoise(input: {
  readonly policy: Policy
  readonly datasets: readonly PlanDataset[]
  readonly known: KnownSignal
}): {
  readonly datasets: readonly PlanDataset[]
  readonly budget: Budget | null
  readonly problems: readonly Problem[]
} {
  const { policy, known } = input
  const { epsilon, window } = policy.budget ?? {}
  const budget = epsilon && window ? { window, micro: microEpsilon(epsilon)! } : null
  const problems: Problem[] = []
  const datasets = input.datasets.map((dataset) => ({
    ...dataset,
    columns: dataset.columns.map((column): PlanColumn => {
      const path = ['datasets', dataset.name, column.name]
      const declared = policy.datasets[dataset.name]?.[column.name]?.noise?.epsilon
      if (declared === undefined) return column
      if (column.kind === 'category') {
        problems.push({ path: [...path, 'noise'], message: 'a category has no noise', hint: 'remove it' })
        return column
      }
      const noised = noiseOf(column, declared, path, budget, known)
      problems.push(...noised.problems)
      return noised.noise ? { ...column, noise: noised.noise } : column
    }),
  }))
  problems.push(...bareIn(policy, datasets), ...strictProblems(policy, datasets, budget))
  if (budget) problems.push(...budgetProblems(datasets, budget))
  return { datasets, budget, problems }
}

function noiseOf(
  column: NumberColumn,
  epsilon: string,
  path: readonly string[],
  budget: Budget | null,
  known: KnownSignal,
): Noised {
  const problems: Problem[] = []
  const problem = (at: readonly string[], message: string, hint: string): void => {
    problems.push({ path: [...path, ...at], message, hint })
  }
  const { stat } = column
  if (stat === 'last' || stat === 'std' || stat === 'delta') {
    problem(
      ['noise'],
      `a column of ${stat} cannot have noise`,
      'remove it: noise goes with mean, min, max, share and rate',
    )
    return { problems }
  }
  const isShare = stat === 'share_true' || stat === 'share_false'
  if (column.stat === 'rate' && column.wrap > 0)
    problem(
      ['wrap'],
      'a rate with noise counts no wrap: its upper counter only counts forward',
      'remove it, or the noise',
    )
  const micro = microEpsilon(epsilon)!
  if (!budget) problem(['noise'], 'noise needs a budget', 'add `budget: { window: 8h, epsilon: 4.0 }` to the policy')
  else if (micro > budget.micro)
    problem(
      ['noise', 'epsilon'],
      `one window is charged with ${epsilon}, more than the budget of ${budget.micro / EPSILON_UNIT}`,
      'write less, or raise the budget',
    )
  const readings: Record<string, number> = {}
  for (const id of new Set(column.inputs.flatMap((inputs) => inputs[0]?.id ?? []))) {
    const signal = known(id)
    const spec = signal && 'source' in signal ? signal : undefined
    if (stat === 'mean' || isShare) {
      const every = spec?.cadence.kind === 'periodic' ? spec.cadence.every : undefined
      if (every === undefined)
        problem(
          ['noise'],
          `"${id}" is not known to be periodic, so how far one reading moves a ${isShare ? 'share' : 'mean'} is not known either`,
          'declare how often it comes, or remove the noise',
        )
      else if (column.window % every !== 0)
        problem(
          ['noise'],
          `"${id}" comes every ${formatDuration(every)}, which does not divide the window of ${formatDuration(column.window)}`,
          'declare a period that does, or remove the noise',
        )
      else readings[id] = column.window / every
    } else if (stat === 'rate' && spec && unitConversion(spec.unit ?? '1', '1')?.factor !== 1)
      problem(['rate', 'of'], `"${id}" is in ${spec.unit}, so one part does not count one`, 'remove the noise')
  }
  if (problems.length > 0) return { problems }
  const n = Math.min(...Object.values(readings))
  const statistic: NoisedStatistic =
    column.stat === 'rate'
      ? column
      : isShare
        ? { stat, n, factor: unitConversion('1', column.unit)!.factor }
        : { stat: stat as 'mean' | 'min' | 'max', n }
  const sensitivity = sensitivityOf(statistic, column.grid)
  const scale = noiseScale(sensitivity, parseDecimal(epsilon)!)
  if (!scale || !isExact(column, scale, Object.values(readings))) {
    problem(
      ['noise'],
      'range, step and epsilon are too fine for noise that is drawn exactly',
      'write a coarser step or a larger epsilon with fewer digits',
    )
    return { problems }
  }
  return { problems, noise: { epsilon, micro, sensitivity, scale, unit: unitOfPrivacy(statistic), readings } }
}

/** Whether noised cells, and what they are computed from, are whole numbers that a double holds. */
function isExact({ grid }: NumberColumn, { t, s }: NoiseScale, readings: readonly number[]): boolean {
  const furthest = Math.abs(grid.low) + (grid.steps + (WIDEST * t) / s) * grid.step
  return furthest <= Number.MAX_SAFE_INTEGER && Math.max(1, ...readings) * grid.steps <= MOST_STEPS
}

/** Each column with the name of its dataset. */
function named(datasets: readonly PlanDataset[]): readonly { readonly dataset: string; readonly column: PlanColumn }[] {
  return datasets.flatMap(({ name, columns }) => columns.map((column) => ({ dataset: name, column })))
}

/** By the rules, for noise that cannot be has no figures. */
function bareIn(policy: Policy, datasets: readonly PlanDataset[]): readonly Problem[] {
  const hasNoise = ({ name }: PlanDataset, column: PlanColumn): boolean =>
    policy.datasets[name]?.[column.name]?.noise !== undefined
  return bareProblems(datasets, noisedIn(datasets, hasNoise), hasNoise)
}

/**
 * Windows of all columns begin together at midnight. A signal that several rows of a column share is charged for each draw
 * that it has a part in: rows whose inputs are all the same have one draw.
 */
function budgetProblems(datasets: readonly PlanDataset[], { micro: most }: Budget): readonly Problem[] {
  const charged = new Map<string, { micro: number; readonly columns: string[] }>()
  for (const { dataset, column } of named(datasets)) {
    if (!column.noise) continue
    const draws = new Map(column.inputs.map((inputs) => [inputs.map(({ id }) => id).join(' '), inputs]))
    for (const id of [...draws.values()].flatMap((inputs) => [...new Set(inputs.map((input) => input.id))])) {
      const sum = charged.get(id) ?? { micro: 0, columns: [] }
      sum.micro += column.noise.micro
      sum.columns.push(`${dataset}.${column.name}`)
      charged.set(id, sum)
    }
  }
  const told = new Set<string>()
  return [...charged].flatMap(([id, { micro, columns }]) => {
    const together = [...new Set(columns)].join(', ')
    // What one draw asks too much is told at its column.
    if (micro <= most || columns.length === 1 || told.has(together)) return []
    told.add(together)
    return [
      {
        path: ['budget', 'epsilon'],
        message: `windows of ${together} together charge "${id}" with ${micro / EPSILON_UNIT}, more than this budget`,
        hint: 'raise the budget, lower the epsilon of a column, or let fewer assets share the signal',
      },
    ]
  })
}

function strictProblems(policy: Policy, datasets: readonly PlanDataset[], budget: Budget | null): readonly Problem[] {
  const { profile } = policy
  const { daily_epsilon } = PROFILES[profile]
  if (daily_epsilon === null) return []
  const bare = named(datasets).flatMap(({ dataset, column }): readonly Problem[] => {
    const rule = policy.datasets[dataset]?.[column.name]
    if (!rule || rule.noise || rule.accept_risk !== undefined) return []
    const hint = `add \`noise: { epsilon: … }\` where the statistic can have it, leave the column out, or add \`${RISK}\``
    return [{ path: ['datasets', dataset, column.name], message: `${profile} needs noise`, hint }]
  })
  // A day is covered by so many spans of the budget.
  const aDay = budget ? (Math.ceil(DAY / budget.window) * budget.micro) / EPSILON_UNIT : 0
  if (aDay <= daily_epsilon) return bare
  return [
    ...bare,
    {
      path: ['budget', 'epsilon'],
      message: `this budget lets ${aDay} a day be spent on a signal, and ${profile} allows ${daily_epsilon}`,
      hint: `write \`budget: { window: 1d, epsilon: ${daily_epsilon} }\` or less`,
    },
  ]
}
