import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { rawSeq, type UnixMs, unixMs } from '../core/brand.ts'
import { databasePath } from './database.ts'
import { UNKNOWN_SIGNAL } from './dictionary.ts'
import { freeBytes } from './free-disk.ts'
import type { SealedStream, WithdrawalStatus } from './pool-end-port.ts'
import { streamSecret } from './pool-ends.ts'
import type { PoolRow } from './pools.ts'
import type { Accounts, StoreStatus } from './port.ts'
import type { Tables } from './tables.ts'

const DAY = 86_400_000

/** Everything the tables know, in one snapshot; reads only. */
export function statusOf(tables: Tables, data_dir: string, now: UnixMs, free = freeBytes): StoreStatus {
  const { db, log, pools, outbox, journal, meta, dictionary } = tables
  const path = databasePath(data_dir)
  return db.transaction(
    (): StoreStatus => ({
      accepted: log.nextSeq(),
      pools: Object.fromEntries(pools.all().map((pool) => [pool.name, poolStatus(tables, pool)])),
      counts: journal.counts(),
      outages: journal.outages(now - DAY),
      alarms: journal.alarms(now - DAY),
      disk: {
        file_bytes: sizeOf(path),
        wal_bytes: sizeOf(`${path}-wal`),
        raw_bytes: log.bytes(),
        outbox_bytes: outbox.bytes(),
        max_bytes: meta.get('max_size') ?? 0,
        min_free_bytes: meta.get('min_free') ?? 0,
        free_bytes: free(data_dir),
        oldest_raw: optionalTime(log.oldest(1)[0]?.arrival),
      },
      signals: dictionary.signals.length,
    }),
  )()
}

function poolStatus(
  { log, pools, outbox, triage, streams, meta, dictionary }: Tables,
  pool: PoolRow,
): StoreStatus['pools'][string] {
  const ledger = pools.ledger(pool.id)
  const signals = new Map<string, StoreStatus['pools'][string]['signals'][number]>()
  const reasons: Record<'disclosed' | 'withheld' | 'evicted', Record<string, number>> = {
    disclosed: {},
    withheld: {},
    evicted: {},
  }
  for (const { signal: index, account, reason, n } of ledger) {
    const signal = index === UNKNOWN_SIGNAL ? '' : dictionary.signal(index).id
    const key = JSON.stringify([signal, account, reason])
    // Several rows of the dictionary may be one signal before and after a change.
    signals.set(key, { signal, account, reason, n: n + (signals.get(key)?.n ?? 0) })
    reasons[account][reason] = n + (reasons[account][reason] ?? 0)
  }
  const accounts: Accounts = {
    accepted: (pool.end_seq ?? log.nextSeq()) - pool.start_seq,
    pending: log.readingsFrom(pool.raw_seq) - (pool.end_seq === null ? 0 : log.readingsFrom(pool.end_seq)),
    disclosed: reasons.disclosed[''] ?? 0,
    withheld: reasons.withheld,
    evicted: reasons.evicted,
  }
  return {
    accounts,
    retired: pool.end_seq === null ? null : { since: optionalTime(pool.retired_at) },
    withdrawn: pool.withdrawn_at === null ? null : withdrawalStatus(streams.all(pool.id), pool.withdrawn_at),
    signals: [...signals.values()],
    batches: { sealed: pool.sealed, ...outbox.accounts(pool.id) },
    dropped: outbox.dropped(pool.id),
    owed: outbox.owed(pool.id),
    queued: outbox.queued(pool.id),
    sent: triage.sent(pool.id),
    cursor: { raw_seq: rawSeq(pool.raw_seq), sealed_until: pool.sealed_until },
    stream: createHash('sha256')
      .update(meta.get('stream_secret') === undefined ? '' : streamSecret({ meta }, pool))
      .digest('hex')
      .slice(0, 8),
    stream_since: pool.since,
    delivered_at: optionalTime(pool.delivered_at),
    quarantined: outbox.quarantined(pool.id),
  }
}

function withdrawalStatus(streams: readonly SealedStream[], at: number): WithdrawalStatus {
  const owed = streams.filter(({ receipt }) => receipt === null).length
  const ordered = streams.filter(({ receipt }) => receipt?.kind === 'file').length
  return { since: unixMs(at), owed, done: streams.length - owed, ordered }
}

function optionalTime(ms: number | null | undefined): UnixMs | null {
  return ms === null || ms === undefined ? null : unixMs(ms)
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
