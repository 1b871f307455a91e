import type { AuditEvent } from '../core/audit.ts'
import type { BatchId, SealedBatch } from '../core/batch.ts'
import type { RawSeq, UnixMs } from '../core/brand.ts'
import type { LedgerEntry, Outage, OutageNote } from '../core/ledger.ts'
import type { Log } from '../core/log.ts'
import type { NoiseEntry, NoiseState } from '../core/noise.ts'
import type { ReadingBlock } from '../core/reading-block.ts'
import type { SignalSpec } from '../core/signal.ts'
import type { Cursor, StoredBlock } from '../core/stored-block.ts'
import type { AuditStore } from './audit-port.ts'
import type { BatchAccounts, BatchStore, Queue } from './batch-port.ts'
import type { Answers, Question } from './look.ts'
import type { PoolEnds, WithdrawalStatus } from './pool-end-port.ts'
import type { WhenFull } from './schema.ts'

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
  /** what sources note with these blocks; null forgets a key */
  readonly memos?: readonly { readonly source: string; readonly key: string; readonly value: string | null }[]
}

/** A durable counter of what happened before acceptance. */
export interface Count {
  readonly source: string
  /** `refused` with its reason, `unchanged` (deadband) with reason '', or `forgotten` with `outage`: records given up for room */
  readonly kind: 'refused' | 'unchanged' | 'forgotten'
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
  /**
   * accounts of the readings from `expect.raw_seq` up to `next.raw_seq`; without those that no stored block holds
   * (lost by damage), which the store has accounted already
   */
  readonly ledger: readonly LedgerEntry[]
  /** what the log says of the batch beside its own numbers: hashes of policy (as in the manifest) and contract */
  readonly leaf?: { readonly policy: string; readonly contract: string }
  /** what else the log says of this step, such as an exhausted budget */
  readonly events?: readonly AuditEvent[]
  /** of a batch with noise: what it charges. The high-water file knows of it before this is committed, or nothing is */
  readonly noise?: NoiseEntry | undefined
}

/** Where publication for one pool begins. */
export interface PoolState {
  readonly cursor: Cursor
  /** what `notePolicy` was given last, or null */
  readonly policy: string | null
  /** end of the log */
  readonly end_seq: RawSeq
  /** 8 random bytes of this stream; batch streams are derived from them */
  readonly stream_secret: Uint8Array
  /**
   * A dataset that `cursor.sealed_until` does not name has sealed nothing in this stream: its first slot is the first
   * that begins at or after this. Readings that feed only earlier slots are `withheld{new_stream}`. Null: it began under a
   * clock that was not trusted; ask again once blocks are stored under one that is.
   */
  readonly stream_since: UnixMs | null
}

/**
 * How the readings of `block` from `cursor` on are accounted for a pool when they are given up; undefined (or no such
 * function): all `evicted`. The sum must be the number of those readings; why they go is the store's to say. Where a
 * block is thinned, `block` holds just the readings that are taken out.
 */
export type FateOnEviction = (pool: string, block: StoredBlock) => readonly LedgerEntry[] | undefined

/** What `openStore` needs. */
export interface StoreOptions {
  readonly data_dir: string
  /** id of the machine's boot; monotonic times compare only within one */
  readonly boot: string
  /** wall time of the opening; later times come with the calls */
  readonly now: UnixMs
  /** bytes */
  readonly max_size: number
  /** what gives way then; default `drop_oldest` */
  readonly when_full?: WhenFull
  /** bytes of the disk left to others: with less, the file does not grow; default 0 */
  readonly min_free?: number
  /** bytes free on the file system of a folder; default: what statfs(2) says */
  readonly free?: (folder: string) => number
  /** ms */
  readonly max_age: number
  /** ms */
  readonly keep_raw: number
  /** ms by which a clock may be wrong and its readings still be good; default 0 */
  readonly max_skew?: number
  readonly log: Log
  /** told each second or so of a call that takes long, as where a damaged file is salvaged */
  readonly busy?: () => void
  readonly fateOnEviction?: FateOnEviction
  /** id of this machine, or null where that is not judged; default: /etc/machine-id */
  readonly machine?: string | null
}

/** The numbers of `sluice status` that the store knows. */
export interface StoreStatus {
  /** readings in the raw log's sequence so far: accepted by this data folder */
  readonly accepted: number
  readonly pools: Readonly<
    Record<
      string,
      {
        readonly accounts: Accounts
        /** not configured any more: nothing new is accepted for it; `since` null until a trusted clock could say */
        readonly retired: { readonly since: UnixMs | null } | null
        /** left by the plant, and how far that is */
        readonly withdrawn: WithdrawalStatus | null
        /** accounts by signal id, without pending; signal '' where damage hides which it was */
        readonly signals: readonly {
          readonly signal: string
          readonly account: string
          readonly reason: string
          readonly n: number
        }[]
        readonly batches: BatchAccounts
        /** the dropped ones by reason */
        readonly dropped: Readonly<Record<string, number>>
        /** dropped ones that the pool was not told of yet */
        readonly owed: number
        /** by dataset what is queued: batches, bytes, ms of slots, and the oldest slot's beginning */
        readonly queued: Readonly<Record<string, Queue>>
        /** bytes sent by calendar day, where the pool has a budget */
        readonly sent: Readonly<Record<string, number>>
        readonly cursor: Cursor
        /** fingerprint of the present stream's secret; differs after every new stream */
        readonly stream: string
        /** slots that begin before this are not of the present stream */
        readonly stream_since: UnixMs
        /** last delivery, or null */
        readonly delivered_at: UnixMs | null
        readonly quarantined: readonly {
          readonly id: BatchId
          readonly dataset: string
          readonly code: string
          readonly message: string
          readonly settled_at: UnixMs
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
    /** `max_size` and `min_free`, as of the last start */
    readonly max_bytes: number
    readonly min_free_bytes: number
    /** free on the file system of the data folder */
    readonly free_bytes: number
    readonly oldest_raw: UnixMs | null
  }
  readonly signals: number
}

/** What readings and batches that someone waits for take of the file, and what they can take, in bytes. */
export interface Claimed {
  readonly bytes: number
  readonly capacity: number
}

/**
 * The SQLite file of one data folder: raw log, outbox, ledger, marks. Synchronous; one worker thread owns it.
 * Every method that changes something is one transaction that is durable (fsync) when it returns.
 * @throws Fault `store-io` | `store-full` where the disk refuses; nothing of the call was done then. After an I/O error
 * the next call closes and opens the file again before it believes anything.
 */
export interface Store extends BatchStore, AuditStore, PoolEnds, Disposable {
  /**
   * Call once a run, before the first append: outages left open by the last run end where it was last heard of, and
   * the time from there to `now` is an outage `agent_down` of each of these sources. Where the clock was or is wrong it has no
   * length before the first commit under a trusted one.
   * `instance` is random text made with the data folder. `last_trusted`: when the clock was trusted last, by the wall and,
   * where that was in this boot of the machine, by the monotonic clock; null where that is not known.
   */
  startRun(
    sources: readonly string[],
    now: UnixMs,
  ): {
    readonly instance: string
    readonly last_trusted: { readonly at: UnixMs; readonly monotonic: number | null } | null
  }

  /** Indexes of these rows in the signal dictionary, adding what is new. */
  intern(specs: readonly SignalSpec[]): readonly number[]
  /** The row of an index. @throws RangeError for an index that was never given out. */
  signal(index: number): SignalSpec

  /**
   * Stores the readings as one chunk (an empty one too), with marks, outages and counts; makes room first where the cap
   * is reached (@throws Fault `store-paused` where `when_full` is `pause` and there is none). `evicted`: pools whose cursor was moved over evicted readings; their publisher must start anew from it.
   */
  append(commit: Commit): { readonly seq: RawSeq; readonly n: number; readonly evicted: readonly string[] }
  /** The next marks of a client session behind packet id `after`, in their order; none where there are no more. */
  marks(session: string, after?: number): readonly { readonly packet_id: number; readonly hash: Uint8Array }[]
  /** Forgets all sessions of this prefix but `session` (a session the broker lost never redelivers). */
  dropMarks(prefix: string, session: string): void

  /** What a source noted under this key, or undefined; lost with the file, so only what can be learnt again. */
  memo(source: string, key: string): string | undefined
  setMemo(source: string, key: string, value: string): void
  /** What it noted under keys that begin so, by key. */
  memos(source: string, prefix: string): ReadonlyMap<string, string>
  dropMemos(source: string, prefix: string): void

  /**
   * State of a pool; on first sight it starts at the end of the log, a retired one takes up what is left of it.
   * @param sane whether the wall clock is trusted, which says when a new stream begins; default true
   */
  openPool(pool: string, sane?: boolean): PoolState
  /** What noise was drawn and charged for a pool that was opened. */
  noise(pool: string): NoiseState
  /** Keeps what the publisher must know of the policies by which it published; the store does not read it. */
  notePolicy(pool: string, policy: string): void
  /**
   * Stored blocks from `position` on, in order, at most `limit`. A block that is found damaged comes without readings;
   * its readings are `evicted{damage}` from then on. `block.complete_until` is empty: see `complete`. Nobody may go past a
   * block that `waits`.
   */
  blocks(position: number, limit: number): readonly StoredBlock[]
  /**
   * Stamps a few of the blocks anew that `wait` for it and whose time can be known by now. Call again while it says true,
   * before anything is published.
   */
  restamp(): boolean
  /** Position of the first block that holds `seq` or lies after it (empty ones count), or the end of the log. */
  positionOf(seq: RawSeq): number
  /**
   * Number of the next batch of a (pool, dataset, epoch) in the present stream: counts by one from a start that its
   * secret gives. The same until that batch is committed.
   */
  nextSeq(pool: string, dataset: string, epoch: number): number
  /**
   * Compares and sets; each call writes some pages, so call it a slot or a thousand readings at a time, not a block.
   * @throws Error `cursor moved` where the stored cursor is not `expect` (a bug, or two publishers), and for a ledger
   * that does not sum up, a cursor that goes back or a batch number out of turn; nothing was done then.
   */
  commitPublication(publication: Publication): void
  /** Opens an alarm, or counts one more where it is open; the key's alarm of another code ends. */
  raiseAlarm(alarm: {
    readonly key: string
    readonly code: string
    readonly message: string
    readonly at: UnixMs
  }): void
  /** Ends every open alarm of the key; writes nothing where none is open. */
  clearAlarm(key: string, at: UnixMs): void

  /** Deletes published raw readings older than keep_raw, returns free pages, bounds the WAL. Call when idle. */
  tidy(now: UnixMs): void
  /** Cheap, to be asked each minute; for the forecast of when it is full. */
  claimed(): Claimed
  status(now: UnixMs): StoreStatus
  /** What `sluice buffer` wants to know; changes nothing. */
  look(question: Question): Answers[Question['kind']]
}
