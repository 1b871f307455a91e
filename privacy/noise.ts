/** Fills the array from a cryptographic generator. It is handed in, for nothing in this room may be random by itself. */
export type RandomSource = (bytes: Uint8Array<ArrayBuffer>) => void

/** Scale of a discrete Laplace distribution, in steps of the grid: t ÷ s, both whole and above zero. */
export interface NoiseScale {
  readonly t: number
  readonly s: number
}

/** Draws one whole number. */
export type Laplace = (scale: NoiseScale) => number

/** Largest t and s. Below it t·v + u is a safe integer for all v < 2^13, and larger v come once in e^8192 draws. */
export const LARGEST_TERM = 2 ** 40

/** Random bytes taken from the source at a time. */
const BLOCK = 16_384

/**
 * Exact discrete Laplace, P(z) = (1 − p)/(1 + p) · p^|z| with p = exp(−s/t): algorithms 1 and 2 of Canonne, Kamath and
 * Steinke, "The Discrete Gaussian for Differential Privacy" (2020). Whole numbers and fair draws among them alone, so no
 * rounding can tell of what the noise was added to (Mironov, "On Significance of the Least Significant Bits", 2012).
 */
export function makeLaplace(random: RandomSource): Laplace {
  const below = makeUniform(random)

  /** True with probability exp(−u/t), for 0 ≤ u ≤ t. */
  function isExp(u: number, t: number): boolean {
    let k = 1
    // A coin of u/(t·k), thrown as two, so that no product grows.
    while ((k === 1 || below(k) === 0) && below(t) < u) k++
    return k % 2 === 1
  }

  return ({ t, s }) => {
    for (;;) {
      const u = below(t)
      if (!isExp(u, t)) continue
      let v = 0
      while (isExp(1, 1)) v++
      const x = u + t * v
      const magnitude = (x - (x % s)) / s
      const isNegative = below(2) === 1
      if (isNegative && magnitude === 0) continue // else zero would come twice as often
      return isNegative ? -magnitude : magnitude
    }
  }
}

/** Whole numbers from 0 to n − 1, each as likely as any other, for n up to 2^48: what lies beyond the last full n is thrown again. */
export function makeUniform(random: RandomSource): (n: number) => number {
  const block = new Uint8Array(BLOCK)
  let at = BLOCK
  function bytes(count: number): number {
    if (at + count > BLOCK) {
      random(block)
      at = 0
    }
    let value = 0
    for (const end = at + count; at < end; at++) value = value * 256 + block[at]!
    return value
  }
  return (n) => {
    if (n === 1) return 0
    const count = n <= 2 ** 8 ? 1 : n <= 2 ** 16 ? 2 : n <= 2 ** 24 ? 3 : 6
    const span = 256 ** count
    const limit = span - (span % n)
    for (;;) {
      const value = bytes(count)
      if (value < limit) return value % n
    }
  }
}

/** Standard deviation of the distribution, in steps: √(2p)/(1 − p) with p = exp(−s/t). */
export function laplaceDeviation({ t, s }: NoiseScale): number {
  return Math.sqrt(2 * Math.exp(-s / t)) / -Math.expm1(-s / t)
}
