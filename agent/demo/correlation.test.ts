import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { correlate, multipleR, pearson } from './correlation.ts'

describe('pearson', () => {
  it.each([
    { name: 'a rising line', xs: [1, 2, 3], ys: [2, 4, 6], r: 1 },
    { name: 'a falling line', xs: [1, 2, 3], ys: [6, 4, 2], r: -1 },
    { name: 'nothing linear', xs: [-1, 0, 1], ys: [1, 0, 1], r: 0 },
    // Anscombe (1973), first set
    {
      name: "Anscombe's first set",
      xs: [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5],
      ys: [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68],
      r: 0.81642,
    },
  ])('of $name is $r', ({ xs, ys, r }) => {
    expect(pearson(xs, ys)).toBeCloseTo(r, 5)
  })

  it.each([
    { name: 'no pairs', xs: [], ys: [] },
    { name: 'one pair', xs: [1], ys: [1] },
    { name: 'a side that does not vary', xs: [1, 1, 1], ys: [1, 2, 3] },
  ])('says nothing for $name', ({ xs, ys }) => {
    expect(pearson(xs, ys)).toBeNull()
  })
})

describe('the multiple correlation', () => {
  const noise = fc.integer({ min: -1000, max: 1000 })
  const row = fc.record({ oil_temperature: noise, humidity: noise, defect_rate: noise })

  it('is at least as strong as either condition alone, and never above one', () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 4, maxLength: 30 }), (rows) => {
        const { multiple, oil_temperature: a, humidity: b } = correlate(rows)
        if (multiple === null || a === null || b === null) return
        expect(multiple).toBeLessThanOrEqual(1)
        expect(multiple).toBeGreaterThanOrEqual(Math.max(Math.abs(a), Math.abs(b)) - 1e-6)
      }),
    )
  })

  it('is one where both conditions together decide', () => {
    const rows = [0, 1, 2, 3, 4, 5].map((i) => {
      const [oil, damp] = [50 + i, 40 + ((i * 7) % 5)]
      return { oil_temperature: oil, humidity: damp, defect_rate: 0.01 + 0.002 * oil + 0.003 * damp }
    })
    expect(correlate(rows)).toMatchObject({ multiple: expect.closeTo(1, 9), n: 6 })
  })

  it('falls back to one condition where both say the same', () => {
    expect(multipleR(0.6, 0.6, 1)).toBe(0.6)
  })

  it('says nothing from three rows, which every plane fits', () => {
    const rows = [1, 2, 3].map((i) => ({ oil_temperature: i, humidity: i * i, defect_rate: i }))
    expect(correlate(rows)).toEqual({ oil_temperature: null, humidity: null, multiple: null, n: 3 })
  })
})
