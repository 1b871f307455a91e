import type { PoolConfig } from './schema.ts'

/**
 * Bytes that a batch costs beside its own: handshake, headers and answer, over TCP and TLS with a client certificate,
 * rounded up (`connections.test.ts` measures it).
 */
const OVERHEAD = 8_192
const DAY_S = 86_400

/** What a batch of this size is charged with, each time it is sent. */
export function costOf(size: number): number {
  return size + OVERHEAD
}

/** Bytes a day that datasets come to when nothing is sent twice. Cadence in ms, size class in bytes. */
export function demandADay(datasets: Iterable<{ readonly cadence: number; readonly size_class: number }>): number {
  let bytes = 0
  for (const { cadence, size_class } of datasets) bytes += ((DAY_S * 1_000) / cadence) * costOf(size_class)
  return bytes
}

/** The option that limits a pool most, and the bytes a day that it leaves; undefined where none does. */
export function capacityADay({
  max_rate,
  window,
  daily_budget,
}: PoolConfig): { readonly limit: 'max_rate' | 'daily_budget'; readonly bytes: number } | undefined {
  const minutes = window ? (window.until - window.from + 1_440) % 1_440 || 1_440 : 1_440
  const byRate = max_rate === undefined ? Number.POSITIVE_INFINITY : max_rate * minutes * 60
  const byBudget = daily_budget ?? Number.POSITIVE_INFINITY
  const bytes = Math.min(byRate, byBudget)
  if (bytes === Number.POSITIVE_INFINITY) return undefined
  return { limit: byBudget <= byRate ? 'daily_budget' : 'max_rate', bytes }
}
