import { problemJson, renderProblems } from '../../config/problem.ts'
import { formatDuration } from '../../core/option.ts'
import {
  type ColumnFacts,
  type DatasetFacts,
  describePolicy,
  deviationText,
  type PolicyFacts,
  withUnit,
} from '../../privacy/facts.ts'
import { PROFILES } from '../../privacy/profile.ts'
import { renderTried, type Tried, tryJson, tryPolicies } from './bench.ts'
import { EXIT_FAILED, EXIT_USAGE, printJson, some, table } from './common.ts'
import { openPolicies, type PolicyOptions } from './policy-files.ts'
import { explainSignals } from './policy-signals.ts'

/** A policy without problems, and the signals that it leaves inside. */
interface Checked {
  readonly file: string
  readonly facts: PolicyFacts
  readonly withheld: readonly { readonly signal: string; readonly reason: string }[]
  /** absent without `--bench` */
  readonly tried?: Tried
}

export interface CheckOptions extends PolicyOptions {
  /** try attacks on what lies in the data folder, too */
  readonly bench?: boolean
  /** ms of readings to try them on */
  readonly last: number
}

/**
 * `sluice policy check`: every problem of policies and contracts with its place; of those that are right, column by
 * column, what leaves and how coarse, and what stays inside. Exit 2 where there is a problem, 1 where a trial shows worse than the
 * policy expects.
 */
export async function checkPolicy(options: CheckOptions): Promise<void> {
  const { loaded, policies } = openPolicies(options, 'check')
  const problems = policies.flatMap(({ result }) => (result.kind === 'bad' ? result.problems : []))
  const tried = options.bench ? await tryPolicies(loaded, policies, options) : []
  if (tried.some(({ gates }) => gates.some(({ met }) => !met))) process.exitCode = EXIT_FAILED
  const checked = policies.flatMap(({ pool, file, result }): readonly Checked[] => {
    if (result.kind === 'bad') return []
    const withheld = explainSignals(result.loaded.plan, loaded).flatMap(({ signal, withheld: reason }) =>
      reason === null ? [] : [{ signal, reason }],
    )
    const own = tried.find((one) => one.pool === pool)
    return [{ file, facts: describePolicy(result.loaded), withheld, ...(own && { tried: own }) }]
  })
  if (problems.length > 0) process.exitCode = EXIT_USAGE
  if (options.json) {
    return printJson({
      ok: problems.length === 0,
      problems: problems.map(problemJson),
      policies: checked.map(({ file, facts, withheld, tried }) => ({
        ...{ file, ...facts, withheld },
        ...(tried && { trial: tryJson(tried) }),
      })),
    })
  }
  if (problems.length > 0) console.error(`${renderProblems(problems)}\n`)
  for (const one of checked) {
    console.log(renderChecked(one))
    if (one.tried) console.log(`\n${renderTried(one.tried)}`)
  }
}

function renderChecked({ file, facts, withheld }: Checked): string {
  const risks = facts.datasets.flatMap(({ columns }) =>
    columns.flatMap(({ dataset, column, accepted_risk }) =>
      accepted_risk === null ? [] : [[`  ${dataset}.${column}`, accepted_risk]],
    ),
  )
  return [
    `${file}: ok, for the pool ${facts.pool}`,
    `  ${profileText(facts)}`,
    `  until ${facts.expires}, ${facts.assets.length} assets: ${some(facts.assets.map(({ asset }) => asset))}`,
    ...(facts.budget
      ? [
          `  budget of noise: epsilon ${facts.budget.epsilon} for each signal in any ${formatDuration(facts.budget.window_ms)}`,
        ]
      : []),
    `  hash ${facts.hash}`,
    ...facts.datasets.flatMap((dataset) => ['', ...renderDataset(dataset)]),
    '',
    ...(risks.length > 0 ? ['risks accepted: finer than the profile', table(risks)] : ['no risk is accepted']),
    ...(withheld.length > 0
      ? ['stays inside', table(withheld.map(({ signal, reason }) => [`  ${signal}`, reason]))]
      : ['no signal is left inside']),
  ].join('\n')
}

function profileText({ profile }: PolicyFacts): string {
  const { window, step_permille, daily_epsilon } = PROFILES[profile]
  const least = `windows of at least ${formatDuration(window)}, steps of at least ${step_permille / 10} % of the range`
  return `profile ${profile}: ${least}${daily_epsilon === null ? '' : `, noise with an epsilon of at most ${daily_epsilon} a day and signal`}`
}

function renderDataset({ dataset, columns, empty, ...rest }: DatasetFacts): readonly string[] {
  const bits = columns.reduce((sum, column) => sum + column.bits_an_hour, 0)
  return [
    `${dataset}: ${rest.kind}, a row an asset every ${formatDuration(rest.slot_ms)}, at most ${Math.ceil(bits)} bits an hour`,
    `  a file of ${rest.rows} rows every ${formatDuration(rest.cadence_ms)}, needs ${rest.worst_case} bytes at worst, always has ${rest.size_class}`,
    table(columns.map(columnRow)),
    ...(empty.length > 0 ? [`  without a rule, null in every row: ${empty.join(', ')}`] : []),
  ]
}

function columnRow(column: ColumnFacts): readonly string[] {
  const { stat, window_ms, range, step, unit, floor, noise, vocabulary } = column
  return [
    `  ${column.column}`,
    sourceText(column),
    `${stat} over ${formatDuration(window_ms)}`,
    range ? `${range[0]} to ${withUnit(range[1], unit)}` : some(vocabulary ?? []),
    step ? `steps of ${step}` : 'these words only',
    floor === null ? '' : `null below ${floor} parts`,
    noise ? `noise of standard deviation ${deviationText(noise, unit)}, epsilon ${noise.epsilon}` : 'no noise',
  ]
}

/** `press-7/ng ÷ press-7/total, press-8/ng ÷ press-8/total` */
export function sourceText({ sources }: Pick<ColumnFacts, 'sources'>): string {
  return some([...new Set(sources.map(({ signals }) => signals.join(' ÷ ')))])
}
