import { BATCH_STATES, type BatchId, type BatchState, batchId } from '../core/batch.ts'
import { unixMs } from '../core/brand.ts'
import type { Audit } from './audit.ts'
import type { OutboxEntry, OutboxFilter } from './batch-port.ts'
import type { Db } from './database.ts'

/** What a person does with the batches of an outbox. Callers bring the transaction. */
export interface Triage {
  list(filter: OutboxFilter): readonly OutboxEntry[]
  /** Quarantined batches that still have their bytes are queued again. @returns those */
  retry(filter: OutboxFilter, at: number): readonly BatchId[]
  /** Gives up queued and quarantined batches. @returns those */
  drop(filter: OutboxFilter, message: string, at: number): readonly BatchId[]
  /** Bytes of a day so far, with these. */
  countSent(pool: number, day: string, bytes: number): number
  sent(pool: number): Readonly<Record<string, number>>
}

/** Days of which the bytes sent are kept. */
const DAYS = 32

/** Conditions of a filter; an absent pool or ids is null and matches everything. */
const MATCHES = `($pool IS NULL OR pool = (SELECT id FROM pool WHERE name = $pool))
  AND ($ids IS NULL OR batch_id IN (SELECT value FROM json_each($ids)))
  AND state IN (SELECT value FROM json_each($states))`

export function makeTriage(db: Db, audit: Audit): Triage {
  type Row = Omit<OutboxEntry, 'id' | 'held' | 'from' | 'until'> & {
    readonly batch_id: string
    readonly held: 0 | 1
    readonly from_ms: number
    readonly until_ms: number
  }
  const list = db.prepare<[object], Row>(
    `SELECT batch_id, (SELECT name FROM pool WHERE id = batch.pool) AS pool, dataset, state, stream, epoch, seq, rows,
       from_ms, until_ms, size, sealed_at, settled_at, attempts, reason, message, bytes IS NOT NULL AS held
     FROM batch WHERE ${MATCHES} ORDER BY id DESC LIMIT $limit`,
  )
  const changed = 'RETURNING batch_id AS batch, sha256, (SELECT name FROM pool WHERE id = batch.pool) AS pool'
  type Changed = { readonly batch: string; readonly sha256: string; readonly pool: string }
  const retry = db.prepare<[object], Changed>(
    `UPDATE batch SET state = 'queued', settled_at = NULL WHERE ${MATCHES} AND bytes IS NOT NULL ${changed}`,
  )
  const drop = db.prepare<[object], Changed>(
    `UPDATE batch SET state = 'dropped', settled_at = $at, reason = 'operator', message = $message, bytes = NULL
     WHERE ${MATCHES} ${changed}`,
  )
  const countSent = db
    .prepare<[number, string, number], number>(
      'INSERT INTO sent VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes RETURNING bytes',
    )
    .pluck()
  const forgetSent = db.prepare(
    'DELETE FROM sent WHERE pool = ? AND day NOT IN (SELECT day FROM sent WHERE pool = ? ORDER BY day DESC LIMIT ?)',
  )
  const sent = db.prepare<[number], [string, number]>('SELECT day, bytes FROM sent WHERE pool = ?').raw()

  const parameters = (
    { pool, ids, states = BATCH_STATES }: OutboxFilter,
    within = BATCH_STATES as readonly BatchState[],
  ) => ({
    pool: pool ?? null,
    ids: ids ? JSON.stringify(ids) : null,
    states: JSON.stringify(states.filter((state) => within.includes(state))),
  })

  return {
    list: (filter) =>
      list
        .all({ ...parameters(filter), limit: filter.limit ?? -1 })
        .map(({ batch_id, from_ms, until_ms, held, ...rest }) => ({
          id: batchId(batch_id),
          ...rest,
          from: unixMs(from_ms),
          until: unixMs(until_ms),
          held: held === 1,
        })),
    retry: (filter, at) =>
      retry.all(parameters(filter, ['quarantined'])).map((batch) => {
        audit.append({ kind: 'requeued', ...batch }, at)
        return batchId(batch.batch)
      }),
    drop: (filter, message, at) =>
      drop.all({ ...parameters(filter, ['quarantined', 'queued']), message, at }).map((batch) => {
        audit.append({ kind: 'dropped', ...batch, reason: 'operator' }, at)
        return batchId(batch.batch)
      }),
    countSent(pool, day, bytes) {
      const total = countSent.get(pool, day, bytes)!
      forgetSent.run(pool, pool, DAYS)
      return total
    },
    sent: (pool) => Object.fromEntries(sent.all(pool)),
  }
}
