import type { StoredBlock } from '../core/stored-block.ts'
import type { ClosingState } from './memory.ts'

/** Largest multiple of `span` at or below `at`: tumbling windows are aligned to 1970-01-01 UTC, and so to every day. */
export function floorTo(at: number, span: number): number {
  return Math.floor(at / span) * span
}

/** Smallest multiple of `span` at or above `at`. */
export function ceilTo(at: number, span: number): number {
  return Math.ceil(at / span) * span
}

/** Readings of an asset that feed a dataset. Of several sources that may bring them, what any says of the asset counts. */
export interface Feed {
  readonly asset: string
  readonly sources: readonly string[]
}

/** Which slots of a dataset are closed, from stored blocks alone (PRIVACY.md, *Windows, exactly*). */
export interface Closing {
  /** end of the last closed slot; a reading stored now for a window that ends at or before it is late */
  until(): number
  /** Takes the next stored block, after its readings. */
  see(block: StoredBlock): void
  /** All that it has gathered, for another one to go on from. */
  state(): ClosingState
}

/**
 * A block with arrival A closes the slot that ends at e when A ≥ e + grace and every feed has said by then that it has
 * nothing older than e to come, or when A ≥ F + max_wait, F being the arrival of the first block stored at or after e.
 * Blocks stored under a clock that was not sane say nothing. What a source says of the time after the block's own
 * arrival is not believed, so that nothing stored before e can close e: a replay may begin there.
 */
export function makeClosing(
  input: {
    readonly slot: number
    readonly grace: number
    readonly max_wait: number
    readonly feeds: readonly Feed[]
  },
  from?: ClosingState,
): Closing {
  const { slot, grace, max_wait } = input
  const feeds = input.feeds.map((feed) => ({
    feed,
    complete: from?.complete[feedKey(feed)] ?? Number.NEGATIVE_INFINITY,
  }))
  // First arrivals are of the slots they were noted for.
  const same = from?.slot === slot ? from : undefined
  const firsts = makeFirstArrivals(slot, same?.firsts)
  let closed = same?.closed ?? Number.NEGATIVE_INFINITY

  return {
    until: () => closed,
    see(block) {
      firsts.see(block)
      if (!block.sane) return
      let complete = block.arrival - grace
      for (const state of feeds) {
        const { asset, sources } = state.feed
        for (const source of sources) {
          const said = block.complete[source]?.[asset]
          if (said !== undefined) state.complete = Math.max(state.complete, Math.min(said, block.arrival))
        }
        complete = Math.min(complete, state.complete)
      }
      const waited = firsts.lastAtOrBefore(block.arrival - max_wait)
      closed = Math.max(closed, floorTo(complete, slot), waited === undefined ? closed : floorTo(waited, slot))
      firsts.forget(closed)
    },
    state: () => ({
      slot,
      closed: finite(closed),
      complete: Object.fromEntries(
        feeds.flatMap(({ feed, complete }) => (Number.isFinite(complete) ? [[feedKey(feed), complete]] : [])),
      ),
      firsts: firsts.state(),
    }),
  }
}

function feedKey({ asset, sources }: Feed): string {
  return JSON.stringify([asset, ...sources])
}

function finite(time: number): number | null {
  return Number.isFinite(time) ? time : null
}

/** Remembers, for every multiple e of `span`, the first block stored at or after e. */
export interface FirstArrivals {
  see(block: StoredBlock): void
  /** Sequence of the first block stored at or after `at`, a multiple of the span; undefined while there is none. */
  firstFrom(at: number): number | undefined
  /** Latest remembered arrival at or before `at`. */
  lastAtOrBefore(at: number): number | undefined
  /** Nothing before `at` is asked for any more. */
  forget(at: number): void
  state(): ClosingState['firsts']
}

/** Only arrivals that are the latest so far and the first in their span are kept: no other can be a first. */
export function makeFirstArrivals(span: number, from?: ClosingState['firsts']): FirstArrivals {
  let kept = [...(from?.kept ?? [])]
  let latest = from?.latest ?? Number.NEGATIVE_INFINITY
  return {
    see({ sane, arrival, seq }) {
      if (!sane || arrival <= latest) return
      if (floorTo(arrival, span) > floorTo(latest, span)) kept.push({ arrival, seq })
      latest = arrival
    },
    firstFrom: (at) => kept.find((first) => first.arrival >= at)?.seq,
    lastAtOrBefore: (at) => kept.findLast((first) => first.arrival <= at)?.arrival,
    forget(at) {
      if (kept[0] && kept[0].arrival < at) kept = kept.filter((first) => first.arrival >= at)
    },
    state: () => ({ latest: finite(latest), kept }),
  }
}
