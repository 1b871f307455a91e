import jStat from 'jstat'

/** A share that was measured: so many hits of n, its 95 % Clopper-Pearson interval, and what guessing would give. */
export interface Estimate {
  readonly n: number
  readonly value: number
  readonly lo: number
  readonly hi: number
  readonly baseline: number
  /** value ÷ baseline; null where guessing never hits */
  readonly lift: number | null
}

const MISS = 0.025

/** @param baseline share that guessing hits */
export function estimate(hits: number, n: number, baseline: number): Estimate {
  const value = n === 0 ? 0 : hits / n
  return {
    n,
    value,
    lo: hits === 0 ? 0 : jStat.beta.inv(MISS, hits, n - hits + 1),
    hi: hits === n ? 1 : jStat.beta.inv(1 - MISS, hits + 1, n - hits),
    baseline,
    lift: baseline === 0 ? null : value / baseline,
  }
}

/**
 * How well a score tells two kinds apart: the area under its ROC curve, 0.5 where it tells nothing. The interval is of as
 * many pairs as can be made without using an observation twice, for only those are independent; ties count as half.
 */
export function areaUnderCurve(positives: readonly number[], negatives: readonly number[]): Estimate {
  const pairs = Math.min(positives.length, negatives.length)
  const value = area(positives, negatives)
  return { ...estimate(value * pairs, pairs, 0.5), value, lift: value / 0.5 }
}

/** P(positive > negative) + ½ P(equal), by ranks. */
function area(positives: readonly number[], negatives: readonly number[]): number {
  if (positives.length === 0 || negatives.length === 0) return 0.5
  const all = [
    ...positives.map((score) => ({ score, positive: 1 })),
    ...negatives.map((score) => ({ score, positive: 0 })),
  ].sort((a, b) => a.score - b.score)
  let below = 0
  let won = 0
  for (let i = 0; i < all.length; ) {
    let end = i
    while (end < all.length && all[end]!.score === all[i]!.score) end++
    const tied = all.slice(i, end)
    const hits = tied.reduce((n, each) => n + each.positive, 0)
    won += hits * (below + (tied.length - hits) / 2)
    below += tied.length - hits
    i = end
  }
  return won / (positives.length * negatives.length)
}
