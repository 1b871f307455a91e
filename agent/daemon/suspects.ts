import type { BatchId } from '../../core/batch.ts'
import type { Fault } from '../../core/fault.ts'
import { backoffMs } from '../../core/retry.ts'

/**
 * Batches that were sent in vain. Whether the pool or the batch is to blame shows when another one is tried: where that
 * is taken, it was the batch, which then rests ever longer and no longer stands in the way.
 */
export interface Suspects {
  /**
   * The batch was sent in vain. @param now monotonic ms
   * @returns whether that says something of the pool, or only of a batch that is known for it
   */
  failed(id: BatchId, fault: Fault, now: number): 'pool' | 'batch'
  /** The pool said something final about this batch, or it is not queued any more. */
  forget(id: BatchId): void
  /** The pool answered about another batch. @param now monotonic ms */
  passed(now: number): void
  /** Those that must not be tried while another one can be, least recently tried first. */
  resting(now: number): readonly BatchId[]
  /** When the next of them has rested enough (monotonic ms), or undefined. */
  nextDue(): number | undefined
  /** A person did something about it: those that rest may be tried again. @param now monotonic ms */
  wake(now: number): void
  /** A batch that failed again and again while the pool took others. */
  stuck(): { readonly id: BatchId; readonly fault: Fault } | undefined
}

const REST = { base: 60_000, cap: 3_600_000, floor: 30_000 }
/** Failures, each followed by success with another batch, after which it is the batch. */
const KNOWN = 2
/** And after so many a person is told. */
const STUCK = 3
/** The pool is down, and each was tried once: then it is not the batch, and the first may be forgotten. */
const MOST = 64

export function makeSuspects(): Suspects {
  const all = new Map<BatchId, { readonly fault: Fault; strikes: number; due: number }>()
  return {
    failed(id, fault, now) {
      const strikes = all.get(id)?.strikes ?? 0
      const isKnown = strikes >= KNOWN
      all.delete(id)
      all.set(
        id,
        isKnown
          ? { fault, strikes: strikes + 1, due: now + backoffMs(strikes + 1, REST) }
          : { fault, strikes, due: Number.POSITIVE_INFINITY },
      )
      if (all.size > MOST) all.delete(all.keys().next().value!)
      return isKnown ? 'batch' : 'pool'
    },
    forget(id) {
      all.delete(id)
    },
    passed(now) {
      for (const suspect of all.values()) {
        if (suspect.due !== Number.POSITIVE_INFINITY) continue
        suspect.strikes++
        // The first time the pool may have been down just then.
        suspect.due = suspect.strikes === 1 ? now : now + backoffMs(suspect.strikes, REST)
      }
    },
    wake(now) {
      for (const suspect of all.values()) if (Number.isFinite(suspect.due)) suspect.due = Math.min(suspect.due, now)
    },
    resting: (now) => [...all].filter(([, { due }]) => due > now).map(([id]) => id),
    nextDue: () => (all.size === 0 ? undefined : Math.min(...[...all.values()].map(({ due }) => due))),
    stuck() {
      const found = [...all].find(([, { strikes }]) => strikes >= STUCK)
      return found && { id: found[0], fault: found[1].fault }
    },
  }
}
