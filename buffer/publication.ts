import type { AuditEvent } from '../core/audit.ts'
import type { SealedBatch } from '../core/batch.ts'
import { canonicalJson } from '../core/encoding.ts'
import type { PoolRow } from './pools.ts'
import type { Publication } from './port.ts'
import type { Tables } from './tables.ts'

/**
 * Applies one step of publication; the caller brings the transaction.
 * @param makeRoom asked to make room for a batch, once the readings in it count as published
 * @throws Error for whatever would break an account: the caller is wrong, and nothing must be done.
 */
export function publish(tables: Tables, publication: Publication, at: number, makeRoom: (bytes: number) => void): void {
  const { pools, outbox, streams, audit, charges } = tables
  const { pool: name, next, batch, ledger, leaf = {}, events = [], noise } = publication
  const pool = pools.find(name)
  if (!pool) throw new Error(`pool ${name} was never opened`)
  if (pool.withdrawn_at !== null) throw new Error(`pool ${name} was left`)
  checkCursor(tables, pool, publication)
  const span = next.raw_seq - pool.raw_seq - tables.log.lostWithin(pool.raw_seq, next.raw_seq)
  const accounted = ledger.reduce((sum, { n }) => sum + n, 0)
  if (accounted !== span)
    throw new Error(`pool ${name}: ${accounted} readings accounted where the cursor passes ${span}`)
  pools.account(pool.id, ledger)
  pools.moveCursor(pool.id, next.raw_seq, next.sealed_until)
  pools.setMemory(pool.id, next.memory ?? null)
  if (batch) {
    const number = pools.nextNumber(pool.id, batch.dataset, batch.epoch)
    if (batch.pool !== name) throw new Error(`pool ${name}: a batch for ${batch.pool}`)
    if (number !== undefined && number !== batch.seq)
      throw new Error(`pool ${name}: batch ${batch.seq} where ${number} is next`)
    makeRoom(batch.bytes.length)
    outbox.add(pool.id, batch, at)
    streams.note(pool.id, batch)
    if (noise) charges.add(pool.id, noise)
    audit.append({ ...sealedEvent(batch), ...leaf }, at)
    pools.setNextNumber(pool.id, batch.dataset, batch.epoch, batch.seq + 1)
  }
  for (const event of events) audit.append(event, at)
}

function sealedEvent(batch: SealedBatch): Extract<AuditEvent, { kind: 'sealed' }> {
  const { id, pool, dataset, contributor, stream, epoch, seq, rows, sha256, key } = batch
  const [from, until] = [new Date(batch.from).toISOString(), new Date(batch.until).toISOString()]
  return { kind: 'sealed', batch: id, pool, dataset, contributor, stream, epoch, seq, rows, from, until, sha256, key }
}

function checkCursor({ log }: Tables, pool: PoolRow, { expect, next }: Publication): void {
  if (pool.raw_seq !== expect.raw_seq || canonicalJson(pool.sealed_until) !== canonicalJson(expect.sealed_until)) {
    throw new Error(`pool ${pool.name}: cursor moved`)
  }
  if (next.raw_seq < expect.raw_seq || next.raw_seq > log.nextSeq()) {
    throw new Error(`pool ${pool.name}: the cursor would leave the log`)
  }
  for (const [dataset, slot] of Object.entries(expect.sealed_until)) {
    if ((next.sealed_until[dataset] ?? Number.NEGATIVE_INFINITY) < slot) {
      throw new Error(`pool ${pool.name}: ${dataset} would be sealed again`)
    }
  }
}
