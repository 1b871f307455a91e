import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeBudgetLedger, microEpsilon } from './budget.ts'

const HOUR = 3_600_000

describe('ε', () => {
  it.each([
    ['0.5', 500_000],
    ['1e-6', 1],
    ['1000', 1_000_000_000],
    ['0.0000005', undefined],
    ['0.1234567', undefined],
    ['0', undefined],
    ['-1', undefined],
    ['1000.1', undefined],
  ])('of %s is %s millionths', (text, micro) => {
    expect(microEpsilon(text)).toBe(micro)
  })
})

describe('the budget of a signal', () => {
  const ledgerOf = (counted_from: number | null = null, charges: readonly [number, number][] = []) =>
    makeBudgetLedger({
      budget: { window: 8 * HOUR, micro: 4 },
      charges: charges.map(([hour, micro]) => ({ signal: 'a', start: hour * HOUR, micro })),
      counted_from,
    })

  it('is there again once a charge is a whole window back', () => {
    const ledger = ledgerOf()
    const took = Array.from({ length: 20 }, (_, hour) => ledger.charge(['a'], hour * HOUR, 1))
    expect(took.map(Number).join('')).toBe('11110000111100001111')
  })

  it('is charged for all signals of a column or for none', () => {
    const ledger = ledgerOf(null, [[0, 4]])
    expect(ledger.charge(['a', 'b'], HOUR, 4)).toBe(false)
    expect(ledger.charge(['b'], HOUR, 4)).toBe(true)
  })

  it('counts what a dataset that was ahead has charged later on', () => {
    const ledger = ledgerOf(null, [[7, 3]])
    expect(ledger.charge(['a'], 0, 2)).toBe(false)
    expect(ledger.charge(['a'], 0, 1)).toBe(true)
    expect(ledger.charge(['a'], -HOUR, 3)).toBe(true)
    expect(ledger.charge(['a'], -2 * HOUR, 1)).toBe(false)
  })

  it('is spent as far as is not known what was charged', () => {
    const ledger = ledgerOf(10 * HOUR)
    expect(ledger.charge(['a'], 18 * HOUR - 2, 1)).toBe(false)
    expect(ledger.charge(['a'], 18 * HOUR - 1, 1)).toBe(true)
  })

  it('is never exceeded in any span, and never withheld without need, whatever is charged in which order', () => {
    const charge = fc.record({
      signals: fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
      start: fc.nat(40),
      micro: fc.integer({ min: 1, max: 5 }),
      restart: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.array(charge, { maxLength: 60 }),
        fc.record({ window: fc.integer({ min: 1, max: 12 }), micro: fc.integer({ min: 1, max: 12 }) }),
        (wanted, budget) => {
          const charges: { signal: string; start: number; micro: number }[] = []
          let ledger = makeBudgetLedger({ budget, charges, counted_from: null })
          for (const { signals, start, micro, restart } of wanted) {
            if (restart) ledger = makeBudgetLedger({ budget, charges, counted_from: null })
            const more = signals.map((signal) => ({ signal, start, micro }))
            const most = Math.max(...signals.map((signal) => mostIn([...charges, ...more], signal, budget.window)))
            expect(ledger.charge(signals, start, micro)).toBe(most <= budget.micro)
            if (most <= budget.micro) charges.push(...more)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is as it was for later windows once earlier ones are forgotten', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ start: fc.nat(30), micro: fc.integer({ min: 1, max: 4 }) })),
        fc.integer({ min: 1, max: 10 }),
        fc.nat(30),
        (before, window, until) => {
          const [all, some] = [1, 2].map(() =>
            makeBudgetLedger({ budget: { window, micro: 6 }, charges: [], counted_from: null }),
          )
          for (const ledger of [all!, some!]) for (const { start, micro } of before) ledger.charge(['a'], start, micro)
          some!.forget(until)
          for (let start = until + window - 1; start < 50; start++)
            expect(some!.charge(['a'], start, 2)).toBe(all!.charge(['a'], start, 2))
          expect(some!.charge(['a'], until + window - 2, 1)).toBe(false)
        },
      ),
    )
  })
})

/** Largest sum of a signal within any span, by trying all of them. */
function mostIn(
  charges: readonly { readonly signal: string; readonly start: number; readonly micro: number }[],
  signal: string,
  window: number,
): number {
  const spans = Array.from({ length: 60 }, (_, i) => i - window)
  return Math.max(
    ...spans.map((from) =>
      charges
        .filter((charge) => charge.signal === signal && charge.start >= from && charge.start < from + window)
        .reduce((sum, { micro }) => sum + micro, 0),
    ),
  )
}
