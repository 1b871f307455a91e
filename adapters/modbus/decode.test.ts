import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { qualityOf } from '../../core/quality.ts'
import { float16Decimal, float32Decimal } from '../../core/shortest-decimal.ts'
import type { Value } from '../../core/signal.ts'
import { type Encoding, isUnusable, makeDecoder, makeDecoders } from './decode.ts'
import { encodeRegisters } from './encode.ts'
import { BYTE_ORDERS, registersOf, SIGNAL_TYPES, type SignalType } from './signal-type.ts'

const registers = (...words: number[]): Buffer => {
  const data = Buffer.alloc(words.length * 2)
  words.forEach((w, i) => void data.writeUInt16BE(w, i * 2))
  return data
}
const encoding = (type: SignalType, more: Partial<Encoding> = {}): Encoding => ({
  table: 'holding',
  type,
  size: registersOf(type, more.size),
  byte_order: 'ABCD',
  ...more,
})
/** The value, or the reason why there is none. */
const decode = (e: Encoding, data: Buffer, at = 0): Value | { readonly bad: string } => {
  const decoded = makeDecoder(e).decode(data, at)
  return isUnusable(decoded) ? { bad: qualityOf(decoded.quality).reason } : decoded
}

describe('decode', () => {
  it.each<[string, Encoding, number[], Value | { bad: string }]>([
    ['uint16', encoding('uint16'), [0xfffe], 65_534],
    ['int16', encoding('int16'), [0xfffe], -2],
    ['uint16 with swapped bytes', encoding('uint16', { byte_order: 'BADC' }), [0x3412], 0x1234],
    ['uint16 with swapped words', encoding('uint16', { byte_order: 'CDAB' }), [0x1234], 0x1234],
    ['uint32 ABCD', encoding('uint32'), [0x0102, 0x0304], 0x01020304],
    ['uint32 CDAB', encoding('uint32', { byte_order: 'CDAB' }), [0x0304, 0x0102], 0x01020304],
    ['uint32 BADC', encoding('uint32', { byte_order: 'BADC' }), [0x0201, 0x0403], 0x01020304],
    ['uint32 DCBA', encoding('uint32', { byte_order: 'DCBA' }), [0x0403, 0x0201], 0x01020304],
    ['int32', encoding('int32'), [0xffff, 0xffff], -1],
    ['float32', encoding('float32'), [0x41cc, 0x0000], 25.5],
    ['float32 with swapped words', encoding('float32', { byte_order: 'CDAB' }), [0x0000, 0x41cc], 25.5],
    ['float32 as the decimal it stands for', encoding('float32'), [0x3dcc, 0xcccd], 0.1],
    ['float64', encoding('float64'), [0x4039, 0x8000, 0, 0], 25.5],
    ['uint64 within 2^53', encoding('uint64'), [0, 0, 0, 7], 7],
    ['uint64 beyond 2^53', encoding('uint64'), [0xffff, 0xffff, 0xffff, 0xffff], 18_446_744_073_709_551_615n],
    ['int64 beyond 2^53', encoding('int64'), [0x8000, 0, 0, 0], -9_223_372_036_854_775_808n],
    [
      'uint64 CDAB',
      encoding('uint64', { byte_order: 'CDAB' }),
      [0x0708, 0x0506, 0x0304, 0x0102],
      0x0102_0304_0506_0708n,
    ],
    ['bool', encoding('bool'), [0x0100], true],
    ['bit 3', encoding('bool', { bit: 3 }), [0x0008], true],
    ['bit 3, clear', encoding('bool', { bit: 3 }), [0xfff7], false],
    ['bit 0 after byte order', encoding('bool', { bit: 0, byte_order: 'DCBA' }), [0x0100], true],
    ['scale in decimal', encoding('uint16', { scale: '0.1' }), [3], 0.3],
    ['scale and offset', encoding('int16', { scale: '0.1', offset: '-40' }), [455], 5.5],
    ['scaled float32', encoding('float32', { scale: '10' }), [0x3dcc, 0xcccd], 1],
    ['scaled uint64', encoding('uint64', { scale: '0.001' }), [0, 0, 0, 1500], 1.5],
    ['NaN', encoding('float32'), [0x7fc0, 0], { bad: 'not_a_number' }],
    ['infinity', encoding('float32'), [0xff80, 0], { bad: 'not_a_number' }],
    ['float64 NaN', encoding('float64'), [0x7ff8, 0, 0, 0], { bad: 'not_a_number' }],
    ['scaled NaN', encoding('float32', { scale: '2' }), [0x7fc0, 0], { bad: 'not_a_number' }],
    ['string', encoding('string', { size: 3 }), [0x4142, 0x4300, 0], 'ABC'],
    ['string with trailing spaces', encoding('string', { size: 2 }), [0x4120, 0x2020], 'A'],
    ['string with swapped bytes', encoding('string', { size: 2, byte_order: 'BADC' }), [0x4241, 0x0043], 'ABC'],
    ['string, whole little endian', encoding('string', { size: 2, byte_order: 'DCBA' }), [0x4241, 0x0043], 'ABC'],
    ['string in UTF-8', encoding('string', { size: 3 }), [0xed94, 0x84eb, 0xa088], '프레'],
    ['string that is not UTF-8', encoding('string', { size: 1 }), [0xc0ff], { bad: 'encoding' }],
  ])('reads %s', (_, e, words, value) => {
    expect(decode(e, registers(0xdead, ...words, 0xdead), 1)).toStrictEqual(value)
  })

  it('reads a coil by its position', () => {
    const coil = encoding('bool', { table: 'coil', size: 1 })
    const data = Buffer.from([0b0000_0100, 0b1000_0000])
    expect([2, 3, 15].map((at) => decode(coil, data, at))).toEqual([true, false, true])
  })

  /** The half-precision number with these bits. */
  const halfOf = (word: number): number => {
    const view = new DataView(new ArrayBuffer(2))
    view.setUint16(0, word)
    return view.getFloat16(0)
  }
  const finite = { noNaN: true, noDefaultInfinity: true }
  const range64 = { int64: { min: -(2n ** 63n), max: 2n ** 63n - 1n }, uint64: { min: 0n, max: 2n ** 64n - 1n } }
  const narrow = (n: bigint): Value => (Number.isSafeInteger(Number(n)) ? Number(n) : n)
  const range = (low: number, high: number): fc.Arbitrary<Value> => fc.integer({ min: low, max: high })
  const times = (most: number): fc.Arbitrary<Value> => range(0, most).map((s) => Number(s) * 1_000)
  it.each<[SignalType, fc.Arbitrary<Value>, number?]>([
    ['int8', range(-128, 127)],
    ['uint8', range(0, 255)],
    [
      'float16',
      range(0, 0xffff)
        .map((w) => float16Decimal(halfOf(Number(w))))
        .filter(Number.isFinite),
    ],
    ['bcd16', range(0, 9_999)],
    ['bcd32', range(0, 99_999_999)],
    ['mod10k', range(0, 99_999_999)],
    ['mod10k', range(0, 1e12 - 1), 3],
    ['mod10k', fc.bigInt({ min: 0n, max: 10n ** 16n - 1n }).map(narrow), 4],
    ['unix32', times(2 ** 32 - 1)],
    ['unix64', times(253_402_300_799)],
    ['unix64_ms', range(0, 253_402_300_799_999)],
    ['int16', fc.integer({ min: -32_768, max: 32_767 })],
    ['uint16', fc.integer({ min: 0, max: 65_535 })],
    ['int32', fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })],
    ['uint32', fc.integer({ min: 0, max: 2 ** 32 - 1 })],
    ['int64', fc.bigInt(range64.int64).map(narrow)],
    ['uint64', fc.bigInt(range64.uint64).map(narrow)],
    ['float32', fc.float(finite).map((x) => float32Decimal(x))],
    ['float64', fc.double(finite).map((x) => x + 0)],
    ['bool', fc.boolean()],
    [
      'string',
      fc.string({ unit: 'grapheme', maxLength: 5 }).filter((s) => Buffer.byteLength(s) <= 40 && !/\0| $/.test(s)),
      20,
    ],
  ])('gives back every %s that was encoded, in each order', (type, arbitrary, length) => {
    fc.assert(
      fc.property(arbitrary, fc.constantFrom(...BYTE_ORDERS), (value, byte_order) => {
        const words = encodeRegisters(value, type, byte_order, length)
        expect(
          decode(encoding(type, { byte_order, size: registersOf(type, length) }), registers(...words)),
        ).toStrictEqual(value)
      }),
    )
  })
})

describe('makeDecoders', () => {
  it('gives one decoder to signals that are encoded alike, and to no others', () => {
    const alike = [encoding('float32'), encoding('float32')] as const
    const others: Encoding[] = [
      encoding('float32', { table: 'input' }),
      encoding('float32', { byte_order: 'CDAB' }),
      encoding('float32', { scale: '0.1' }),
      encoding('float32', { offset: '1' }),
      encoding('float32', { invalid: ['1'] }),
      encoding('uint32'),
      encoding('uint32', { bit: 1 }),
      encoding('uint32', { bits: [1, 2] }),
      encoding('uint32', { labels: { 1: 'on' } }),
      encoding('uint8', { byte: 'high' }),
      encoding('uint8', { byte: 'low' }),
      encoding('string', { size: 4 }),
      encoding('string', { size: 5 }),
      encoding('string', { size: 4, encoding: 'utf-16' }),
    ]
    const decoders = makeDecoders([...alike, ...others])
    expect(decoders.get(alike[0])).toBe(decoders.get(alike[1]))
    expect(new Set(decoders.values()).size).toBe(1 + others.length)
  })
})

describe('any bytes', () => {
  const scales = fc.constantFrom(undefined, '0.1', '-1e10', '123.456')
  it.each(SIGNAL_TYPES)('are a value of a %s or bad for a stated reason, never half of both', (type) => {
    const size = registersOf(type, type === 'string' ? 5 : undefined)
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 2 * size, maxLength: 2 * size }),
        fc.constantFrom(...BYTE_ORDERS),
        scales,
        (bytes, byte_order, scale) => {
          const decoded = decode(encoding(type, { byte_order, size, scale }), Buffer.from(bytes))
          if (typeof decoded === 'number') {
            expect(Number.isFinite(decoded)).toBe(true)
            expect(Object.is(decoded, -0)).toBe(false)
          } else if (typeof decoded === 'bigint') expect(Number.isSafeInteger(Number(decoded))).toBe(false)
          else if (typeof decoded === 'object')
            expect(['not_a_number', 'encoding', 'digits', 'time']).toContain(decoded.bad)
          else expect(typeof decoded).toBe(type === 'string' ? 'string' : 'boolean')
        },
      ),
    )
  })

  it('that are too few are a bug, not a value', () => {
    for (const type of SIGNAL_TYPES)
      for (const byte_order of BYTE_ORDERS) {
        const size = registersOf(type, 2)
        expect(() => decode(encoding(type, { byte_order, size }), Buffer.alloc(2 * size), 1), type).toThrow(RangeError)
      }
  })
})

describe('float32Decimal', () => {
  const shortest = (x: number): number => {
    for (let digits = 1; digits <= 9; digits++) {
      const candidate = Number(x.toPrecision(digits))
      if (Math.fround(candidate) === x) return candidate
    }
    return x
  }
  it('is the shortest decimal that rounds to the same float32', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(float32Decimal(x)).toBe(shortest(x + 0))
      }),
      { numRuns: 5_000 },
    )
  })
  it('keeps what a person would write', () => {
    fc.assert(
      fc.property(fc.integer({ min: -999_999, max: 999_999 }), fc.integer({ min: 0, max: 6 }), (n, places) => {
        const written = n / 10 ** places
        expect(float32Decimal(Math.fround(written))).toBe(written)
      }),
    )
  })
})
