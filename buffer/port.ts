import type { BatchId, BatchState, Receipt, SealedBatch } from '../core/batch.ts'
import type { RawSeq, UnixMs } from '../core/brand.ts'
import type { LedgerEntry, Outage, OutageNote } from '../core/ledger.ts'
import type { ReadingBlock } from '../core/reading-block.ts'
import type { SignalSpec } from '../core/signal.ts'
import type { Cursor, StoredBlock } from '../core/stored-block.ts'

/** What one transaction makes durable: everything that waited when the commit began. */
export interface Commit {
  /** blocks with dictionary indexes, in the order they were yielded, and the source each is from */
  readonly blocks: readonly { readonly source: string; readonly block: ReadingBlock }[]
  readonly arrival: UnixMs
  readonly monotonic: number
  readonly sane: boolean
  readonly marks: readonly { readonly session: string; readonly packet_id: number; readonly hash: Uint8Array }[]
  readonly outages: readonly { readonly source: string; readonly note: OutageNote }[]
  readonly counts: readonly Count[]
}

/** A durable counter of what happened before acceptance. */
export interface Count {
  readonly source: string
  /** `refused` with its reason, or `unchanged` (deadband) with reason '' */
  readonly kind: 'refused' | 'unchanged'
  readonly reason: string
  readonly n: number
}

/** The accounts of one pool: accepted = pending + disclosed + withheld + evicted. */
export interface Accounts {
  readonly accepted: number
  readonly pending: number
  readonly disclosed: number
  readonly withheld: Readonly<Record<string, number>>
  readonly evicted: Readonly<Record<string, number>>
}

/** The accounts of one pool's batches: sealed = queued + delivered + quarantined + dropped. */
export type BatchAccounts = { readonly sealed: number } & Readonly<Record<BatchState, number>>

/** An alarm: a durable record that a person must look at. */
export interface Alarm {
  /** what it is about, e.g. `pool:krjp-quality`; one open alarm a key and code */
  readonly key: string
  readonly code: string
  readonly message: string
  readonly since: UnixMs
  readonly until: UnixMs | null
  readonly count: number
}

/** One step of publication: compared and set in one transaction. */
export interface Publication {
  readonly pool: string
  readonly expect: Cursor
  readonly next: Cursor
  /** absent where only the cursor moves (nothing to seal) */
  readonly batch?: SealedBatch
  /** accounts of the readings from `expect.raw_seq` up to `next.raw_seq` */
  readonly ledger: readonly LedgerEntry[]
}

/** Outcome of a delivery attempt, as the outbox keeps it. */
export type Settlement =
  | { readonly kind: 'delivered'; readonly receipt: Receipt; readonly at: UnixMs }
  | { readonly kind: 'quarantined'; readonly code: string; readonly message: string; readonly at: UnixMs }
  | { readonly kind: 'dropped'; readonly reason: string; readonly at: UnixMs }

/** The numbers of `sluice status` that the store knows. */
export interface StoreStatus {
  /** readings in the raw log's sequence so far: accepted by this data folder */
  readonly accepted: number
  readonly pools: Readonly<
    Record<
      string,
      {
        readonly accounts: Accounts
        /** accounts by signal id, without pending */
        readonly signals: readonly {
          readonly signal: string
          readonly account: string
          readonly reason: string
          readonly n: number
        }[]
        readonly batches: BatchAccounts
        readonly cursor: Cursor
        readonly stream: string
        /** last delivery, or null */
        readonly delivered_at: UnixMs | null
        readonly quarantined: readonly {
          readonly id: BatchId
          readonly dataset: string
          readonly code: string
          readonly message: string
        }[]
      }
    >
  >
  readonly counts: readonly Count[]
  /** open ones, and those ended within the last day, newest first, at most 100 */
  readonly outages: readonly Outage[]
  readonly alarms: readonly Alarm[]
  readonly disk: {
    readonly file_bytes: number
    readonly wal_bytes: number
    readonly raw_bytes: number
    readonly outbox_bytes: number
    readonly max_bytes: number
    readonly oldest_raw: UnixMs | null
  }
  readonly signals: number
}

/**
 * The SQLite file of one data folder: raw log, outbox, ledger, marks. Synchronous; one worker thread owns it.
 * Every method that changes something is one transaction that is durable (fsync) when it returns.
 * @throws Fault `store-io` | `store-full` where the disk refuses; nothing of the call was done then.
 */
export interface Store extends Disposable {
  /** Indexes of these rows in the signal dictionary, adding what is new. */
  intern(specs: readonly SignalSpec[]): readonly number[]
  /** The row of an index. @throws RangeError for an index that was never given out. */
  signal(index: number): SignalSpec

  /** Stores the readings as one chunk, with marks, outages and counts; makes room first where the cap is reached. */
  append(commit: Commit): { readonly seq: RawSeq; readonly n: number }
  /** Marks of a client session. */
  marks(session: string): readonly { readonly packet_id: number; readonly hash: Uint8Array }[]
  /** Forgets all sessions of this prefix but `session` (a session the broker lost never redelivers). */
  dropMarks(prefix: string, session: string): void

  /** State of a pool; on first sight it starts at the end of the log. */
  openPool(pool: string): { readonly cursor: Cursor; readonly stream_secret: Uint8Array }
  /** Stored blocks from `position` on, in order, at most `limit`. */
  blocks(position: number, limit: number): readonly StoredBlock[]
  /** Position of the first block that holds readings at or after `seq`, or the end of the log. */
  positionOf(seq: RawSeq): number
  /** Next batch number of a (pool, dataset, epoch) in the present stream: counts by one from a random start. */
  nextSeq(pool: string, dataset: string, epoch: number): number
  /** @throws Error `cursor moved` where the stored cursor is not `expect` (a bug, or two publishers). */
  commitPublication(publication: Publication): void
  /** Span of slots (ms) sealed for a dataset and not yet delivered; quarantined ones not counted. */
  sealedAhead(pool: string, dataset: string): number

  /** Oldest batch of the pool that waits for delivery. */
  nextBatch(pool: string): SealedBatch | undefined
  settle(pool: string, id: BatchId, settlement: Settlement): void

  raiseAlarm(alarm: {
    readonly key: string
    readonly code: string
    readonly message: string
    readonly at: UnixMs
  }): void
  /** Ends every open alarm of the key. */
  clearAlarm(key: string, at: UnixMs): void

  /** Deletes published raw readings older than keep_raw, returns free pages, bounds the WAL. Call when idle. */
  tidy(now: UnixMs): void
  status(now: UnixMs): StoreStatus
}
