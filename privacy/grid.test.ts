import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Decimal, formatDecimal, overCommonPower, parseDecimal } from '../core/decimal.ts'
import { clamp, type Grid, gridBounds, gridIndex, gridValue, makeGrid } from './grid.ts'

function made(low: string, high: string, step: string): ReturnType<typeof makeGrid> {
  return makeGrid(parseDecimal(low)!, parseDecimal(high)!, parseDecimal(step)!)
}

function grid(low: string, high: string, step: string): Grid {
  const grid = made(low, high, step)
  if ('problem' in grid) throw new Error(grid.problem)
  return grid
}

describe('a grid', () => {
  it.each<[string, string, string, object]>([
    ['0', '100', '1', { low: 0, step: 1, power: 1, steps: 100 }],
    ['-50', '200', '0.1', { low: -500, step: 1, power: 10, steps: 2500 }],
    ['0.05', '1.30', '0.125', { low: 50, step: 125, power: 1000, steps: 10 }],
    ['0', '3', '3', { low: 0, step: 3, power: 1, steps: 1 }],
    ['0', '1e3', '2e2', { low: 0, step: 200, power: 1, steps: 5 }],
    ['0', '9007199254740991', '1', { low: 0, step: 1, power: 1, steps: 9007199254740991 }],
    ['0', '1e-22', '1e-22', { low: 0, step: 1, power: 1e22, steps: 1 }],
    ['1', '1', '1', { problem: 'empty' }],
    ['1', '-1', '1', { problem: 'empty' }],
    ['0', '1', '0', { problem: 'step' }],
    ['0', '1', '-0.1', { problem: 'step' }],
    ['0', '1', '0.3', { problem: 'not-whole' }],
    ['0', '1', '2', { problem: 'not-whole' }],
    ['0.1', '1', '0.2', { problem: 'not-whole' }],
    ['0', '1e-23', '1e-23', { problem: 'too-fine' }],
    ['0', '9007199254740992', '1', { problem: 'too-fine' }],
    ['0', '9007199254740992', '9007199254740992', { problem: 'too-fine' }],
    ['-9007199254740992', '0', '9007199254740992', { problem: 'too-fine' }],
    // Bounds that fit, far enough apart that their difference does not.
    ['-9007199254740991', '9007199254740991', '1', { problem: 'too-fine' }],
  ])('from %s to %s by %s', (low, high, step, expected) => expect(made(low, high, step)).toEqual(expected))

  it.each<[string, readonly [string, string, string], number, number]>([
    ['the lower bound', ['0', '100', '1'], 0, 0],
    ['the upper bound', ['0', '100', '1'], 100, 100],
    ['just below the middle', ['0', '100', '1'], 40.499, 40],
    ['the middle, upwards', ['0', '100', '1'], 40.5, 41],
    ['the middle of negatives, upwards', ['-100', '0', '1'], -40.5, -40],
    ['a grid that does not begin at zero', ['5', '25', '10'], 9.9, 5],
    ['tenths', ['-50', '200', '0.1'], 0.30000000000000004, 0.3],
    ['steps of three tenths', ['0.1', '1', '0.3'], 0.8, 0.7],
    ['zero, without a sign', ['-50', '50', '0.1'], -0.01, 0],
    ['below the range', ['-50', '200', '0.1'], -1e9, -50],
    ['above the range', ['-50', '200', '0.1'], 1e9, 200],
  ])('puts %s', (_, of, x, expected) => {
    const on = grid(...of)
    expect(gridValue(on, gridIndex(on, x))).toBe(expected)
  })
})

describe('any grid', () => {
  const grids = fc
    .record({
      low: fc.integer({ min: -1_000_000, max: 1_000_000 }),
      step: fc.integer({ min: 1, max: 1_000 }),
      steps: fc.integer({ min: 1, max: 1_000_000 }),
      places: fc.integer({ min: 0, max: 9 }),
    })
    .map(({ low, step, steps, places }) => {
      const decimal = (units: number): Decimal => ({ units: BigInt(units), places })
      const made = makeGrid(decimal(low), decimal(low + step * steps), decimal(step))
      if ('problem' in made) throw new Error(made.problem)
      return { low: decimal(low), step: decimal(step), grid: made }
    })
  const within = fc.double({ min: 0, max: 1, noNaN: true })

  it('has values that are the doubles nearest to exact decimals', () => {
    fc.assert(
      fc.property(grids, within, ({ low, step, grid }, share) => {
        const k = Math.round(share * grid.steps)
        const exact = { units: low.units + BigInt(k) * step.units, places: low.places }
        expect(gridValue(grid, k)).toBe(Number(formatDecimal(exact)))
        expect(gridIndex(grid, gridValue(grid, k))).toBe(k)
      }),
    )
  })

  it('moves a value by half a step at most, keeps order, and never leaves the range', () => {
    fc.assert(
      fc.property(grids, within, within, ({ grid }, a, b) => {
        const { low, high } = gridBounds(grid)
        const [x, y] = [Math.min(a, b), Math.max(a, b)].map((share) => clamp(low + share * (high - low), low, high))
        const [at, up] = [gridValue(grid, gridIndex(grid, x!)), gridValue(grid, gridIndex(grid, y!))]
        expect(at).toBeLessThanOrEqual(up)
        expect(at).toBeGreaterThanOrEqual(low)
        expect(up).toBeLessThanOrEqual(high)
        const rounding = 4 * Number.EPSILON * Math.max(Math.abs(low), Math.abs(high))
        expect(Math.abs(at - x!)).toBeLessThanOrEqual(grid.step / grid.power / 2 + rounding)
      }),
    )
  })

  it('has as bounds the doubles that were declared', () => {
    fc.assert(
      fc.property(grids, ({ low, step, grid }) => {
        const [l, s] = overCommonPower(low, step)
        const high = { units: l + s * BigInt(grid.steps), places: low.places }
        expect(gridBounds(grid)).toEqual({ low: Number(formatDecimal(low)), high: Number(formatDecimal(high)) })
      }),
    )
  })
})
