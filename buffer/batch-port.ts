import type { BatchId, BatchState, DroppedBatch, Receipt, SealedBatch } from '../core/batch.ts'
import type { UnixMs } from '../core/brand.ts'

/** The accounts of one pool's batches: sealed = queued + delivered + quarantined + dropped. */
export type BatchAccounts = { readonly sealed: number } & Readonly<Record<BatchState, number>>

/** Outcome of a delivery attempt, as the outbox keeps it. */
export type Settlement =
  | { readonly kind: 'delivered'; readonly receipt: Receipt; readonly at: UnixMs }
  | { readonly kind: 'quarantined'; readonly code: string; readonly message: string; readonly at: UnixMs }
  | { readonly kind: 'dropped'; readonly reason: string; readonly message?: string; readonly at: UnixMs }

/** Which queued batch of a pool is sent next. */
export interface BatchChoice {
  /** default `oldest` */
  readonly end?: 'oldest' | 'newest'
  /** these not */
  readonly except?: readonly BatchId[]
  /** of those alone that this run sealed in the present stream */
  readonly of?: 'this_run'
}

/** A batch as a person sees it who looks after the outbox. */
export interface OutboxEntry {
  readonly id: BatchId
  readonly pool: string
  readonly dataset: string
  readonly state: BatchState
  readonly stream: string
  readonly epoch: number
  readonly seq: number
  readonly rows: number
  /** first slot in it and end of the last one */
  readonly from: UnixMs
  readonly until: UnixMs
  /** bytes */
  readonly size: number
  readonly sealed_at: UnixMs
  readonly settled_at: UnixMs | null
  /** how often it was sent in vain */
  readonly attempts: number
  /** why it is quarantined or dropped, or what came of the last attempt: a fault code or a reason, and words */
  readonly reason: string | null
  readonly message: string | null
  /** whether its bytes still lie here */
  readonly held: boolean
}

/** Which batches are meant; all that match, newest first. */
export interface OutboxFilter {
  readonly pool?: string
  readonly ids?: readonly string[]
  readonly states?: readonly BatchState[]
  /** at most so many */
  readonly limit?: number
}

/** What a batch was of which the pool holds another: see `disown`. */
export type Disowned = 'renewed' | 'old' | 'wrong'

/** What waits for delivery of one dataset. */
export interface Queue {
  readonly batches: number
  readonly bytes: number
  /** ms of slots in them */
  readonly span: number
  /** beginning of the oldest slot */
  readonly oldest: UnixMs
}

/** What a store does with sealed batches; see `Store` for what holds of every call. */
export interface BatchStore {
  /** Span of slots (ms) sealed for a dataset and not yet delivered; quarantined ones not counted. */
  sealedAhead(pool: string, dataset: string): number

  /** A batch of the pool that waits for delivery. */
  nextBatch(pool: string, pick?: BatchChoice): SealedBatch | undefined
  /** Changes nothing of a batch that is not known (any more), which damage may have taken while it was sent. */
  settle(pool: string, id: BatchId, settlement: Settlement): void
  /**
   * The pool holds another batch under this id. Where this run sealed it, the folder is an older state of itself, and all
   * streams begin anew with what this run stored (README, "A folder that was put back"); publishers must start anew.
   * `renewed`: that was done · `old`: the batch is of an earlier run or stream · `wrong`: it is of a stream that this run
   * began for that reason, so that the pool is mistaken
   */
  disown(pool: string, id: BatchId, at: UnixMs): Disowned
  /** Dropped batches that the pool was not told of yet, oldest first, at most `limit`, and of these none. */
  unburied(pool: string, limit: number, except?: readonly BatchId[]): readonly DroppedBatch[]
  /** The pool was told that this batch was dropped. */
  buried(pool: string, id: BatchId, at: UnixMs): void
  /** A queued batch was sent in vain. */
  noteAttempt(pool: string, id: BatchId, fault: { readonly code: string; readonly message: string }): void
  /**
   * Counts bytes that are about to be sent on a calendar day. Days are counted each for itself, so that a clock that
   * steps over midnight and back spends nothing twice. @returns all of that day
   */
  countSent(pool: string, day: string, bytes: number): number

  outbox(filter: OutboxFilter): readonly OutboxEntry[]
  /** A batch by its id, with its payload where that still lies here. */
  outboxBatch(id: string): { readonly entry: OutboxEntry; readonly batch: SealedBatch | null } | undefined
  /** Quarantined batches whose bytes still lie here are queued again. @returns those */
  retryBatches(filter: OutboxFilter, at: UnixMs): readonly BatchId[]
  /** Queued and quarantined batches are given up for good, as `dropped{operator}`. @returns those */
  dropBatches(filter: OutboxFilter, message: string, at: UnixMs): readonly BatchId[]
}
