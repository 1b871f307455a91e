import { best } from './linkage.ts'

/**
 * A7, volume: from published defect rates back to the number of parts. A rate of d defects among n parts that is not
 * rounded is a fraction whose denominator is n; a rounded one still fits some n better than others, and several windows of
 * a line that runs at one speed narrow it down together.
 */

export interface CountPrior {
  /** the floor of the rate, which the manifest does not say but the contract's users know */
  readonly least: number
  /** more than the machine can make in a window */
  readonly most: number
}

/** Step of the published rate and scale of its noise, both as a share of 1; step 0: published as computed. */
export interface RatePublished {
  readonly step: number
  readonly noise: number
}

/**
 * The likeliest number of parts, if all these windows had the same; one of the likeliest is drawn.
 * @param rates as a share of 1
 */
export function guessCount(
  rates: readonly number[],
  published: RatePublished,
  { least, most }: CountPrior,
  random: () => number,
): number {
  const scores = Array.from({ length: most - least + 1 }, (_, i) =>
    rates.reduce((sum, rate) => sum + Math.log(countLikelihood(rate, least + i, published)), 0),
  )
  return least + best(scores, random)
}

/** Smallest likelihood: what no n explains must not rule out all. */
const NEVER = 1e-12

/** P(rate | n), with every number of defects as likely as any other. */
function countLikelihood(rate: number, n: number, { step, noise }: RatePublished): number {
  if (step === 0) {
    const d = Math.round(rate * n)
    return d / n === rate ? 1 / (n + 1) : NEVER
  }
  const likelihood = noise === 0 ? defectsIn(rate, n, step) : noisyDefects(rate, n, noise)
  return Math.max(NEVER, likelihood / (n + 1))
}

/** Σ exp(−|d/n − rate|/noise) over all d: noise is never finer than the grid, which then adds nothing. Two geometric series. */
function noisyDefects(rate: number, n: number, noise: number): number {
  const q = Math.exp(-1 / (n * noise))
  const centre = rate * n
  const below = Math.min(n, Math.max(-1, Math.floor(centre)))
  const series = (from: number, terms: number): number => (q ** from * (1 - q ** terms)) / (1 - q)
  return series(centre - below, below + 1) + series(below + 1 - centre, n - below)
}

/** How many whole d have d/n in the step around `rate`: [rate − step/2, rate + step/2). */
function defectsIn(rate: number, n: number, step: number): number {
  const first = Math.max(0, Math.ceil((rate - step / 2) * n - 1e-9))
  const beyond = Math.min(n + 1, Math.ceil((rate + step / 2) * n - 1e-9))
  return Math.max(0, beyond - first)
}

/**
 * A7, cycle time: the period (in slots of the series, may be less than one where it is folded) that explains the most of
 * the series. Windows of `width` weaken a period that is short against them and fold it over; both are known, so each
 * candidate is fitted where it would be seen.
 * @returns the candidate in the unit of `width`
 */
export function guessCycle(cells: ArrayLike<number>, width: number, candidates: readonly number[]): number {
  const there = Array.from(cells, (x, i) => [i, x] as const).filter(([, x]) => Number.isFinite(x))
  const mean = there.reduce((sum, [, x]) => sum + x, 0) / Math.max(1, there.length)
  const power = candidates.map((period) => {
    const omega = (2 * Math.PI * width) / period
    let [re, im] = [0, 0]
    for (const [i, x] of there) {
      re += (x - mean) * Math.cos(omega * i)
      im += (x - mean) * Math.sin(omega * i)
    }
    // Of two periods that fold onto each other, the one that the window weakens less is the likelier.
    const weakened = Math.abs(sinc(width / period))
    return (re * re + im * im) * (1 + 1e-3 * weakened)
  })
  return candidates[power.indexOf(Math.max(...power))]!
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}
