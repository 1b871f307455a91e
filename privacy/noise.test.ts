import { describe, expect, it } from 'vitest'
import { chiSquareTail, laplaceFit, seededRandom } from '../test/support/laplace-fit.ts'
import { laplaceDeviation, makeLaplace, makeUniform, type NoiseScale } from './noise.ts'

/** Of an honest sampler one seed in a thousand would fail; these do not. */
const FALSE_ALARM = 0.001
const DRAWS = 300_000

describe('the discrete Laplace distribution', () => {
  const scales: readonly NoiseScale[] = [
    { t: 1, s: 1 },
    { t: 2, s: 1 },
    { t: 1, s: 3 },
    { t: 40, s: 3 },
    { t: 100, s: 1 },
    { t: 12_345_678_901, s: 1_000_000_000 },
  ]

  it.each(scales)('is drawn exactly at scale $t/$s', (scale) => {
    expect(laplaceFit(makeLaplace(seededRandom(1)), scale, DRAWS)).toBeGreaterThan(FALSE_ALARM)
  })

  it('is told from one whose zero comes twice as often, and from one a twentieth wider', () => {
    const scale = { t: 2, s: 1 }
    const draw = makeLaplace(seededRandom(2))
    // As an algorithm does that takes −0 for another number than 0.
    const twice = (): number => {
      for (let z = draw(scale); ; z = draw(scale)) if (z === 0 || draw({ t: 1, s: 1 }) >= 0) return z
    }
    expect(laplaceFit(twice, scale, DRAWS)).toBeLessThan(1e-9)
    expect(laplaceFit(() => draw({ t: 21, s: 10 }), scale, DRAWS)).toBeLessThan(1e-9)
  })

  it.each(scales)('has the deviation that is shown, at scale $t/$s', (scale) => {
    const draw = makeLaplace(seededRandom(3))
    let squares = 0
    for (let i = 0; i < DRAWS; i++) squares += draw(scale) ** 2
    expect(Math.sqrt(squares / DRAWS) / laplaceDeviation(scale)).toBeCloseTo(1, 1)
  })

  it('has at a scale of 1 a deviation of √(2/e)/(1 − 1/e)', () => {
    expect(laplaceDeviation({ t: 1, s: 1 })).toBeCloseTo(1.356962, 6)
  })
})

describe('whole numbers below n', () => {
  it.each([2, 3, 200, 257, 65_537, 2 ** 24 + 1, 2 ** 47 + 1])('come each as often as any other, for n = %d', (n) => {
    const below = makeUniform(seededRandom(4))
    const parts = Math.min(n, 11)
    const counts = new Float64Array(parts)
    for (let i = 0; i < DRAWS; i++) counts[Math.floor((below(n) / n) * parts)]!++
    const share = (part: number): number => (Math.ceil(((part + 1) * n) / parts) - Math.ceil((part * n) / parts)) / n
    const chiSquare = counts.reduce((sum, count, i) => sum + (count - DRAWS * share(i)) ** 2 / (DRAWS * share(i)), 0)
    expect(chiSquareTail(chiSquare, parts % 2 === 0 ? parts : parts - 1)).toBeGreaterThan(FALSE_ALARM)
  })

  it('throws again what would make small ones likelier', () => {
    const bytes = [255, 252, 251, 3]
    const below = makeUniform((block) => block.set(bytes))
    expect([below(28), below(28)]).toEqual([251 % 28, 3])
  })
})

describe('the tail of chi-square', () => {
  // from the printed tables of the distribution; 1/e for two degrees
  it.each([
    [2, 2, 0.3678794],
    [9.21034, 2, 0.01],
    [18.307, 10, 0.05],
    [124.3421, 100, 0.05],
  ])('beyond %d with %d degrees is %d', (x, degrees, tail) => {
    expect(chiSquareTail(x, degrees)).toBeCloseTo(tail, 5)
  })
})
