import type { AuditEvent } from '../core/audit.ts'
import { type BatchId, type BatchState, batchId, type DroppedBatch, type SealedBatch } from '../core/batch.ts'
import { unixMs } from '../core/brand.ts'
import type { Audit } from './audit.ts'
import type { BatchChoice, Queue, Settlement } from './batch-port.ts'
import type { Db } from './database.ts'
import type { PoolRow } from './pools.ts'
import type { StoreStatus } from './port.ts'

type Quarantined = StoreStatus['pools'][string]['quarantined'][number]

/** The alarm that is open while a pool has quarantined batches. */
export const quarantineAlarm = (pool: string): string => `quarantine:${pool}`

/** Sealed batches and what became of them, each change with its leaf of the log. Callers bring the transaction. */
export interface Outbox {
  /** @throws where the batch is there already. */
  add(pool: number, batch: SealedBatch, at: number): void
  /** A queued batch of a pool. @param among of these alone */
  next(pool: number, pick?: BatchChoice, among?: Iterable<BatchId>): SealedBatch | undefined
  /** A batch of any state whose bytes still lie here. */
  held(id: string): SealedBatch | undefined
  /**
   * Delivered is final; anything else gives way to a later word, as where a batch was dropped for room while it was sent.
   * @returns false for a batch that is not known (any more): damage may have taken it
   */
  settle(pool: number, id: BatchId, settlement: Settlement): boolean
  /** A queued batch was sent in vain. */
  noteAttempt(pool: number, id: BatchId, fault: { readonly code: string; readonly message: string }): void
  /** Span of slots (ms) in queued batches. */
  ahead(pool: number, dataset: string): number
  /** Gives up the oldest payload, quarantined before queued. @returns false where none is left */
  dropOldest(reason: string, at: number): boolean
  /** Gives up everything of a pool that is queued or quarantined. */
  dropAll(pool: number, reason: string, at: number): void
  /** So many batches are gone by damage. */
  countLost(pool: number, n: number): void
  /** Dropped batches that the pool was not told of, oldest first, and of these none. */
  unburied(pool: number, limit: number, except?: readonly BatchId[]): readonly DroppedBatch[]
  /** How many these are. */
  owed(pool: number): number
  /** The pool need not be told of any batch that was dropped. */
  buryAll(pool: number, at: number): void
  /** The pool knows that this batch was dropped. */
  buried(pool: number, id: BatchId, at: number): void
  /**
   * Forgets some settled batches from before `at`, into the pool's counters; those that the pool was not told of only
   * where `unburied` says so, and never the one that was handed out last and may be on its way. @returns how many
   */
  prune(at: number, unburied: 'too' | 'not'): number
  accounts(pool: number): Readonly<Record<BatchState, number>>
  /** Dropped batches by reason. */
  dropped(pool: number): Readonly<Record<string, number>>
  /** What is queued, by dataset. */
  queued(pool: number): Readonly<Record<string, Queue>>
  quarantined(pool: number): readonly Quarantined[]
  /** Payload bytes that still lie here. */
  bytes(): number
}

export function makeOutbox(db: Db, audit: Audit): Outbox {
  const add = db.prepare(
    `INSERT INTO batch (batch_id, pool, dataset, contributor, stream, epoch, seq, rows, from_ms, until_ms, sha256,
       signature, key, size, sealed_at, state, bytes)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)`,
  )
  const countSealed = db.prepare('UPDATE pool SET sealed = sealed + 1 WHERE id = ?')
  type Queued = Omit<SealedBatch, 'id' | 'from' | 'until'> & { batch_id: string; from_ms: number; until_ms: number }
  const sealed = `SELECT batch_id, pool.name AS pool, dataset, contributor, stream, epoch, seq, rows, from_ms, until_ms, bytes, sha256,
     signature, key FROM batch JOIN pool ON pool.id = batch.pool`
  const nextFrom = (order: 'ASC' | 'DESC') =>
    db.prepare<[{ pool: number; except: string; among: string | null }], Queued>(
      `${sealed} WHERE batch.pool = $pool AND state = 'queued' AND batch_id NOT IN (SELECT value FROM json_each($except))
         AND ($among IS NULL OR batch_id IN (SELECT value FROM json_each($among)))
       ORDER BY batch.id ${order} LIMIT 1`,
    )
  const next = { oldest: nextFrom('ASC'), newest: nextFrom('DESC') }
  const held = db.prepare<[string], Queued>(`${sealed} WHERE batch_id = ? AND bytes IS NOT NULL`)
  type Named = { readonly batch: string; readonly sha256: string; readonly pool: string }
  const named = 'batch_id AS batch, sha256, (SELECT name FROM pool WHERE id = batch.pool) AS pool'
  const known = db.prepare<[string, number], Named & { state: BatchState }>(
    `SELECT ${named}, state FROM batch WHERE batch_id = ? AND pool = ?`,
  )
  const settle = db.prepare(
    `UPDATE batch SET state = $state, settled_at = $at, reason = $reason, message = $message, receipt = $receipt,
       attempts = attempts + ($state = 'quarantined'), bytes = iif($keep, bytes, NULL) WHERE batch_id = $id`,
  )
  const noteAttempt = db.prepare(
    `UPDATE batch SET attempts = attempts + 1, reason = ?, message = ?
     WHERE batch_id = ? AND pool = ? AND state = 'queued'`,
  )
  const delivered = db.prepare('UPDATE pool SET delivered_at = max(coalesce(delivered_at, 0), ?) WHERE id = ?')
  const ahead = db
    .prepare<[number, string], number>(
      "SELECT total(until_ms - from_ms) FROM batch WHERE pool = ? AND dataset = ? AND state = 'queued'",
    )
    .pluck()
  const oldest = db.prepare<[], Named>(
    `SELECT ${named} FROM batch WHERE state IN ('quarantined', 'queued') ORDER BY state = 'queued', id LIMIT 1`,
  )
  const dropAll = db.prepare<[number, string, number], Named>(
    `UPDATE batch SET state = 'dropped', settled_at = ?, reason = ?, message = NULL, bytes = NULL
     WHERE pool = ? AND state IN ('quarantined', 'queued') RETURNING ${named}`,
  )
  const prunableOf = (where: string) =>
    db.prepare<[number, string], { id: number; pool: number; state: 'delivered' | 'dropped'; reason: string | null }>(
      `SELECT id, pool, state, reason FROM batch
       WHERE state IN ('delivered', 'dropped') AND settled_at < ? AND batch_id NOT IN (SELECT value FROM json_each(?))
         AND ${where} LIMIT 200`,
    )
  const prunable = prunableOf('true')
  const prunableBuried = prunableOf("(state = 'delivered' OR buried_at IS NOT NULL OR contributor = '')")
  const remove = db.prepare('DELETE FROM batch WHERE id = ?')
  const owed = `batch.pool = ? AND state = 'dropped' AND buried_at IS NULL AND contributor <> ''`
  const countOwed = db.prepare<[number], number>(`SELECT count(*) FROM batch WHERE ${owed}`).pluck()
  const unburied = db.prepare<[number, string, number], Omit<DroppedBatch, 'id'> & { batch_id: string }>(
    `SELECT batch_id, pool.name AS pool, dataset, contributor, stream, epoch, seq, reason
     FROM batch JOIN pool ON pool.id = batch.pool
     WHERE ${owed} AND batch_id NOT IN (SELECT value FROM json_each(?)) ORDER BY batch.id LIMIT ?`,
  )
  const buried = db.prepare('UPDATE batch SET buried_at = ? WHERE batch_id = ? AND pool = ?')
  const buryAll = db.prepare(
    "UPDATE batch SET buried_at = ? WHERE pool = ? AND state = 'dropped' AND buried_at IS NULL",
  )
  const countDelivered = db.prepare('UPDATE pool SET pruned_delivered = pruned_delivered + 1 WHERE id = ?')
  const countDropped = db.prepare('INSERT INTO dropped VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n')
  const counts = db
    .prepare<[number], [BatchState, number]>('SELECT state, count(*) FROM batch WHERE pool = ? GROUP BY state')
    .raw()
  const prunedDelivered = db
    .prepare<[number], PoolRow['pruned_delivered']>('SELECT pruned_delivered FROM pool WHERE id = ?')
    .pluck()
  const dropped = db.prepare<[number, number], { reason: string; n: number }>(
    `SELECT reason, sum(n) AS n FROM (
       SELECT reason, n FROM dropped WHERE pool = ?
       UNION ALL SELECT reason, 1 FROM batch WHERE pool = ? AND state = 'dropped'
     ) GROUP BY reason`,
  )
  const queued = db.prepare<
    [number],
    { dataset: string; batches: number; bytes: number; span: number; oldest: number }
  >(
    `SELECT dataset, count(*) AS batches, sum(size) AS bytes, total(until_ms - from_ms) AS span, min(from_ms) AS oldest
     FROM batch WHERE pool = ? AND state = 'queued' GROUP BY dataset`,
  )
  const quarantined = db.prepare<
    [number],
    { batch_id: string; dataset: string; code: string; message: string; settled_at: number }
  >(
    `SELECT batch_id, dataset, reason AS code, message, settled_at FROM batch WHERE pool = ? AND state = 'quarantined'
     ORDER BY settled_at DESC, id DESC LIMIT 100`,
  )
  const bytes = db.prepare<[], number>("SELECT total(size) FROM batch WHERE state IN ('queued', 'quarantined')").pluck()

  /** by pool */
  const handedOut = new Map<number, BatchId>()

  const batchOf = (row: Queued | undefined): SealedBatch | undefined => {
    if (!row) return undefined
    const { batch_id, from_ms, until_ms, ...rest } = row
    return { ...rest, id: batchId(batch_id), from: unixMs(from_ms), until: unixMs(until_ms) }
  }
  const droppedBy = (pool: number): Readonly<Record<string, number>> =>
    Object.fromEntries(dropped.all(pool, pool).map(({ reason, n }) => [reason, n]))

  return {
    add(pool, b, at) {
      const { id, dataset, contributor, stream, epoch, seq, rows, from, until, sha256, signature, key } = b
      add.run(
        id,
        pool,
        dataset,
        contributor,
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
    next(pool, { end = 'oldest', except = [] } = {}, among) {
      const ids = among ? JSON.stringify([...among]) : null
      const batch = batchOf(next[end].get({ pool, except: JSON.stringify(except), among: ids }))
      if (batch) handedOut.set(pool, batch.id)
      return batch
    },
    held: (id) => batchOf(held.get(id)),
    settle(pool, id, settlement) {
      const batch = known.get(id, pool)
      if (!batch) return false
      if (handedOut.get(pool) === id) handedOut.delete(pool)
      const { state, ...name } = batch
      if (state === 'delivered') return true
      audit.append(eventOf(name, settlement), settlement.at)
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
        message: settlement.kind === 'delivered' ? null : (settlement.message ?? null),
      })
      if (settlement.kind === 'delivered') delivered.run(settlement.at, pool)
      return true
    },
    noteAttempt(pool, id, { code, message }) {
      noteAttempt.run(code, message, id, pool)
    },
    ahead: (pool, dataset) => ahead.get(pool, dataset)!,
    dropOldest(reason, at) {
      const name = oldest.get()
      if (!name) return false
      settle.run({ id: name.batch, state: 'dropped', at, keep: 0, receipt: null, reason, message: null })
      audit.append({ kind: 'dropped', ...name, reason }, at)
      return true
    },
    dropAll(pool, reason, at) {
      for (const name of dropAll.all(at, reason, pool)) audit.append({ kind: 'dropped', ...name, reason }, at)
    },
    countLost(pool, n) {
      if (n > 0) countDropped.run(pool, 'damage', n)
    },
    owed: (pool) => countOwed.get(pool)!,
    unburied: (pool, limit, except = []) =>
      unburied
        .all(pool, JSON.stringify(except), limit)
        .map(({ batch_id, ...rest }) => ({ ...rest, id: batchId(batch_id) })),
    buryAll(pool, at) {
      buryAll.run(at, pool)
    },
    buried(pool, id, at) {
      buried.run(at, id, pool)
    },
    prune(at, unburied) {
      const rows = (unburied === 'too' ? prunable : prunableBuried).all(at, JSON.stringify([...handedOut.values()]))
      for (const { id, pool, state, reason } of rows) {
        remove.run(id)
        if (state === 'delivered') countDelivered.run(pool)
        else countDropped.run(pool, reason, 1)
      }
      return rows.length
    },
    accounts(pool) {
      const found = new Map(counts.all(pool))
      return {
        queued: found.get('queued') ?? 0,
        delivered: (found.get('delivered') ?? 0) + (prunedDelivered.get(pool) ?? 0),
        quarantined: found.get('quarantined') ?? 0,
        dropped: Object.values(droppedBy(pool)).reduce((sum, n) => sum + n, 0),
      }
    },
    dropped: droppedBy,
    queued: (pool) =>
      Object.fromEntries(
        queued.all(pool).map(({ dataset, oldest, ...rest }) => [dataset, { ...rest, oldest: unixMs(oldest) }]),
      ),
    quarantined: (pool) =>
      quarantined.all(pool).map(({ batch_id, settled_at, ...rest }) => ({
        id: batchId(batch_id),
        ...rest,
        settled_at: unixMs(settled_at),
      })),
    bytes: () => bytes.get()!,
  }
}

/** What the log says of a settlement: a file's path is the plant's own, as is what an operator wrote. */
function eventOf(
  batch: Pick<Extract<AuditEvent, { kind: 'dropped' }>, 'pool' | 'batch' | 'sha256'>,
  settlement: Settlement,
): AuditEvent {
  switch (settlement.kind) {
    case 'delivered': {
      const { receipt } = settlement
      const logged = receipt.kind === 'file' ? { kind: receipt.kind, sha256: receipt.sha256 } : receipt
      return { kind: 'delivered', ...batch, receipt: logged }
    }
    case 'quarantined':
      return { kind: 'refused', ...batch, code: settlement.code, message: settlement.message }
    case 'dropped':
      return { kind: 'dropped', ...batch, reason: settlement.reason }
  }
}
