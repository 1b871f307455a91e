import type { EvictedReason, LedgerEntry } from '../core/ledger.ts'
import type { StoredBlock } from '../core/stored-block.ts'
import { UNKNOWN_SIGNAL } from './dictionary.ts'
import type { PoolRow } from './pools.ts'
import type { FateOnEviction } from './port.ts'
import type { ChunkHead, ChunkRow } from './raw-log.ts'
import type { Tables } from './tables.ts'

/** Every way in which stored readings are given up. Each is accounted in the transaction that does it, which callers bring. */

/**
 * Deletes the oldest blocks through `position`, whether pending or not, and moves the cursors of the pools that still
 * waited for them.
 * @returns the pools that lost readings; retired ones lose theirs under their own reason, which calls for nobody
 */
export function evictThrough(
  tables: Tables,
  position: number,
  reason: EvictedReason,
  fate: FateOnEviction | undefined,
  wrongFate: (pool: string) => void,
): ReadonlySet<string> {
  const { log, pools } = tables
  const concerned = new Set<string>()
  const waiting = pools.all().map((pool) => ({ pool, cursor: pool.raw_seq, sums: new Map<string, LedgerEntry>() }))
  const from = log.oldest(1)[0]?.position ?? position + 1
  for (let at = from; at <= position; at++) {
    const row = log.rows(at, 1)[0]!
    const losers = waiting.filter(({ pool, cursor }) => cursor < row.seq + row.n && waitsFor(pool, row.seq))
    if (losers.length === 0) continue
    const block = log.read(row)
    for (const loser of losers) {
      const isRetired = loser.pool.end_seq !== null
      const why = isRetired ? 'retired' : reason
      const entries = fateOf(loser.pool, block, row, Math.max(0, loser.cursor - row.seq), why, fate, wrongFate)
      for (const entry of entries) addTo(loser.sums, entry)
      loser.cursor = row.seq + row.n
      if (!isRetired) concerned.add(loser.pool.name)
    }
  }
  for (const { pool, cursor, sums } of waiting) {
    if (cursor === pool.raw_seq) continue
    pools.account(pool.id, sums.values())
    pools.moveCursor(pool.id, cursor)
  }
  log.deleteThrough(position)
  return concerned
}

/**
 * Accounts the readings that were thinned away, for the pools that still waited for them. No cursor lies inside these
 * blocks, and none moves.
 * @param removed rows as they were, with just the readings that were taken out
 * @returns the pools that lost readings, as `evictThrough` does
 */
export function accountThinned(
  { pools }: Tables,
  removed: readonly { readonly row: ChunkHead; readonly block: StoredBlock }[],
  fate: FateOnEviction | undefined,
  wrongFate: (pool: string) => void,
): ReadonlySet<string> {
  const concerned = new Set<string>()
  for (const pool of pools.all()) {
    const sums = new Map<string, LedgerEntry>()
    const why = pool.end_seq === null ? 'thinned' : 'retired'
    for (const { row, block } of removed) {
      if (pool.raw_seq > row.seq || !waitsFor(pool, row.seq)) continue
      const lost = { ...row, n: block.block.signals.length }
      for (const entry of fateOf(pool, block, lost, 0, why, fate, wrongFate)) addTo(sums, entry)
    }
    if (sums.size === 0) continue
    pools.account(pool.id, sums.values())
    if (pool.end_seq === null) concerned.add(pool.name)
  }
  return concerned
}

/** Whether the accounts of a pool reach to this sequence; they end between two blocks. */
function waitsFor(pool: PoolRow, seq: number): boolean {
  return pool.end_seq === null || seq < pool.end_seq
}

/** Accounts of a block's readings from index `from` on. */
function fateOf(
  pool: PoolRow,
  block: StoredBlock | undefined,
  row: ChunkHead,
  from: number,
  reason: EvictedReason,
  fate: FateOnEviction | undefined,
  wrongFate: (pool: string) => void,
): Iterable<LedgerEntry> {
  if (!block) return [{ signal: UNKNOWN_SIGNAL, account: 'evicted', reason: 'damage', n: row.n - from }]
  const told = fate?.(pool.name, block)
  if (told) {
    if (told.reduce((sum, { n }) => sum + n, 0) === row.n - from) {
      return told.map((entry) => (entry.account === 'evicted' ? { ...entry, reason } : entry))
    }
    wrongFate(pool.name)
  }
  const sums = new Map<string, LedgerEntry>()
  for (let i = from; i < row.n; i++) addTo(sums, { signal: block.block.signals[i]!, account: 'evicted', reason, n: 1 })
  return sums.values()
}

function addTo(sums: Map<string, LedgerEntry>, entry: LedgerEntry): void {
  const key = `${entry.signal} ${entry.account} ${entry.reason}`
  sums.set(key, { ...entry, n: entry.n + (sums.get(key)?.n ?? 0) })
}

/** A block turned out to be damaged: its readings are given up for every pool that still waited for them. */
export function loseBlock({ log, pools }: Tables, row: ChunkRow): void {
  const end = row.seq + row.n
  for (const pool of pools.all()) {
    if (waitsFor(pool, row.seq)) accountLoss(pools, pool.id, end - Math.max(row.seq, pool.raw_seq))
  }
  log.lose({ seq: row.seq, n: row.n }, row)
}

/** Readings from the log's end up to `seq` were accepted once and are gone: a gap for every pool. */
export function loseUpTo({ log, pools }: Tables, seq: number): number {
  const from = log.nextSeq()
  if (seq <= from) return 0
  for (const pool of pools.all()) if (waitsFor(pool, from)) accountLoss(pools, pool.id, seq - from)
  log.lose({ seq: from, n: seq - from })
  return seq - from
}

/** `n` readings of signals that damage hides. */
export function accountLoss(pools: Tables['pools'], pool: number, n: number): void {
  if (n > 0) pools.account(pool, [{ signal: UNKNOWN_SIGNAL, account: 'evicted', reason: 'damage', n }])
}
