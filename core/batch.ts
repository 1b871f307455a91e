import type { Brand, UnixMs } from './brand.ts'
import type { Fault } from './fault.ts'

/** 128 bits in base32hex; known before the bytes are. */
export type BatchId = Brand<string, 'BatchId'>

/** @throws RangeError where the text is not 26 characters of base32hex. */
export function batchId(text: string): BatchId {
  if (!/^[0-9A-V]{26}$/.test(text)) throw new RangeError(`not a batch id: ${text}`)
  return text as BatchId
}

/** A file of disclosed rows, sealed once; every retry sends exactly these bytes. */
export interface SealedBatch {
  readonly id: BatchId
  /** the pool's id in the configuration, which is also its id at the pool */
  readonly pool: string
  readonly dataset: string
  /** pseudonym of the plant in this epoch */
  readonly contributor: string
  readonly stream: string
  readonly epoch: number
  readonly seq: number
  readonly rows: number
  /** first slot in it and end of the last one, UnixMs */
  readonly from: UnixMs
  readonly until: UnixMs
  readonly bytes: Uint8Array
  /** SHA-256 of `bytes`, hex */
  readonly sha256: string
  /** Ed25519 over the batch (POOL.md, Signature), base64 */
  readonly signature: string
  /** which signing key, `ed25519:` + base64 of the public key */
  readonly key: string
}

/** Proof that a pool holds a batch. */
export type Receipt =
  | {
      readonly kind: 'signed'
      readonly v: 1
      readonly pool: string
      readonly contributor: string
      readonly batch_id: string
      readonly sha256: string
      /** RFC 3339, UTC */
      readonly received: string
      readonly kid: string
      readonly sig: string
    }
  | { readonly kind: 'file'; readonly path: string; readonly sha256: string }

/** What a pool made of a batch. */
export type Verdict =
  | { readonly kind: 'accepted'; readonly receipt: Receipt }
  | { readonly kind: 'rejected'; readonly fault: Fault } // permanent for this batch: quarantined and shown
  | { readonly kind: 'retry'; readonly after_ms: number; readonly fault: Fault } // 0: the caller's own backoff
  | { readonly kind: 'hold'; readonly fault: Fault } // this pool waits, alarm, slow retry
  | { readonly kind: 'closed'; readonly fault: Fault } // the pool says it is over: stop sealing for it

/** A batch that was given up on the plant's side: its number is no gap that the pool should wait for (POOL.md, Signature). */
export interface DroppedBatch
  extends Pick<SealedBatch, 'id' | 'pool' | 'dataset' | 'contributor' | 'stream' | 'epoch' | 'seq'> {
  /** a word of the ledger */
  readonly reason: string
}

/** What the pool is told of it. */
export interface Tombstone extends Pick<SealedBatch, 'id' | 'pool' | 'bytes' | 'sha256' | 'signature' | 'key'> {}

/** A stream that its plant takes back, whole (docs/adr/0012). */
export interface StreamWithdrawal
  extends Pick<SealedBatch, 'pool' | 'stream' | 'bytes' | 'sha256' | 'signature' | 'key'> {
  /** of every batch that was sealed in it */
  ids(): Iterable<BatchId>
}

/** `signed`: the pool says that so many batches of the stream are gone · `file`: the order lies in a folder, and no pool has answered. */
export type StreamReceipt =
  | { readonly kind: 'signed'; readonly batches: number }
  | { readonly kind: 'file'; readonly sha256: string }

/** What came of a withdrawal. */
export type WithdrawalOutcome =
  | { readonly kind: 'withdrawn'; readonly receipt: StreamReceipt }
  | { readonly kind: 'failed'; readonly fault: Fault }

/** A receiver of sealed batches. */
export interface Pool extends AsyncDisposable {
  /**
   * Never rejects for what the network or the pool does: that is a verdict. Aborting ends it with `retry`.
   * @param progress called whenever a piece of the batch goes out; a slow link takes long
   */
  deliver(batch: SealedBatch, signal: AbortSignal, progress?: () => void): Promise<Verdict>
  /** Null once the pool knows of it, telling it again does no harm; else why not, and it is told later. Never rejects either. */
  bury(tombstone: Tombstone, signal: AbortSignal): Promise<Fault | null>
  /** Doing it again does no harm. Never rejects either. */
  withdraw(withdrawal: StreamWithdrawal, signal: AbortSignal): Promise<WithdrawalOutcome>
}

/** sealed = queued + delivered + quarantined + dropped, always. */
export const BATCH_STATES = ['queued', 'delivered', 'quarantined', 'dropped'] as const
export type BatchState = (typeof BATCH_STATES)[number]
