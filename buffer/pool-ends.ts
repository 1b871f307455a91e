import { createHash } from 'node:crypto'
import { type UnixMs, unixMs } from '../core/brand.ts'
import { u32be } from '../core/encoding.ts'
import { Fault } from '../core/fault.ts'
import { clearQuarantineAlarms } from './batch-store.ts'
import type { PoolEnds, SealedStream, Withdrawal } from './pool-end-port.ts'
import type { PoolRow } from './pools.ts'
import { retirePools, revivePool } from './retire.ts'
import type { Tables } from './tables.ts'

/** The secret of a pool's stream. Who left and joins again is in another stream, since the pool takes nothing more of the first. */
export function streamSecret({ meta }: Pick<Tables, 'meta'>, { joins }: Pick<PoolRow, 'joins'>): Uint8Array {
  const secret = meta.get('stream_secret')!
  return joins ? createHash('sha256').update(secret).update(u32be(joins)).digest().subarray(0, 8) : secret
}

/** What a pool that was left has to take back; null where it was not. */
function withdrawalOf({ streams }: Tables, { id, withdrawn_at }: PoolRow): Withdrawal | null {
  return withdrawn_at === null ? null : { since: unixMs(withdrawn_at), streams: streams.all(id) }
}

/** Streams that the pool has not said to be gone. */
function owedOf({ streams }: Tables, { id }: Pick<PoolRow, 'id'>): readonly SealedStream[] {
  return streams.all(id).filter(({ receipt }) => receipt === null)
}

/** Leaves a pool. Callers bring the transaction. */
export function leavePool(tables: Tables, { id, name, end_seq }: PoolRow, at: number): void {
  const { pools, outbox, log, audit } = tables
  pools.setWithdrawn(id, at)
  if (end_seq === null) pools.retire(id, log.nextSeq())
  const owed = owedOf(tables, { id })
  audit.append({ kind: 'withdrawal_ordered', pool: name, streams: owed.map(({ stream }) => stream) }, at)
  outbox.dropAll(id, 'withdrawn', at)
  outbox.buryAll(id, at) // the pool forgets the stream, numbers and all
  clearQuarantineAlarms(tables, at)
}

/**
 * The calls of a store about pools that end.
 * @param use runs a call on the open tables
 * @param changed called after each, so that the high-water file knows of it too
 */
export function makePoolEnds(use: <T>(act: (tables: Tables) => T) => T, changed: (tables: Tables) => void): PoolEnds {
  function change<T>(pool: string, act: (tables: Tables, row: PoolRow) => T): T {
    return use((t) => {
      const row = t.pools.find(pool)
      if (!row) throw new Error(`pool ${pool} was never opened`)
      const result = t.db.transaction(() => act(t, row))()
      changed(t)
      return result
    })
  }

  return {
    retirePools(configured) {
      use((t) => {
        t.db.transaction(() => retirePools(t, configured))()
        changed(t)
      })
    },
    retirePool(pool) {
      change(pool, ({ pools, log }, { id, end_seq }) => {
        if (end_seq === null) pools.retire(id, log.nextSeq())
      })
    },
    withdrawal: (pool) =>
      use((t) => {
        const row = t.pools.find(pool)
        return row ? withdrawalOf(t, row) : null
      }),
    withdrawPool: (pool, at: UnixMs) =>
      change(pool, (t, row) => {
        if (row.withdrawn_at === null) leavePool(t, row, at)
        return withdrawalOf(t, t.pools.find(pool)!)!
      }),
    noteWithdrawn(pool, stream, receipt, at) {
      change(pool, ({ streams, audit }, { id }) => {
        streams.setReceipt(id, stream, JSON.stringify(receipt))
        audit.append({ kind: 'withdrawn', pool, stream, receipt }, at)
      })
    },
    joinPool: (pool, at) =>
      use((t) => t.pools.find(pool)) !== undefined &&
      change(pool, (t, row) => {
        if (row.withdrawn_at === null) return false
        const owed = owedOf(t, row)
        if (owed.length > 0)
          throw new Fault(
            'usage',
            { pool },
            `joining would give up the withdrawal that the pool owes still (streams: ${owed.length}): wait until \`sluice status\` shows none`,
          )
        // By a clock that has gone back the stream would take in what was withdrawn.
        t.pools.join(row.id, Math.max(at, t.log.lastTrusted()?.arrival ?? at))
        revivePool(t, t.pools.find(pool)!)
        t.audit.append({ kind: 'joined', pool }, at)
        return true
      }),
  }
}
