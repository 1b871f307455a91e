import { createHmac, randomBytes } from 'node:crypto'
import { type BatchId, batchId } from '../core/batch.ts'
import { type UnixMs, unixMs } from '../core/brand.ts'
import { Fault } from '../core/fault.ts'
import { quarantineAlarm } from './outbox.ts'
import type { PoolRow } from './pools.ts'
import type { Tables } from './tables.ts'

/** What this run of the agent did, as far as it matters where the folder turns out to be an older state of itself. */
export interface ThisRun {
  /** its first block */
  readonly position: number
  /** batches that it sealed in the present stream and that the pool has not judged */
  readonly sealed: Set<BatchId>
  /** its streams began anew because of what a pool holds */
  isRenewed: boolean
}

/**
 * Begins all streams anew with what this run stored: no other life of the folder can have sealed the slots of that time, while
 * of earlier ones nobody here knows which the pools hold. What this run sealed of those is quarantined and not sent.
 * README, "A folder that was put back". Callers bring the transaction.
 */
export function renewStreams({ log, meta, pools, outbox, journal, charges }: Tables, run: ThisRun, at: UnixMs): void {
  const first = log.firstTimed(run.position)
  /** null: under a clock that is not trusted yet, so that nothing of this run is sealed */
  const began = first?.sane === 1 ? unixMs(first.arrival) : null
  const before = pools.all()
  meta.set('stream_secret', randomBytes(8))
  pools.startStreams(at)
  for (const { id, raw_seq, sealed_until, memory } of before) {
    const slots = began === null ? [] : Object.entries(sealed_until)
    const later = slots.map(([dataset, until]) => [dataset, unixMs(Math.max(until, began!))] as const)
    pools.moveCursor(id, raw_seq, Object.fromEntries(later))
    pools.setMemory(id, memory)
    charges.lose(id, began ?? at) // the other life may have drawn and charged more
    pools.setSince(id, began ?? at, began === null ? run.position : null)
  }
  const { code, message } = new Fault('store-restored', {}, 'the data folder is an older state of itself')
  for (const id of run.sealed) {
    const batch = outbox.held(id)
    const pool = batch && pools.find(batch.pool)
    if (!pool || (began !== null && batch.from >= began)) continue
    outbox.settle(pool.id, batchId(id), { kind: 'quarantined', code, message, at })
    journal.raise({ key: quarantineAlarm(pool.name), code, message, at })
  }
  journal.raise({ key: 'store:restored', code, message, at })
}

/**
 * Number of the next batch of a dataset in an epoch. The first is made of the stream's secret, so that a folder that was put back
 * counts as it did before, and what it seals again has the ids that the pool knows.
 */
export function nextNumber({ meta, pools }: Tables, pool: PoolRow, dataset: string, epoch: number): number {
  const next = pools.nextNumber(pool.id, dataset, epoch)
  if (next !== undefined) return next
  const of = JSON.stringify([pool.name, dataset, epoch])
  return createHmac('sha256', meta.get('stream_secret')!).update(of).digest().readUInt32BE()
}
