import { accountProblems } from '../buffer/accounts.ts'
import type { StoreStatus } from '../buffer/port.ts'
import { drawChart, type Panel } from './chart.ts'
import { POOL } from './plant-files.ts'
import type { Sample } from './soak-agent.ts'

/** What was seen of a plant that was cut off from its pool. Times in days since the start, by the plant's clock. */
export interface SoakRun {
  readonly samples: readonly Sample[]
  /** the pool goes · it is there again · it takes a first batch · it has them all */
  readonly days: Readonly<Record<'gone' | 'back' | 'taken' | 'drained', number>>
  readonly signals: number
  /** between two readings of each, ms */
  readonly period: number
  /** readings of the plant */
  readonly produced: number
  readonly stored: StoreStatus
  /** `asset` and `slot` (UnixMs) of every row in the pool's lake */
  readonly rows: readonly { readonly asset: string; readonly slot: number }[]
}

export interface SoakResult {
  readonly days_offline: number
  readonly signals: number
  readonly period_s: number
  /** readings of the plant, and the pool's accounts of them */
  readonly produced: number
  readonly accepted: number
  readonly disclosed: number
  readonly withheld: number
  readonly evicted: number
  readonly pending: number
  /** minutes from the first batch that the pool took until it had all, while the plant went on as plants do */
  readonly drain_min: number
  /** resident set, MB: the most before the pool went, and the most in all that follows */
  readonly rss_before_mb: number
  readonly rss_most_mb: number
  /** by how much the latter is beyond the former, a share */
  readonly rss_growth: number
  readonly file_most_mb: number
  readonly file_end_mb: number
  readonly wal_most_mb: number
  readonly batches: number
  readonly rows: number
  /** rows beyond the first of an asset and slot; and those without one, between the first slot and the last */
  readonly doubled: number
  readonly missing: number
  /** what does not add up, in words; empty where the soak is passed */
  readonly problems: readonly string[]
}

/** ms */
export const SLOT = 300_000
export const CADENCE = 1_800_000
/** A share by which the resident set may grow. */
const MOST_GROWTH = 0.2
/** Seconds of readings that no batch can hold yet: those of two cadences, and of what the cursor moves by. */
const OPEN = 2 * (CADENCE / 1_000) + 6_000

export function soakResult({ samples, days, signals, period, produced, stored, rows }: SoakRun): SoakResult {
  const { accounts, batches } = stored.pools[POOL]!
  const warm = samples.findLastIndex(({ day }) => day <= days.gone) + 1
  const most = (of: readonly Sample[], what: keyof Sample): number => Math.max(...of.map((sample) => sample[what]))
  const [rss_before, rss_most] = [most(samples.slice(0, warm), 'rss_mb'), most(samples.slice(warm), 'rss_mb')]
  const figures = {
    days_offline: round(days.back - days.gone),
    signals,
    period_s: period / 1_000,
    produced,
    accepted: accounts.accepted,
    disclosed: accounts.disclosed,
    withheld: total(accounts.withheld),
    evicted: total(accounts.evicted),
    pending: accounts.pending,
    drain_min: round((days.drained - days.taken) * 1_440),
    rss_before_mb: Math.round(rss_before),
    rss_most_mb: Math.round(rss_most),
    rss_growth: round(rss_most / rss_before - 1),
    file_most_mb: Math.round(most(samples, 'file_mb')),
    file_end_mb: Math.round(samples.at(-1)!.file_mb),
    wal_most_mb: round(most(samples, 'wal_mb')),
    batches: batches.sealed,
    ...rowFigures(rows),
  }
  return { ...figures, problems: [...accountProblems(stored), ...problemsOf(figures, batches.delivered)] }
}

function problemsOf(figures: Omit<SoakResult, 'problems'>, delivered: number): readonly string[] {
  const { signals, period_s, produced, accepted, pending, batches, doubled, missing, rss_growth } = figures
  return [
    ...(accepted === produced ? [] : [`${produced} readings of the plant, ${accepted} accepted`]),
    ...(pending <= (signals / period_s) * OPEN ? [] : [`${pending} readings are pending still`]),
    ...(delivered === batches ? [] : [`${batches} batches sealed, ${delivered} delivered`]),
    ...(doubled === 0 ? [] : [`${doubled} rows are twice at the pool`]),
    ...(missing === 0 ? [] : [`${missing} rows are missing at the pool`]),
    ...(rss_growth <= MOST_GROWTH ? [] : [`the resident set grew by ${Math.round(rss_growth * 100)} %`]),
  ]
}

function rowFigures(rows: SoakRun['rows']): Pick<SoakResult, 'rows' | 'doubled' | 'missing'> {
  const distinct = new Set(rows.map(({ asset, slot }) => `${asset} ${slot}`)).size
  const assets = new Set(rows.map(({ asset }) => asset)).size
  const [first, last] = rows.reduce(([a, b], { slot }) => [Math.min(a, slot), Math.max(b, slot)] as const, [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as readonly [number, number])
  return {
    rows: rows.length,
    doubled: rows.length - distinct,
    missing: rows.length === 0 ? 0 : assets * ((last - first) / SLOT + 1) - distinct,
  }
}

/** File, readings and memory over the days, and the draining of the backlog over its minutes, as SVG. */
export function drawSoak({ samples, days, signals, period }: SoakRun): string {
  const x = { name: "the plant's time", unit: 'days' }
  const marks = [
    { x: days.gone, name: 'the pool is gone' },
    { x: days.back, name: 'it is back' },
  ]
  const over = (what: keyof Sample, scale = 1) => samples.map((one) => [one.day, one[what] * scale] as const)
  const drain = samples.filter(({ day }) => day >= days.taken && day <= days.drained)
  const panels: readonly Panel[] = [
    {
      x,
      y: { name: 'on disk', unit: 'MB' },
      series: [
        { name: 'database file', points: over('file_mb') },
        { name: 'write-ahead log', points: over('wal_mb') },
        { name: 'sealed batches in the file', points: over('outbox_mb') },
      ],
      marks,
    },
    {
      x,
      y: { name: 'readings', unit: 'millions' },
      series: [
        { name: 'pending', points: over('pending', 1e-6) },
        { name: 'thinned away', points: over('evicted', 1e-6) },
      ],
      marks,
    },
    { x, y: { name: 'memory', unit: 'MB' }, series: [{ name: 'resident set', points: over('rss_mb') }], marks },
    {
      x: { name: 'since the pool took its first batch', unit: 'min' },
      y: { name: 'readings', unit: 'millions' },
      series: [
        { name: 'pending', points: drain.map(({ day, pending }) => [(day - days.taken) * 1_440, pending / 1e6]) },
      ],
    },
  ]
  return drawChart({
    title: `${signals} signals at ${period / 1_000} s, ${round(days.back - days.gone)} days without the pool`,
    panels,
  })
}

function total(account: Readonly<Record<string, number>>): number {
  return Object.values(account).reduce((sum, n) => sum + n, 0)
}

function round(x: number): number {
  return Math.round(x * 100) / 100
}
