import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareDecimal,
  formatDecimal,
  makeExactLinear,
  makeLinear,
  minus,
  parseDecimal,
  toNumber,
  wholeQuotient,
} from './decimal.ts'

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

  it('scales whole numbers of any size with one rounding at most', () => {
    const exact = (raw: number | bigint, scale: string, offset = '0') => makeExactLinear(d(scale), d(offset))(raw)
    expect(exact(3, '0.1')).toBe(0.3)
    expect(exact(9_007_199_254_740_993n, '10')).toBe(90_071_992_547_409_930n)
    expect(exact(90_071_992_547_409_930n, '0.1')).toBe(9_007_199_254_740_993n)
    expect(exact(90_071_992_547_409_910n, '0.1')).toBe(Number.MAX_SAFE_INTEGER)
    expect(exact(-9_007_199_254_740_993n, '1', '9007199254740993')).toBe(0)
    expect(exact(1, '1', '9007199254740992')).toBe(9_007_199_254_740_993n)
    expect(exact(7, '1e-30')).toBe(7e-30)
    expect(exact(0, '-1')).toBe(0)
    const decimals = fc.tuple(fc.integer(), fc.integer({ min: 0, max: 25 })).map(([n, p]) => d(`${n}e-${p}`))
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }), decimals, decimals, (raw, scale, offset) => {
        const places = Math.max(scale.places, offset.places)
        const units =
          raw * scale.units * 10n ** BigInt(places - scale.places) +
          offset.units * 10n ** BigInt(places - offset.places)
        const value = makeExactLinear(scale, offset)(Number.isSafeInteger(Number(raw)) ? Number(raw) : raw)
        if (typeof value === 'bigint') expect(value * 10n ** BigInt(places)).toBe(units)
        else expect(value).toBe(Number(formatDecimal({ units, places })) + 0)
      }),
    )
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
