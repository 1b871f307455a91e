import { clamp } from './grid.ts'

/** The readings of one input within one window, summed up as they come. */
export interface Tally {
  /** UnixMs */
  readonly start: number
  readonly end: number
  /** lowest raw sequence of a reading in it */
  first_seq: number
  /** highest raw sequence of a reading in it that came in time */
  last_seq: number
  /** readings that came in time */
  n: number
  /** of these, how many were uncertain */
  uncertain: number
  /** ms that these stand for: the time between readings that are due, or how long values held; 0 where it is not known */
  due: number
  /** readings may be gone from it that would have changed its value: the buffer thinned them */
  thinned: boolean
  /** of all values, by weight: readings, each as often as it stands for one that was there, or ms that they held */
  weight: number
  /** of values clamped to the range of a mean, in the column's unit */
  sum: number
  /** how many of them the clamp changed */
  clamped: number
  /** Welford's mean, and sum of squared differences from it */
  center: number
  squares: number
  /** weight of each word of the vocabulary, and of all other texts; empty but for `mode` */
  readonly words: Float64Array
  min: number
  max: number
  /** time of the reading that came first, and the latest reading by its time: a number, or the index of a word */
  first_at: number
  last_at: number
  last: number
  /** counters: value of the first reading, and what was counted after it */
  first: number
  gain: number
  /** newest reading of the span, a late one too, which the next window may begin with */
  newest_at: number
  newest: number
  newest_seq: number
  /** noised columns (`exact-cell.ts`): how many readings count, and what they add up to, in whole numbers */
  taken: number
  whole: number
  newest_uncertain: boolean
}

/** What the values of a series weigh. */
export interface Weighing {
  readonly sums: 'values' | 'squares' | 'words'
  /** words of the vocabulary and one for other texts, 0 where they are not weighed */
  readonly words: number
  /** ms that a value stands for at most; 0: readings weigh, not time */
  readonly hold: number
  /** what each value is clamped to before a mean; infinite elsewhere */
  readonly low: number
  readonly high: number
}

const NO_WORDS = new Float64Array(0)

/** An empty tally of [start, end). */
export function makeTally(start: number, end: number, words = 0): Tally {
  return {
    start,
    end,
    first_seq: Number.POSITIVE_INFINITY,
    last_seq: -1,
    n: 0,
    uncertain: 0,
    due: 0,
    thinned: false,
    weight: 0,
    sum: 0,
    clamped: 0,
    center: 0,
    squares: 0,
    words: words === 0 ? NO_WORDS : new Float64Array(words),
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    first_at: 0,
    last_at: Number.NEGATIVE_INFINITY,
    last: 0,
    first: 0,
    gain: 0,
    newest_at: Number.NEGATIVE_INFINITY,
    newest: 0,
    newest_seq: Number.POSITIVE_INFINITY,
    taken: 0,
    whole: 0,
    newest_uncertain: false,
  }
}

/**
 * Adds a value, before `n` counts it; `factor` is how many readings it stands for. Where values hold, the one before is
 * weighed now by how long it held; one that is older than the newest held for no time that is not given away already.
 */
export function addValue(tally: Tally, by: Weighing, at: number, x: number, factor = 1): void {
  if (by.hold === 0) weigh(tally, by, x, factor)
  else if (tally.n === 0) tally.first_at = at
  else if (at > tally.last_at) weigh(tally, by, tally.last, Math.min(at - tally.last_at, by.hold))
  if (x < tally.min) tally.min = x
  if (x > tally.max) tally.max = x
  setLast(tally, at, x)
}

/**
 * Adds a counter's reading, before `n` counts it. A reading older than the newest one adds nothing, for the newest one
 * has counted it already.
 */
export function addCount(tally: Tally, at: number, x: number, wrap: number): void {
  if (tally.n === 0) tally.first = x
  else if (at >= tally.last_at) tally.gain += increment(tally.last, x, wrap)
  setLast(tally, at, x)
}

/**
 * What a counter counted from one reading to the next. A step back is a wrap where it is said that the counter wraps and
 * the step is one that a wrap can make; else a reset, after which it counted from zero.
 */
export function increment(from: number, to: number, wrap: number): number {
  if (to >= from) return to - from
  return from - to < wrap ? to - from + wrap : to
}

/** Remembers the reading that the next window may begin with. */
export function addBase(tally: Tally, at: number, x: number, seq: number, uncertain = false): void {
  if (at < tally.newest_at) return
  tally.newest_at = at
  tally.newest = x
  tally.newest_seq = seq
  tally.newest_uncertain = uncertain
}

function setLast(tally: Tally, at: number, x: number): void {
  if (at < tally.last_at) return
  tally.last_at = at
  tally.last = x
}

function weigh(tally: Tally, by: Weighing, x: number, weight: number): void {
  tally.weight += weight
  switch (by.sums) {
    case 'values': {
      const clamped = clamp(x, by.low, by.high)
      tally.sum += clamped * weight
      if (clamped !== x) tally.clamped++
      return
    }
    case 'squares': {
      // Welford 1962, weighted after West 1979: nothing large is ever subtracted from something large.
      const off = x - tally.center
      tally.center += off * (weight / tally.weight)
      tally.squares += weight * off * (x - tally.center)
      return
    }
    case 'words':
      tally.words[x]! += weight
  }
}

/**
 * A window in which values hold, as a whole: its readings, the last of which holds on to its end, and the value that it
 * begins with, that of the newest reading before it. Undefined where it has neither.
 * @param carried tally of that reading, where it holds beyond `start`
 */
export function heldTally(
  { start, end }: Pick<Tally, 'start' | 'end'>,
  own: Tally | undefined,
  carried: Tally | undefined,
  by: Weighing,
): Tally | undefined {
  const tally: Tally = own ? { ...own, words: own.words.slice() } : makeTally(start, end, by.words)
  const isEmpty = tally.n === 0
  if (!isEmpty) weigh(tally, by, tally.last, Math.min(end - tally.last_at, by.hold))
  if (carried) {
    const x = carried.newest
    weigh(tally, by, x, Math.min(isEmpty ? end : tally.first_at, carried.newest_at + by.hold) - start)
    tally.n++
    if (x < tally.min) tally.min = x
    if (x > tally.max) tally.max = x
    if (isEmpty) tally.last = x
    if (carried.newest_uncertain) tally.uncertain++
    tally.thinned ||= carried.thinned
  }
  tally.due = tally.weight
  return tally.n === 0 ? undefined : tally
}

/** Whether the newest reading of an earlier window holds on into the window that starts there. */
export function isHeld(earlier: Tally, start: number, own: Tally | undefined, { hold }: Weighing): boolean {
  const isReplaced = own !== undefined && own.n > 0 && own.first_at <= start
  return !isReplaced && earlier.newest_at + hold > start
}
