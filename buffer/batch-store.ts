import { createHash } from 'node:crypto'
import type { SealedBatch } from '../core/batch.ts'
import type { BatchStore } from './batch-port.ts'
import { damage } from './database.ts'
import { quarantineAlarm } from './outbox.ts'
import type { PoolRow } from './pools.ts'
import { renewStreams, type ThisRun } from './streams.ts'
import type { Tables } from './tables.ts'

/** Ends the alarms of the pools that have nothing in quarantine any more. Callers bring the transaction. */
export function clearQuarantineAlarms({ pools, outbox, journal }: Tables, at: number): void {
  for (const { id, name } of pools.all())
    if (outbox.quarantined(id).length === 0) journal.clear(quarantineAlarm(name), at)
}

/** A batch by its id, with its payload where that still lies here. */
export function outboxBatch({ triage, outbox }: Tables, id: string): ReturnType<BatchStore['outboxBatch']> {
  const [entry] = triage.list({ ids: [id] })
  return entry && { entry, batch: outbox.held(id) ?? null }
}

/**
 * Whether a batch has the bytes that were signed, since others would be refused by the pool for ever, and is found by its id,
 * of which an index has a second copy, so that it can be settled.
 */
function isSound({ outbox }: Tables, { id, bytes, sha256 }: SealedBatch): boolean {
  return hasDigest(bytes, sha256) && outbox.held(id) !== undefined
}

/** Whether these are the bytes of this SHA-256 (hex). */
export function hasDigest(bytes: Uint8Array | null, sha256: string): boolean {
  return bytes !== null && createHash('sha256').update(bytes).digest('hex') === sha256
}

/**
 * The calls of a store about sealed batches.
 * @param use runs a call on the open tables
 * @param hooks.beforeHandingOut makes sure that the high-water file knows of every batch
 * @param hooks.onRenewed told that the streams began anew
 */
export function makeBatchStore(
  use: <T>(act: (tables: Tables) => T) => T,
  run: ThisRun,
  hooks: { readonly beforeHandingOut: () => void; readonly onRenewed: (tables: Tables) => void },
): BatchStore {
  const { beforeHandingOut } = hooks
  function poolOf({ pools }: Tables, name: string): PoolRow {
    const row = pools.find(name)
    if (!row) throw new Error(`pool ${name} was never opened`)
    return row
  }
  const change = <T>(act: (tables: Tables) => T): T => use((t) => t.db.transaction(() => act(t))())

  return {
    sealedAhead: (pool, dataset) => use((t) => t.outbox.ahead(t.pools.find(pool)?.id ?? -1, dataset)),
    nextBatch(pool, pick) {
      return use((t) => {
        beforeHandingOut()
        const among = pick?.of === 'this_run' ? run.sealed : undefined
        const batch = t.outbox.next(t.pools.find(pool)?.id ?? -1, pick, among)
        if (batch && !isSound(t, batch)) throw damage('a batch is not as it was sealed')
        return batch
      })
    },
    settle(pool, id, settlement) {
      change((t) => {
        const isKnown = t.outbox.settle(poolOf(t, pool).id, id, settlement)
        run.sealed.delete(id)
        if (settlement.kind !== 'quarantined' || !isKnown) return
        const { code, message, at } = settlement
        t.journal.raise({ key: quarantineAlarm(pool), code, message, at })
      })
    },
    disown(_, id, at) {
      if (!run.sealed.has(id)) return 'old'
      if (run.isRenewed) return 'wrong'
      change((t) => renewStreams(t, run, at))
      run.sealed.clear()
      run.isRenewed = true
      use(hooks.onRenewed)
      return 'renewed'
    },
    unburied: (pool, limit, except) => use((t) => t.outbox.unburied(poolOf(t, pool).id, limit, except)),
    buried(pool, id, at) {
      change((t) => t.outbox.buried(poolOf(t, pool).id, id, at))
    },
    noteAttempt(pool, id, fault) {
      change((t) => t.outbox.noteAttempt(poolOf(t, pool).id, id, fault))
    },
    countSent: (pool, day, bytes) => change((t) => t.triage.countSent(poolOf(t, pool).id, day, bytes)),

    outbox: (filter) => use((t) => t.triage.list(filter)),
    outboxBatch(id) {
      return use((t) => {
        beforeHandingOut()
        return outboxBatch(t, id)
      })
    },
    retryBatches(filter, at) {
      return change((t) => {
        const ids = t.triage.retry(filter, at)
        clearQuarantineAlarms(t, at)
        return ids
      })
    },
    dropBatches(filter, message, at) {
      return change((t) => {
        const ids = t.triage.drop(filter, message, at)
        clearQuarantineAlarms(t, at)
        return ids
      })
    },
  }
}
