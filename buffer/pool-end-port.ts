import type { StreamReceipt } from '../core/batch.ts'
import type { UnixMs } from '../core/brand.ts'

/** A stream that batches of a pool were sealed in, and the numbers of the first and last of each dataset. */
export interface SealedStream {
  readonly stream: string
  readonly epoch: number
  readonly contributor: string
  readonly datasets: readonly { readonly dataset: string; readonly first: number; readonly last: number }[]
  /** what came of its withdrawal; null: it is not withdrawn, as far as known */
  readonly receipt: StreamReceipt | null
}

/** A pool that the plant has left. */
export interface Withdrawal {
  /** when it was ordered */
  readonly since: UnixMs
  /** all that was ever sealed for it; those without a receipt are to be withdrawn */
  readonly streams: readonly SealedStream[]
}

/** How far a withdrawal is, in streams. */
export interface WithdrawalStatus {
  readonly since: UnixMs
  /** the pool has to withdraw them still */
  readonly owed: number
  readonly done: number
  /** of those done: only through a folder, where no pool answers */
  readonly ordered: number
}

/** What a store does with pools that end; see `Store` for what holds of every call. */
export interface PoolEnds {
  /** Call once a run, before the first append: the accounts of the pools that are not among these end now. */
  retirePools(configured: readonly string[]): void
  /** The pool says that it is over: its accounts end now, until `openPool`, and it holds back no other. */
  retirePool(pool: string): void
  /** Null for a pool that was not left. */
  withdrawal(pool: string): Withdrawal | null
  /**
   * Leaves a pool: nothing is sealed or accepted for it from now on, what is queued or quarantined is `dropped{withdrawn}`, and
   * all its streams are to be withdrawn. Doing it twice changes nothing. @throws Error for a pool that was never opened
   */
  withdrawPool(pool: string, at: UnixMs): Withdrawal
  /** The pool said that a stream is gone, or the order lies in its folder. */
  noteWithdrawn(pool: string, stream: string, receipt: StreamReceipt, at: UnixMs): void
  /**
   * Takes part in a pool again that was left, under a new stream from now on: pending readings are `withheld{new_stream}`.
   * @returns false where it was not left
   * @throws Fault `usage` while the pool owes the withdrawal of a stream: nobody would ask for it again
   */
  joinPool(pool: string, at: UnixMs): boolean
}
