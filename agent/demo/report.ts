import type { AgentStatus } from '../daemon/status.ts'
import type { LakeSummary } from './summary.ts'

/** The last line of `sluice demo --json`. */
export interface DemoSummary {
  readonly accepted: number
  readonly pending: number
  readonly disclosed: number
  readonly withheld: number
  readonly evicted: number
  readonly batches: number
  readonly delivered: number
  readonly pool_rows: number
  readonly pool_duplicates: number
  /** multiple R of the defect rate on oil temperature and humidity, as seen inside the plant; null: too few windows */
  readonly correlation_raw: number | null
  /** the same from what lies in the pool's lake */
  readonly correlation_pool: number | null
}

export function summarize(status: AgentStatus, pool: string, lake: LakeSummary, raw: number | null): DemoSummary {
  const { accounts, batches } = status.store.pools[pool]!
  const total = (account: Readonly<Record<string, number>>): number =>
    Object.values(account).reduce((sum, n) => sum + n, 0)
  return {
    accepted: accounts.accepted,
    pending: accounts.pending,
    disclosed: accounts.disclosed,
    withheld: total(accounts.withheld),
    evicted: total(accounts.evicted),
    batches: batches.sealed,
    delivered: batches.delivered,
    pool_rows: lake.rows,
    pool_duplicates: lake.duplicates,
    correlation_raw: raw,
    correlation_pool: lake.correlation.multiple,
  }
}

/** The summary for people. */
export function renderSummary(s: DemoSummary, lake: LakeSummary, keptIn: string | undefined): string {
  const r = (x: number | null): string => (x === null ? 'too few windows to say' : x.toFixed(3))
  return [
    '',
    `${s.accepted} readings accepted = ${s.pending} pending + ${s.disclosed} disclosed + ${s.withheld} withheld + ${s.evicted} evicted`,
    `${s.batches} batches sealed, ${s.delivered} delivered`,
    `The pool's lake, opened with a Parquet reader: ${s.pool_rows} rows (${Object.entries(lake.datasets)
      .map(([name, n]) => `${name} ${n}`)
      .join(', ')}), ${s.pool_duplicates} twice`,
    `Defect rate as it follows oil temperature and humidity (multiple R over ${lake.correlation.n} ten-minute windows):`,
    `  inside the plant ${r(s.correlation_raw)}, in the pool ${r(s.correlation_pool)}`,
    `  in the pool, each alone: oil temperature ${r(lake.correlation.oil_temperature)}, humidity ${r(lake.correlation.humidity)}`,
    ...(keptIn === undefined ? [] : [`Files are in ${keptIn}`]),
  ].join('\n')
}
