import { type BatchId, type BatchState, batchId, type SealedBatch } from '../core/batch.ts'
import { unixMs } from '../core/brand.ts'
import type { Db } from './database.ts'
import type { PoolRow } from './pools.ts'
import type { Settlement, StoreStatus } from './port.ts'

type Quarantined = StoreStatus['pools'][string]['quarantined'][number]

/** Sealed batches and what became of them. Callers bring the transaction. */
export interface Outbox {
  /** @throws where the batch is there already. */
  add(pool: number, batch: SealedBatch, at: number): void
  /** Oldest queued batch of a pool. */
  next(pool: number): SealedBatch | undefined
  /** Delivered is final; anything else gives way to a later word. @throws Error for an id that was never sealed. */
  settle(pool: number, id: BatchId, settlement: Settlement): void
  /** Span of slots (ms) in queued batches. */
  ahead(pool: number, dataset: string): number
  /** Gives up the oldest payload, quarantined before queued. @returns false where none is left */
  dropOldest(reason: string, at: number): boolean
  /** Gives up everything of a pool that is queued or quarantined. */
  dropAll(pool: number, reason: string, at: number): void
  /** Forgets some settled batches from before `at`, into the pool's counters. @returns how many */
  prune(at: number): number
  accounts(pool: number): Readonly<Record<BatchState, number>>
  quarantined(pool: number): readonly Quarantined[]
  /** Payload bytes that still lie here. */
  bytes(): number
}

export function makeOutbox(db: Db): Outbox {
  const add = db.prepare(
    `INSERT INTO batch (batch_id, pool, dataset, stream, epoch, seq, rows, from_ms, until_ms, sha256, signature, key,
       size, sealed_at, state, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)`,
  )
  const countSealed = db.prepare('UPDATE pool SET sealed = sealed + 1 WHERE id = ?')
  type Queued = Omit<SealedBatch, 'id' | 'from' | 'until'> & { batch_id: string; from_ms: number; until_ms: number }
  const next = db.prepare<[number], Queued>(
    `SELECT batch_id, pool.name AS pool, dataset, stream, epoch, seq, rows, from_ms, until_ms, bytes, sha256, signature, key
     FROM batch JOIN pool ON pool.id = batch.pool WHERE batch.pool = ? AND state = 'queued' ORDER BY batch.id LIMIT 1`,
  )
  const stateOf = db
    .prepare<[string, number], BatchState>('SELECT state FROM batch WHERE batch_id = ? AND pool = ?')
    .pluck()
  const settle = db.prepare(
    `UPDATE batch SET state = $state, settled_at = $at, reason = $reason, message = $message, receipt = $receipt,
       bytes = iif($keep, bytes, NULL) WHERE batch_id = $id`,
  )
  const delivered = db.prepare('UPDATE pool SET delivered_at = max(coalesce(delivered_at, 0), ?) WHERE id = ?')
  const ahead = db
    .prepare<[number, string], number>(
      "SELECT total(until_ms - from_ms) FROM batch WHERE pool = ? AND dataset = ? AND state = 'queued'",
    )
    .pluck()
  const oldest = db.prepare<[], { batch_id: string }>(
    "SELECT batch_id FROM batch WHERE state IN ('quarantined', 'queued') ORDER BY state = 'queued', id LIMIT 1",
  )
  const dropAll = db.prepare(
    `UPDATE batch SET state = 'dropped', settled_at = ?, reason = ?, message = NULL, bytes = NULL
     WHERE pool = ? AND state IN ('quarantined', 'queued')`,
  )
  const prunable = db.prepare<[number], { id: number; pool: number; state: 'delivered' | 'dropped' }>(
    "SELECT id, pool, state FROM batch WHERE state IN ('delivered', 'dropped') AND settled_at < ? LIMIT 200",
  )
  const remove = db.prepare('DELETE FROM batch WHERE id = ?')
  const countPruned = {
    delivered: db.prepare('UPDATE pool SET pruned_delivered = pruned_delivered + 1 WHERE id = ?'),
    dropped: db.prepare('UPDATE pool SET pruned_dropped = pruned_dropped + 1 WHERE id = ?'),
  }
  const counts = db
    .prepare<[number], [BatchState, number]>('SELECT state, count(*) FROM batch WHERE pool = ? GROUP BY state')
    .raw()
  const prunedCounts = db.prepare<[number], Pick<PoolRow, 'pruned_delivered' | 'pruned_dropped'>>(
    'SELECT pruned_delivered, pruned_dropped FROM pool WHERE id = ?',
  )
  const quarantined = db.prepare<[number], { batch_id: string; dataset: string; code: string; message: string }>(
    "SELECT batch_id, dataset, reason AS code, message FROM batch WHERE pool = ? AND state = 'quarantined' ORDER BY id DESC LIMIT 100",
  )
  const bytes = db.prepare<[], number>("SELECT total(size) FROM batch WHERE state IN ('queued', 'quarantined')").pluck()

  return {
    add(pool, b, at) {
      const { id, dataset, stream, epoch, seq, rows, from, until, sha256, signature, key } = b
      add.run(
        id,
        pool,
        dataset,
        stream,
        epoch,
        seq,
        rows,
        from,
        until,
        sha256,
        signature,
        key,
        b.bytes.length,
        at,
        b.bytes,
      )
      countSealed.run(pool)
    },
    next(pool) {
      const row = next.get(pool)
      if (!row) return undefined
      const { batch_id, from_ms, until_ms, ...rest } = row
      return { ...rest, id: batchId(batch_id), from: unixMs(from_ms), until: unixMs(until_ms) }
    },
    settle(pool, id, settlement) {
      const state = stateOf.get(id, pool)
      if (state === undefined) throw new Error(`batch ${id} was never sealed for this pool`)
      if (state === 'delivered') return
      settle.run({
        id,
        state: settlement.kind,
        at: settlement.at,
        keep: settlement.kind === 'quarantined' && state !== 'dropped' ? 1 : 0,
        receipt: settlement.kind === 'delivered' ? JSON.stringify(settlement.receipt) : null,
        reason:
          settlement.kind === 'quarantined'
            ? settlement.code
            : settlement.kind === 'dropped'
              ? settlement.reason
              : null,
        message: settlement.kind === 'quarantined' ? settlement.message : null,
      })
      if (settlement.kind === 'delivered') delivered.run(settlement.at, pool)
    },
    ahead: (pool, dataset) => ahead.get(pool, dataset)!,
    dropOldest(reason, at) {
      const row = oldest.get()
      if (row) settle.run({ id: row.batch_id, state: 'dropped', at, keep: 0, receipt: null, reason, message: null })
      return row !== undefined
    },
    dropAll(pool, reason, at) {
      dropAll.run(at, reason, pool)
    },
    prune(at) {
      const rows = prunable.all(at)
      for (const row of rows) {
        remove.run(row.id)
        countPruned[row.state].run(row.pool)
      }
      return rows.length
    },
    accounts(pool) {
      const found = new Map(counts.all(pool))
      const { pruned_delivered = 0, pruned_dropped = 0 } = prunedCounts.get(pool) ?? {}
      const pruned: Partial<Record<BatchState, number>> = { delivered: pruned_delivered, dropped: pruned_dropped }
      const of = (state: BatchState): number => (found.get(state) ?? 0) + (pruned[state] ?? 0)
      return {
        queued: of('queued'),
        delivered: of('delivered'),
        quarantined: of('quarantined'),
        dropped: of('dropped'),
      }
    },
    quarantined: (pool) => quarantined.all(pool).map(({ batch_id, ...rest }) => ({ id: batchId(batch_id), ...rest })),
    bytes: () => bytes.get()!,
  }
}
