import { describe, expect, it } from 'vitest'
import { makeRandom } from '../test/prove/random.ts'
import { areaUnderCurve, estimate } from './estimate.ts'
import { best, likelihood, linkAll } from './linkage.ts'
import { correlation, relationShift } from './relation.ts'
import { trafficAttack } from './traffic.ts'
import { guessCount, guessCycle } from './volume.ts'

describe('an estimate', () => {
  // R 4.4: binom.test(hits, n)$conf.int
  it.each([
    [0, 100, 0, 0.03621669],
    [3, 10, 0.06673951, 0.6524529],
    [100, 100, 0.9637833, 1],
  ])('of %d in %d has the Clopper-Pearson interval', (hits, n, lo, hi) => {
    const found = estimate(hits, n, 0.01)
    expect([found.lo, found.hi]).toEqual([expect.closeTo(lo, 6), expect.closeTo(hi, 6)])
  })

  it('says how many times better than guessing it is', () => {
    expect(estimate(5, 10, 0.1).lift).toBeCloseTo(5)
    expect(estimate(5, 10, 0).lift).toBeNull()
  })
})

describe('the area under the curve', () => {
  it.each([
    ['apart', [3, 4], [1, 2], 1],
    ['the wrong way round', [1, 2], [3, 4], 0],
    ['equal', [1, 1, 1], [1, 1], 0.5],
    ['mixed', [1, 3], [2, 2], 0.5],
    ['partly tied', [2, 3], [2, 1], 0.875],
  ])('of scores that are %s', (_, positives, negatives, area) => {
    expect(areaUnderCurve(positives, negatives).value).toBe(area)
  })
})

describe('linkage', () => {
  const columns = [{ range: [0, 100], step: 1, noise: 0 }] as const
  const random = makeRandom(1)
  const traces = Array.from({ length: 20 }, () => [Float64Array.from({ length: 8 }, () => Math.floor(100 * random()))])

  it('finds whose rows a piece is of', () => {
    const spanOf = () => ({ from: 2, to: 5 })
    expect(linkAll({ columns, known: traces, candidates: traces, spanOf }, random)).toBe(20)
  })

  it('finds none where rows hold nothing of their plants', () => {
    const same = traces.map(() => traces[0]!)
    const spanOf = () => ({ from: 0, to: 8 })
    expect(linkAll({ columns, known: traces, candidates: same, spanOf }, random)).toBeLessThan(5)
  })

  it('prefers rows that are off to rows that are missing', () => {
    const [known, off, missing] = [
      [5, 5],
      [9, 9],
      [Number.NaN, Number.NaN],
    ].map((x) => [Float64Array.from(x)])
    const score = (rows: readonly Float64Array[]) => likelihood(columns, known!, rows, { from: 0, to: 2 })
    expect(score(off!)).toBeGreaterThan(score(missing!))
  })

  it('draws among the best', () => {
    const drawn = new Set(Array.from({ length: 50 }, () => best([1, 3, 3], random)))
    expect([...drawn].toSorted()).toEqual([1, 2])
  })
})

describe('traffic', () => {
  const seen = (bytes: (working: boolean) => number, delay: (working: boolean) => number) =>
    Array.from({ length: 40 }, (_, i) => i % 2 === 0).map((working) => ({
      bytes: bytes(working),
      delay: delay(working),
      working,
    }))

  it('tells nothing where size and moment are always the same', () => {
    const { by_size, by_time } = trafficAttack(
      seen(
        () => 65_536,
        () => 30_100,
      ),
    )
    expect([by_size.value, by_time.value]).toEqual([0.5, 0.5])
  })

  it('tells work by a larger size, and by a moment that comes earlier or later', () => {
    expect(
      trafficAttack(
        seen(
          (w) => (w ? 9 : 5),
          () => 1,
        ),
      ).by_size.value,
    ).toBe(1)
    expect(
      trafficAttack(
        seen(
          () => 9,
          (w) => (w ? 1 : 30),
        ),
      ).by_time.value,
    ).toBe(1)
    expect(
      trafficAttack(
        seen(
          () => 9,
          (w) => (w ? 30 : 1),
        ),
      ).by_time.value,
    ).toBe(1)
  })
})

describe('volume', () => {
  const prior = { least: 1_000, most: 4_000 }
  const random = makeRandom(2)

  it('reads the number of parts off a rate that is not rounded', () => {
    expect(guessCount([37 / 2_503], { step: 0, noise: 0 }, prior, random)).toBe(2_503)
  })

  it('puts windows of a line that runs at one speed together', () => {
    const rates = [36, 40, 48].map((d) => d / 2_400)
    expect(guessCount(rates, { step: 0, noise: 0 }, prior, random) % 300).toBe(0)
  })

  it('guesses where the rate is rounded', () => {
    const hits = Array.from({ length: 40 }, (_, i) => {
      const n = 1_500 + 37 * i
      return guessCount([Math.round((30 / n) * 500) / 500], { step: 0.002, noise: 0 }, prior, random) === n
    }).filter(Boolean).length
    expect(hits).toBeLessThanOrEqual(2)
  })

  it('guesses where there is noise', () => {
    const hits = Array.from({ length: 40 }, (_, i) => {
      const n = 1_500 + 37 * i
      return guessCount([30 / n, 0.05, -0.03], { step: 0.002, noise: 0.05 }, prior, random) === n
    }).filter(Boolean).length
    expect(hits).toBeLessThanOrEqual(1)
  })

  it('finds a cycle, also where the window is longer than half of it', () => {
    const candidates = Array.from({ length: 400 }, (_, i) => 20 * Math.exp(i * 0.004))
    const series = Array.from({ length: 500 }, (_, i) => Math.sin((2 * Math.PI * i * 10) / 37))
    expect(guessCycle(series, 10, candidates) / 37).toBeCloseTo(1, 2)
  })
})

describe('relations', () => {
  it('move as far as the correlation that moves most', () => {
    const [a, b, c] = [
      [1, 2, 3, 4],
      [2, 4, 6, 8],
      [4, 3, 2, 1],
    ]
    expect(relationShift([a!, b!], [a!, c!])).toEqual({ pairs: 1, largest: expect.closeTo(2), signs_kept: 0 })
    expect(relationShift([a!, b!], [a!, b!])).toEqual({ pairs: 1, largest: 0, signs_kept: 1 })
  })

  it('leave out what is missing or does not vary', () => {
    expect(correlation([1, 2, Number.NaN, 3], [1, 2, 9, 3])).toBeCloseTo(1)
    expect(correlation([1, 1, 1], [1, 2, 3])).toBeUndefined()
    expect(
      relationShift(
        [
          [1, 1, 1],
          [1, 2, 3],
        ],
        [
          [1, 1, 1],
          [1, 2, 3],
        ],
      ),
    ).toBeUndefined()
  })
})
