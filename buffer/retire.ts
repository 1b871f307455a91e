import type { PoolRow } from './pools.ts'
import type { Tables } from './tables.ts'

/**
 * Pools that the configuration does not name (any more); README, "Retired pools". Callers bring the transaction.
 */

/** The accounts of every pool that is not among these end here. */
export function retirePools({ pools, log }: Tables, configured: readonly string[]): void {
  for (const { id, name, end_seq } of pools.all()) {
    if (end_seq === null && !configured.includes(name)) pools.retire(id, log.nextSeq())
  }
}

/** A retired pool is configured again (and not left by the plant): it takes up what the log still holds; what is gone was never accepted for it. */
export function revivePool({ pools, log }: Tables, pool: PoolRow): PoolRow {
  const { id, name, end_seq, start_seq, raw_seq, withdrawn_at } = pool
  if (end_seq === null || withdrawn_at !== null) return pool
  const gone = log.nextSeq() - end_seq - log.readingsFrom(end_seq)
  // Where it waits for nothing, blocks may be gone from the front.
  const first = log.oldest(1)[0]?.seq ?? end_seq
  pools.revive(id, { start_seq: start_seq + gone, raw_seq: raw_seq < end_seq ? raw_seq : Math.max(end_seq, first) })
  return pools.find(name)!
}

/** Empties blocks that all configured pools have passed and that lie behind what retired pools wait for. */
export function emptyBehindRetired({ pools, log }: Tables, passed: number, before: number, limit: number): void {
  const held = pools.heldByRetired()
  if (!held) return
  for (const block of log.filled(held.until, limit)) {
    if (block.seq + block.n > passed || block.arrival >= before) return
    log.lose({ seq: block.seq, n: block.n }, block)
  }
}

/** Batches of pools that were retired before `before` are dropped. */
export function dropRetired({ pools, outbox }: Tables, before: number, at: number): void {
  for (const pool of pools.all()) {
    if (pool.retired_at !== null && pool.retired_at < before) outbox.dropAll(pool.id, 'retired', at)
  }
}
