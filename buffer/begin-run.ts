import type { UnixMs } from '../core/brand.ts'
import type { Tables } from './tables.ts'

/**
 * Outages that the last run left open end where it was last heard of; from there to `now` the agent was down, for each of
 * these sources. Callers bring the transaction.
 * @param heard when that was, by the high-water file; asked only where no block can say
 */
export function beginRun(
  { log, journal }: Tables,
  sources: readonly string[],
  heard: number | undefined,
  now: UnixMs,
): void {
  const last = log.last()
  const stored = last?.sane === 1 ? last.arrival : now
  const from = Math.min(last ? stored : (heard ?? now), now)
  journal.endOutages(from)
  if (from === now) return
  for (const source of sources) {
    journal.record({ source, device: null, signal: null, reason: 'agent_down', from, until: now })
  }
}
