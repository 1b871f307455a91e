import type { StoreStatus } from '../../buffer/port.ts'
import type { SourceState } from './collect.ts'
import type { Trouble } from './commit-queue.ts'
import type { DeliveryState } from './deliver.ts'
import type { Forecast } from './forecast.ts'

/** Whether a pool's gate is open, and what shut it. */
export interface GateState {
  /** withdrawn: the plant has left the pool */
  readonly state: 'open' | 'shut' | 'withdrawn'
  readonly fault: { readonly code: string; readonly message: string; readonly hint: string } | null
  /** end of the last day on which anything is sealed, UnixMs; null where it is not open */
  readonly expires: number | null
}

/** A dataset whose readings wait raw because as much is sealed as `max_sealed_ahead` allows. */
export interface Backlog {
  readonly dataset: string
  /** ms from the last sealed slot until now */
  readonly behind_ms: number
  /** ms until it is fresh again at today's pace; null where it is not known or not gaining */
  readonly fresh_in_ms: number | null
}

/** Delivery to one pool. */
export type PoolDelivery = DeliveryState & { readonly backlog: readonly Backlog[] }

/** What `sluice status --json` prints. Times are UnixMs. */
export interface AgentStatus {
  readonly version: string
  readonly gateway: string
  /** false: read from the data folder while no agent runs */
  readonly running: boolean
  readonly now: number
  readonly uptime_s: number
  readonly rss_mb: number
  readonly readings_per_s: number
  /** readings taken from sources and not yet durable */
  readonly waiting: number
  /** why nothing becomes durable at present, or null */
  readonly trouble: Trouble | null
  readonly written_gb_per_day: number
  /** hours until the buffer is full, at the rate of the last hours */
  readonly forecast: Forecast
  readonly sources: Readonly<Record<string, SourceState & { readonly readings_per_s: number }>>
  readonly gates: Readonly<Record<string, GateState>>
  readonly delivery: Readonly<Record<string, PoolDelivery>>
  readonly store: StoreStatus
  /** true: every pool's accounts add up */
  readonly ledger_ok: boolean
}
