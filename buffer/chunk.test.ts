import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import { FORM_BIGINT, FORM_BOOL, FORM_NULL, FORM_NUMBER, FORM_TEXT } from '../core/reading-block.ts'
import { type ChunkContent, decodeChunk, encodeChunk } from './chunk.ts'

const value = fc.oneof(
  fc.double({ noNaN: true }),
  fc.float({ noNaN: true }),
  fc.integer().map((n) => n / 10),
  fc.integer().map((n) => Math.fround(n / 100)),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, 0, 2 ** 53, -(2 ** 50), 2 ** 50 + 1, 5e-324, Number.MAX_VALUE, 0.1 + 0.2),
)
const time = fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.double({ noNaN: true, noDefaultInfinity: true }))
const reading = fc.tuple(
  fc.oneof(fc.nat(20), fc.nat(2 ** 32 - 1)),
  time,
  value,
  fc.constantFrom(FORM_NULL, FORM_NUMBER, FORM_BOOL, FORM_TEXT, FORM_BIGINT),
  fc.nat(255),
)
const content: fc.Arbitrary<ChunkContent> = fc.record(
  {
    block: fc
      .tuple(fc.array(reading, { maxLength: 200 }), fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 }))
      .map(([rows, texts]) => ({
        signals: Uint32Array.from(rows, (r) => r[0]),
        times: Float64Array.from(rows, (r) => r[1]),
        values: Float64Array.from(rows, (r) => r[2]),
        forms: Uint8Array.from(rows, (r) => r[3]),
        qualities: Uint8Array.from(rows, (r) => r[4]),
        texts,
      })),
    complete: fc.array(fc.record({ feed: fc.nat(1e6), until: time.map(unixMs) }, { noNullPrototype: true }), {
      maxLength: 10,
    }),
  },
  { noNullPrototype: true },
)

describe('a chunk', () => {
  it('gives back exactly what went in, in the same order', () => {
    fc.assert(
      fc.property(content, (given) => {
        expect(decodeChunk(encodeChunk(given))).toStrictEqual(given)
      }),
      { numRuns: 300 },
    )
  })

  it('never takes a damaged byte for a crash that is no error', () => {
    fc.assert(
      fc.property(content, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, at, flip) => {
        const data = encodeChunk(given)
        data[at % data.length]! ^= flip
        try {
          decodeChunk(data)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
    )
  })

  it.each([
    ['steps of 0.1, one reading a signal', (i: number) => Math.round(450 + 40 * Math.sin(i)) / 10, 3],
    ['the same as float32', (i: number) => Math.fround(Math.round(450 + 40 * Math.sin(i)) / 10), 3],
    ['full float32', (i: number) => Math.fround(45 + 4 * Math.sin(i)), 5],
  ])('holds 1,000 %s in few bytes', (_, readingOf, most) => {
    const n = 1_000
    const data = encodeChunk({
      block: {
        signals: Uint32Array.from({ length: n }, (_, i) => i),
        times: new Float64Array(n).fill(1_700_000_000_000),
        values: Float64Array.from({ length: n }, (_, i) => readingOf(i)),
        forms: new Uint8Array(n).fill(FORM_NUMBER),
        qualities: new Uint8Array(n),
        texts: [],
      },
      complete: [],
    })
    expect(data.length / n).toBeLessThan(most)
  })
})
