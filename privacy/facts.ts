import type { Contract } from '../core/contract.ts'
import { formatDecimal, parseDecimal } from '../core/decimal.ts'
import type { DisclosurePlan, PlanColumn, PlanDataset } from './compile.ts'
import type { PlanNoise } from './compile-noise.ts'
import { policyContentHash } from './keys.ts'
import { laplaceDeviation } from './noise.ts'
import { leastStep, PROFILES } from './profile.ts'
import type { Policy, ProfileName } from './schema.ts'
import { worstCaseBytes } from './size.ts'

/** A policy in figures: what `sluice policy` and the preview tell a data steward, and what two policies are compared by. */
export interface PolicyFacts {
  readonly pool: string
  readonly profile: ProfileName
  /** last day (UTC) on which anything is sealed, `2028-12-31` */
  readonly expires: string
  /** SHA-256 of the policy's canonical JSON (RFC 8785) without its plant key, hex */
  readonly hash: string
  readonly contract: { readonly sha256: string; readonly epochs: readonly string[] }
  /** what all noised columns together may say of one signal in any such span; null where none has noise */
  readonly budget: { readonly window_ms: number; readonly epsilon: string } | null
  readonly assets: readonly AssetFacts[]
  /** in the contract's order */
  readonly datasets: readonly DatasetFacts[]
}

export interface AssetFacts {
  readonly asset: string
  readonly class: string
  /** ms */
  readonly cycle_time_ms: number | null
}

export interface DatasetFacts {
  readonly dataset: string
  readonly kind: 'stream' | 'table'
  readonly slot_ms: number
  /** one file is sealed for each */
  readonly cadence_ms: number
  /** in one file */
  readonly rows: number
  /** bytes of every file */
  readonly size_class: number
  /** bytes that a file can need at most, before it is filled up to its size class */
  readonly worst_case: number
  /** with a rule, in the contract's order */
  readonly columns: readonly ColumnFacts[]
  /** without a rule: null in every row */
  readonly empty: readonly string[]
}

export interface ColumnFacts {
  readonly dataset: string
  readonly column: string
  /** the contract's words */
  readonly meaning: string
  readonly kind: 'number' | 'category'
  readonly stat: PlanColumn['stat']
  readonly window_ms: number
  /** UCUM; null for categories, as range and step are */
  readonly unit: string | null
  /** decimal text */
  readonly range: readonly [string, string] | null
  readonly step: string | null
  /** that may appear; null for numbers */
  readonly vocabulary: readonly string[] | null
  /** parts of a rate's window below which it is null; null for other statistics */
  readonly floor: number | null
  /** where its counters begin at zero again; null where a step back is a reset, and for other statistics */
  readonly wrap: number | null
  readonly noise: NoiseFacts | null
  /** what the profile asks for at least */
  readonly least: { readonly window_ms: number; readonly step: string | null }
  /** why it may be finer than the profile allows */
  readonly accepted_risk: string | null
  /** the signals that each asset's cells are made of */
  readonly sources: readonly { readonly asset: string; readonly signals: readonly string[] }[]
  /** distinct cells; assets that share their signals share them */
  readonly cells_an_hour: number
  readonly bits_an_hour: number
}

/** Declared noise, and how wide it is in the column's unit. */
export interface NoiseFacts {
  /** decimal text */
  readonly epsilon: string
  /** steps */
  readonly sensitivity: number
  /** standard deviation in the column's unit */
  readonly sd: number
}

/** A policy that was read and compiled. */
export interface Described {
  readonly plan: DisclosurePlan
  readonly policy: Policy
  readonly contract: Contract
  readonly contract_sha256: string
  /** the policy as written, without its secrets */
  readonly document: unknown
}

/** Puts a policy without problems into figures. */
export function describePolicy(input: Described): PolicyFacts {
  const { plan, policy } = input
  return {
    pool: plan.pool,
    profile: policy.profile,
    expires: dayOf(plan.expires),
    hash: policyContentHash(input.document),
    contract: { sha256: input.contract_sha256, epochs: plan.epochs.map(dayOf) },
    budget: policy.budget ? { window_ms: policy.budget.window, epsilon: policy.budget.epsilon } : null,
    assets: Object.entries(policy.assets).map(([asset, { class: kind, cycle_time }]) => ({
      asset,
      class: kind,
      cycle_time_ms: cycle_time ?? null,
    })),
    datasets: plan.datasets.map((dataset) => describeDataset(input, dataset)),
  }
}

function describeDataset(
  { plan, policy, contract }: Pick<Described, 'plan' | 'policy' | 'contract'>,
  dataset: PlanDataset,
): DatasetFacts {
  const { name, kind, slot, cadence, size_class } = dataset
  const ruled = dataset.columns.filter((column) => column.inputs.length > 0)
  return {
    dataset: name,
    kind,
    slot_ms: slot,
    cadence_ms: cadence,
    rows: (cadence / slot) * plan.assets.length,
    size_class,
    worst_case: worstCaseBytes(dataset, plan.assets),
    columns: ruled.map((column) => ({
      dataset: name,
      meaning: contract.datasets[name]!.columns[column.name]!.meaning,
      ...describeColumn(column, plan.assets, policy.profile),
    })),
    empty: dataset.columns.filter((column) => column.inputs.length === 0).map((column) => column.name),
  }
}

function describeColumn(
  column: PlanColumn,
  assets: DisclosurePlan['assets'],
  profile: ProfileName,
): Omit<ColumnFacts, 'dataset' | 'meaning'> {
  const numeric = column.kind === 'number' ? column : undefined
  const sources = assets.map(({ name }, i) => ({ asset: name, signals: column.inputs[i]!.map(({ id }) => id) }))
  const distinct = new Set(sources.map(({ signals }) => signals.join(' '))).size
  const cells = (distinct * HOUR) / column.window
  return {
    column: column.name,
    kind: column.kind,
    stat: column.stat,
    window_ms: column.window,
    unit: numeric?.unit ?? null,
    range: numeric?.range ?? null,
    step: numeric?.step ?? null,
    vocabulary: column.kind === 'category' ? column.vocabulary : null,
    floor: column.stat === 'rate' ? column.floor : null,
    wrap: (column.stat === 'rate' || column.stat === 'delta') && column.wrap > 0 ? column.wrap : null,
    noise: numeric?.noise ? noiseFacts(numeric.noise, numeric.step) : null,
    least: leastOf(column, profile),
    accepted_risk: column.accepted_risk,
    sources,
    cells_an_hour: cells,
    bits_an_hour: cells * bitsOfCell(column),
  }
}

function noiseFacts({ epsilon, sensitivity, scale }: PlanNoise, step: string): NoiseFacts {
  return { epsilon, sensitivity, sd: laplaceDeviation(scale) * Number(step) }
}

function leastOf(column: PlanColumn, profile: ProfileName): ColumnFacts['least'] {
  const window_ms = PROFILES[profile].window
  if (column.kind === 'category') return { window_ms, step: null }
  const [low, high] = column.range.map((text) => parseDecimal(text)!)
  const step = leastStep(profile, { low: low!, high: high! }, column.stat, column.stat === 'rate' ? column.factor : 1)
  return { window_ms, step: formatDecimal(step) }
}

/** How wide noise is, to three digits. */
export function deviationText({ sd }: NoiseFacts, unit: string | null): string {
  return withUnit(String(Number(sd.toPrecision(3))), unit)
}

/** A value with its UCUM unit; a bare number alone. */
export function withUnit(value: string, unit: string | null): string {
  return unit === null || unit === '1' ? value : `${value} ${unit}`
}

const HOUR = 3_600_000
/** ok, degraded, missing, clipped */
const MARKS = 4

/**
 * The most that one cell can tell: which of its values, and which mark beside it. Noise adds chance, not information, so
 * that the values before it count.
 */
function bitsOfCell(column: PlanColumn): number {
  const values = column.kind === 'number' ? column.grid.steps + 1 : column.vocabulary.length
  return Math.log2(values) + Math.log2(MARKS)
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
