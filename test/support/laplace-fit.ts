import { createCipheriv } from 'node:crypto'
import type { NoiseScale, RandomSource } from '../../privacy/noise.ts'

/** Bytes that look random and are the same for the same seed: the key stream of AES-256 in counter mode. */
export function seededRandom(seed: number): RandomSource {
  const key = Buffer.alloc(32)
  key.writeUInt32BE(seed)
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  return (bytes) => bytes.set(cipher.update(new Uint8Array(bytes.length)))
}

/**
 * How likely it is that n draws of the exact distribution fit it no better than these: Pearson's chi-square over one bin a
 * value within four scales of zero, and one for each tail.
 */
export function laplaceFit(draw: (scale: NoiseScale) => number, scale: NoiseScale, n: number): number {
  const far = Math.ceil((4 * scale.t) / scale.s)
  const counts = new Float64Array(2 * far + 3)
  for (let i = 0; i < n; i++) {
    const z = draw(scale)
    const bin = Math.min(Math.max(z, -far - 1), far + 1) + far + 1
    counts[bin]!++
  }
  const p = Math.exp(-scale.s / scale.t)
  const expected = counts.map((_, bin) => {
    const distance = Math.abs(bin - far - 1)
    return (n * p ** distance * (distance > far ? 1 : 1 - p)) / (1 + p)
  })
  const chiSquare = counts.reduce((sum, count, bin) => sum + (count - expected[bin]!) ** 2 / expected[bin]!, 0)
  return chiSquareTail(chiSquare, counts.length - 1)
}

/** P(X ≥ x) of the chi-square distribution with an even number of degrees of freedom, which has a closed form. */
export function chiSquareTail(x: number, degrees: number): number {
  let log = -x / 2
  let sum = 0
  for (let i = 1; i <= degrees / 2; i++) {
    sum += Math.exp(log)
    log += Math.log(x / 2 / i)
  }
  return Math.min(1, sum)
}
