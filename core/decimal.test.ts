import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareDecimal, formatDecimal, makeLinear, minus, parseDecimal, toNumber, wholeQuotient } from './decimal.ts'

const d = (text: string) => parseDecimal(text)!

describe('decimal', () => {
  it.each([
    ['12', { units: 12n, places: 0 }],
    ['-0.50', { units: -50n, places: 2 }],
    ['1e-3', { units: 1n, places: 3 }],
    ['1.5e3', { units: 1500n, places: 0 }],
    ['.5', { units: 5n, places: 1 }],
  ])('reads %s', (text, expected) => expect(parseDecimal(text)).toEqual(expected))

  it.each(['', '.', 'abc', '1,5', '0x10', '1e9999', 'NaN', 'Infinity'])('does not read %j', (text) =>
    expect(parseDecimal(text)).toBeUndefined(),
  )

  it('compares, subtracts and divides exactly where doubles do not', () => {
    expect(compareDecimal(minus(d('0.3'), d('0.1')), d('0.2'))).toBe(0)
    expect(wholeQuotient(d('0.3'), d('0.1'))).toBe(3n)
    expect(wholeQuotient(d('120'), d('1.2'))).toBe(100n)
    expect(wholeQuotient(d('1'), d('0.3'))).toBeUndefined()
    expect(wholeQuotient(d('1'), d('0'))).toBeUndefined()
  })

  it('scales in decimal arithmetic, so that 3 × 0.1 is 0.3', () => {
    expect(makeLinear(d('0.1'), d('0'))(3)).toBe(0.3)
    expect(makeLinear(d('0.01'), d('-40'))(6553)).toBe(25.53)
    expect(makeLinear(d('0.1'), d('0.05'))(1)).toBe(0.15)
  })

  it('prints what it reads', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 12 }), (units, places) => {
        const decimal = { units: BigInt(units), places }
        const back = parseDecimal(formatDecimal(decimal))!
        expect(compareDecimal(back, decimal)).toBe(0)
        expect(toNumber(back)).toBe(toNumber(decimal))
      }),
    )
  })
})
