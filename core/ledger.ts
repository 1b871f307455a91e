/**
 * The accounts of promise 1. For each pool every accepted reading is in exactly one of them:
 * accepted = pending + disclosed + withheld + evicted, always.
 */
export const ACCOUNTS = ['disclosed', 'withheld', 'evicted'] as const
export type Account = (typeof ACCOUNTS)[number]

/** Why a reading was kept inside. */
export const WITHHELD_REASONS = [
  'unlisted', // no rule of the policy names its signal for this asset
  'bad', // quality bad: it carries no value
  'late', // it arrived after every window that wanted it was closed
  'new_stream', // from before this pool, or this stream of it, began
  'clock', // its time cannot be trusted
  'floor', // its windows' denominators stayed below the floor
  'unusable', // it was in a window but could not contribute (not a number, first of a counter, outside the vocabulary)
  'exhausted', // what its noised columns may say of it was said: the budget of the policy was spent
  'redraw_refused', // its noise was drawn once already and the draw is gone
] as const
export type WithheldReason = (typeof WITHHELD_REASONS)[number]

/**
 * Why a reading was given up. `retired`: for a pool that is not configured any more, at `max_size` or `max_age`.
 * `thinned`: at `max_size`, where only every n-th stays.
 */
export const EVICTED_REASONS = ['full', 'age', 'damage', 'retired', 'thinned'] as const
export type EvictedReason = (typeof EVICTED_REASONS)[number]

/** Why a message never became a reading; counted per source, durable. */
export const REFUSED_REASONS = ['malformed', 'too_large', 'no_signal', 'too_many_assets', 'bad_time'] as const
export type RefusedReason = (typeof REFUSED_REASONS)[number]

/** One line of a publication's accounting: `n` readings of a dictionary signal. */
export interface LedgerEntry {
  readonly signal: number
  readonly account: Account
  /** '' for disclosed */
  readonly reason: WithheldReason | EvictedReason | ''
  readonly n: number
}

/** A time in which something could not be read. `until` null: still going on. */
export interface Outage {
  readonly source: string
  /** device of the source, or null for the whole source */
  readonly device: string | null
  /** signal id for a signal that stays bad, or null */
  readonly signal: string | null
  /** fault code, quality reason, `agent_down` or `config` */
  readonly reason: string
  readonly from: number
  readonly until: number | null
}

/** An outage begins or ends; the adapter says so, the store keeps it. */
export type OutageNote =
  | {
      readonly kind: 'begin'
      readonly device: string | null
      readonly signal: string | null
      readonly reason: string
      readonly at: number
    }
  | { readonly kind: 'end'; readonly device: string | null; readonly signal: string | null; readonly at: number }
