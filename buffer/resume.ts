import { type UnixMs, unixMs } from '../core/brand.ts'
import { accountLoss } from './give-up.ts'
import type { HighWater } from './high-water.ts'
import type { PoolRow } from './pools.ts'
import type { Salvaged } from './salvage.ts'
import type { Tables } from './tables.ts'

/** What a fresh file takes up from. */
export interface Known {
  readonly mark: HighWater | undefined
  /** the mark is of another machine: its slots say nothing of this stream */
  readonly foreign: boolean
  readonly salvaged: Salvaged | undefined
  /** the pools as they were salvaged */
  readonly before: readonly PoolRow[]
  readonly now: UnixMs
}

/** A number that damage left further off than this (sequences, batches) is not believed. */
const FAR = 1e9
const DAY = 86_400_000

/**
 * A fresh file takes up where the lost one was, as far as its high-water file and what was salvaged tell. A cursor is the
 * further of the two, because what was sealed must not be sealed again; slots are those of the mark and of the batches that
 * lie here. Every sequence that was given out and is in no block and in no account is `evicted{damage}`. Callers bring the
 * transaction.
 */
export function resume(tables: Tables, known: Known): void {
  const { log, journal, dictionary } = tables
  const { mark, salvaged, before, now } = known
  const end = log.nextSeq()
  const told = [mark?.raw_seq ?? 0, ...before.map(({ raw_seq }) => raw_seq).filter((seq) => seq < end + FAR)]
  const tail = Math.max(0, ...told) - end
  if (tail > 0) {
    const isEmpty = log.last() === undefined
    log.lose(isEmpty ? { seq: end + tail, n: 0 } : { seq: end, n: tail })
    journal.dropMarks('', '') // the readings they stand for may be among those that are missing
    if (salvaged?.whole) {
      for (const source of new Set(dictionary.signals.map((signal) => signal.source))) {
        const from = Math.min(salvaged.newest ?? now, now)
        journal.record({ source, device: null, signal: null, reason: 'damage', from, until: now })
      }
    }
  }
  const names = new Set([...before.map(({ name }) => name), ...Object.keys(mark?.pools ?? {})])
  for (const name of names) resumePool(tables, name, known)
}

function resumePool(tables: Tables, name: string, { mark, foreign, salvaged, before, now }: Known): void {
  const { log, pools, outbox } = tables
  const told = mark?.pools[name]
  const end = log.nextSeq()
  const first = log.oldest(1)[0]?.seq ?? end
  const row =
    before.find((pool) => pool.name === name) ??
    pools.create({ name, start_seq: 0, raw_seq: -1, sealed_until: {}, since: now })
  const accounted = pools.ledger(row.id).reduce((sum, { n }) => sum + n, 0)
  const isSure = row.start_seq >= 0 && row.start_seq <= row.raw_seq && row.raw_seq <= end
  const until = row.end_seq ?? told?.end ?? end
  const cursor = Math.min(Math.max(isSure ? row.raw_seq : 0, told?.cursor ?? 0, first), until)
  const start_seq = isSure ? row.start_seq : Math.max(0, Math.min(told?.cursor ?? cursor, cursor) - accounted)
  if (until < end) pools.retire(row.id, until)

  const latest = Math.max(now, salvaged?.newest ?? now) + DAY
  const isSameStream = mark !== undefined && !foreign
  const slots = isSameStream ? slotsOf(tables, row.id, told?.datasets ?? {}, latest) : {}
  const isBegun = isSameStream && isSure && row.since <= latest && (row.since_position ?? 0) <= log.nextPosition()
  const batches = Object.values(outbox.accounts(row.id)).reduce((sum, n) => sum + n, 0)
  const gone = row.sealed > batches && row.sealed < batches + FAR ? row.sealed - batches : 0
  pools.put({
    ...row,
    start_seq,
    raw_seq: cursor,
    sealed_until: slots,
    since: isBegun ? row.since : now,
    since_position: isBegun ? row.since_position : null,
    sealed: batches + gone,
  })
  outbox.countLost(row.id, gone)

  const passed = until - start_seq - log.readingsFrom(cursor) + (until < end ? log.readingsFrom(until) : 0)
  // Accounts that say more than the cursor passed are damaged themselves.
  if (accounted > passed) pools.forgetLedger(row.id)
  accountLoss(pools, row.id, accounted > passed ? passed : passed - accounted)
}

/** End of the last slot that may have been sent, a dataset. @param latest UnixMs beyond which a time is not believed */
function slotsOf(
  { db }: Tables,
  pool: number,
  datasets: HighWater['pools'][string]['datasets'],
  latest: number,
): Readonly<Record<string, UnixMs>> {
  const slots: Record<string, UnixMs> = {}
  for (const [dataset, { slot }] of Object.entries(datasets)) slots[dataset] = unixMs(slot)
  const sealed = db
    .prepare<[number, number], [string, number]>(
      'SELECT dataset, max(until_ms) FROM batch WHERE pool = ? AND until_ms <= ? GROUP BY dataset',
    )
    .raw()
  for (const [dataset, slot] of sealed.all(pool, latest)) {
    slots[dataset] = unixMs(Math.max(slot, slots[dataset] ?? slot))
  }
  return slots
}
