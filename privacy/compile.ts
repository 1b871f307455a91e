import type { CategoryStatistic, Contract, ContractDataset } from '../core/contract.ts'
import { slotMs } from '../core/contract.ts'
import { formatBytes, formatDuration } from '../core/option.ts'
import type { Problem } from '../core/problem.ts'
import type { SignalSpec } from '../core/signal.ts'
import type { Budget } from './budget.ts'
import { canonicalName } from './canonical.ts'
import { compileColumn } from './compile-column.ts'
import { doubleProblems } from './compile-doubles.ts'
import { compileNoise, type PlanNoise } from './compile-noise.ts'
import type { Grid } from './grid.ts'
import type { Policy } from './schema.ts'
import { worstCaseBytes } from './size.ts'
import type { MeasureStatistic } from './statistic.ts'

/** A policy checked against its contract: all that the disclosure step needs. Plain data, so that it can be posted. */
export interface DisclosurePlan {
  readonly pool: string
  /** UnixMs of the first instant of the policy's last day */
  readonly expires: number
  /** UnixMs, ascending */
  readonly epochs: readonly number[]
  /** ms */
  readonly grace: number
  /** ms */
  readonly max_wait: number
  /** the rows of every slot */
  readonly assets: readonly { readonly name: string; readonly class: string }[]
  /** those the policy names, in the contract's order */
  readonly datasets: readonly PlanDataset[]
  /** of the noise on each signal; null where no column may have noise */
  readonly budget: Budget | null
}

export interface PlanDataset {
  readonly name: string
  readonly kind: 'stream' | 'table'
  /** ms: grid of a stream, window of a table */
  readonly slot: number
  /** ms, a multiple of `slot` that divides a day */
  readonly cadence: number
  /** bytes */
  readonly size_class: number
  /** those of the contract, in its order; without a rule they are null in every row */
  readonly columns: readonly PlanColumn[]
}

interface PlanColumnBase {
  readonly name: string
  /** ms; longer than the slot where a stream's column says so */
  readonly window: number
  readonly min_share: number
  /** why it is finer than the profile allows */
  readonly accepted_risk: string | null
  /** one entry an asset of the plan, in its order; empty without a rule */
  readonly inputs: readonly (readonly PlanInput[])[]
}

/** A signal that feeds a column. */
export interface PlanInput {
  readonly id: string
  readonly asset: string
  /** that may bring it: one, or more where brokers' wildcards leave it open */
  readonly sources: readonly string[]
  /** ms that a value stands for after its reading; 0 where readings weigh, not the time that they hold */
  readonly hold: number
}

interface PlanNumber extends PlanColumnBase {
  readonly kind: 'number'
  readonly type: 'float' | 'double'
  readonly unit: string
  /** decimal text */
  readonly range: readonly [string, string]
  readonly step: string
  readonly grid: Grid
  readonly noise?: PlanNoise
}

export type PlanColumn =
  | (PlanNumber & {
      /** one input */
      readonly stat: MeasureStatistic
    })
  | (PlanNumber & {
      /** two inputs: `of`, `over` */
      readonly stat: 'rate'
      /** parts */
      readonly floor: number
      /** from `1` to the column's unit */
      readonly factor: number
      /** where both counters begin at zero again; 0: a step back is a reset */
      readonly wrap: number
    })
  | (PlanNumber & {
      /** one input */
      readonly stat: 'delta'
      readonly wrap: number
    })
  | (PlanColumnBase & {
      readonly kind: 'category'
      readonly stat: CategoryStatistic
      readonly vocabulary: readonly string[]
      readonly noise?: undefined
    })

/** What is known of a signal id: its row, which sources' wildcards may bring it, or nothing. */
export type KnownSignal = (signalId: string) => SignalSpec | { readonly sources: readonly string[] } | undefined

const DAY = 86_400_000

/** When the policy expires, UnixMs: at the end (UTC) of the day it names. */
export const expiryOf = (plan: DisclosurePlan): number => plan.expires + DAY

/** Whether the policy has expired at `now`. */
export const isExpired = (plan: DisclosurePlan, now: number): boolean => now > expiryOf(plan)

/**
 * Checks a policy against the contract that it pins, and makes the plan. All problems are told, with paths in the
 * policy's document; a plan comes only without any. That the contract's file has the pinned hash is the caller's to see.
 */
export function compilePolicy(input: {
  readonly policy: Policy
  readonly contract: Contract
  /** of the file's bytes, hex */
  readonly contract_sha256: string
  /** id of the pool that names the policy */
  readonly pool: string
  readonly known: KnownSignal
}): { readonly plan: DisclosurePlan | undefined; readonly problems: readonly Problem[] } {
  const { policy, contract } = input
  const problems: Problem[] = [
    ...headProblems(input),
    ...assetProblems(policy, contract),
    ...Object.keys(policy.datasets)
      .filter((name) => !Object.hasOwn(contract.datasets, name))
      .map((name) => unknownDataset(name, contract)),
  ]
  const assets = Object.entries(policy.assets).map(([name, asset]) => ({ name, class: asset.class }))
  const datasets = Object.entries(contract.datasets).flatMap(([name, dataset]): readonly PlanDataset[] => {
    if (!Object.hasOwn(policy.datasets, name)) return []
    const compiled = compileDataset(name, dataset, input)
    problems.push(...compiled.problems)
    if (!compiled.dataset) return []
    const bytes = worstCaseBytes(compiled.dataset, assets)
    if (bytes > dataset.size_class)
      problems.push({
        path: ['datasets', name],
        message: `a batch of ${assets.length} assets can need ${bytes} bytes, more than the size class of ${formatBytes(dataset.size_class)}`,
        hint: 'list fewer assets, or ask the pool for a shorter cadence or a larger size class',
      })
    return [compiled.dataset]
  })
  problems.push(...doubleProblems(datasets))
  const noised = compileNoise({ policy, datasets, known: input.known })
  problems.push(...noised.problems)
  if (problems.length > 0) return { plan: undefined, problems }
  const { expires } = policy
  const { epochs, grace, max_wait } = contract
  return {
    plan: {
      pool: policy.pool,
      expires,
      epochs,
      grace,
      max_wait,
      assets,
      datasets: noised.datasets,
      budget: noised.budget,
    },
    problems,
  }
}

function headProblems({
  policy,
  contract,
  contract_sha256,
  pool,
}: Parameters<typeof compilePolicy>[0]): readonly Problem[] {
  const problems: Problem[] = []
  const problem = (path: Problem['path'], message: string, hint: string): void => {
    problems.push({ path, message, hint })
  }
  if (policy.pool !== pool)
    problem(
      ['pool'],
      `the policy is for the pool "${policy.pool}"`,
      `it is named by the pool "${pool}": use its own policy`,
    )
  if (contract.pool !== policy.pool)
    problem(
      ['contract', 'file'],
      `the contract is of the pool "${contract.pool}"`,
      `take the contract of "${policy.pool}"`,
    )
  // Where the hash differs the loader has said so, with what it found.
  if (contract_sha256 === '') problem(['contract', 'file'], 'the contract could not be read', 'check the path')
  if (contract.epochs.some((start, i) => i > 0 && start <= contract.epochs[i - 1]!))
    problem(['contract', 'file'], 'the epochs of the contract are not ascending', 'ask the pool for a right contract')
  if (Object.keys(policy.assets).length === 0)
    problem(['assets'], 'no asset is listed', 'list the machines that may have rows')
  if (Object.keys(policy.datasets).length === 0)
    problem(['datasets'], 'no dataset is listed', `the contract has ${list(Object.keys(contract.datasets))}`)
  return problems
}

function assetProblems(policy: Policy, contract: Contract): readonly Problem[] {
  const byCanonical = new Map<string, string>()
  return Object.entries(policy.assets).flatMap(([name, asset]) => {
    const canonical = canonicalName(name)
    const twin = byCanonical.get(canonical)
    byCanonical.set(canonical, name)
    return [
      ...(twin === undefined
        ? []
        : [
            {
              path: ['assets', name],
              message: `"${name}" and "${twin}" would have one pseudonym`,
              hint: 'names that differ only in case or width are the same name: list one of them',
            },
          ]),
      ...(contract.asset_classes.includes(asset.class)
        ? []
        : [
            {
              path: ['assets', name, 'class'],
              message: `"${asset.class}" is not an asset class of the contract`,
              hint: `write ${list(contract.asset_classes)}`,
            },
          ]),
    ]
  })
}

function unknownDataset(name: string, contract: Contract): Problem {
  const hint = `the contract has ${list(Object.keys(contract.datasets))}`
  return { path: ['datasets', name], message: `the contract has no dataset "${name}"`, hint }
}

function compileDataset(
  name: string,
  dataset: ContractDataset,
  { policy, known }: Parameters<typeof compilePolicy>[0],
): { readonly dataset?: PlanDataset; readonly problems: readonly Problem[] } {
  const path = ['datasets', name]
  const rules = policy.datasets[name]!
  const slot = slotMs(dataset)
  const problems = shapeProblems(dataset).map((message) => ({
    path,
    message,
    hint: 'ask the pool for a right contract',
  }))
  const unknown = Object.keys(rules).filter((column) => !Object.hasOwn(dataset.columns, column))
  const told: Problem[] = [
    ...problems,
    ...unknown.map((column) => ({
      path: [...path, column],
      message: `the contract's ${name} has no column "${column}"`,
      hint: `it has ${list(Object.keys(dataset.columns))}`,
    })),
  ]
  if (Object.keys(rules).length === 0)
    told.push({ path, message: 'no column has a rule', hint: 'write a rule, or remove the dataset' })
  if (problems.length > 0) return { problems: told }
  const compiled = Object.entries(dataset.columns).map(([column, spec]) =>
    compileColumn({ path: [...path, column], name: column, slot, spec, rule: rules[column], policy, known }),
  )
  told.push(...compiled.flatMap((c) => c.problems))
  const columns = compiled.flatMap((c) => (c.column ? [c.column] : []))
  if (columns.length < compiled.length) return { problems: told }
  const { kind, cadence, size_class } = dataset
  return { dataset: { name, kind, slot, cadence, size_class, columns }, problems: told }
}

/** What is wrong with the shape of a dataset, in words. */
function shapeProblems(dataset: ContractDataset): readonly string[] {
  const slot = slotMs(dataset)
  const { cadence, columns } = dataset
  const problems: string[] = []
  if (slot % 1000 !== 0) problems.push(`slots of ${formatDuration(slot)} are not whole seconds`)
  if (cadence % slot !== 0)
    problems.push(`slots of ${formatDuration(slot)} do not divide the cadence of ${formatDuration(cadence)}`)
  if (DAY % cadence !== 0) problems.push(`the cadence of ${formatDuration(cadence)} does not divide a day`)
  for (const [name, { window = slot }] of Object.entries(columns)) {
    if (dataset.kind === 'table' && window !== slot) problems.push(`column ${name} has a window of its own in a table`)
    else if (window % slot !== 0 || DAY % window !== 0)
      problems.push(
        `column ${name}: the grid does not divide the window of ${formatDuration(window)}, or that not a day`,
      )
    if (/^(slot|asset|asset_class|window_s|q_.*)$/.test(name)) problems.push(`column ${name} has a name that is taken`)
  }
  return problems
}

function list(names: readonly string[]): string {
  return names.join(', ')
}
