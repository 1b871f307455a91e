import { encode as encodeMessagePack } from '@msgpack/msgpack'
import { encode as encodeCbor } from 'cbor2'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseCbor } from './cbor.ts'
import { parseMessagePack } from './msgpack.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const documentOf = (parsed: object): unknown => ('document' in parsed ? parsed.document : parsed)

/** RFC 8949 appendix A, as far as a value can be read there. */
it.each<[string, unknown]>([
  ['00', 0],
  ['1bffffffffffffffff', 18446744073709551615n],
  ['c249010000000000000000', 18446744073709551616n],
  ['3bffffffffffffffff', -18446744073709551616n],
  ['c349010000000000000000', -18446744073709551617n],
  ['20', -1],
  ['f93e00', 1.5],
  ['fa47c35000', 100000],
  ['fb3ff199999999999a', 1.1],
  ['f97c00', Number.POSITIVE_INFINITY],
  ['f4', false],
  ['f6', null],
  ['f7', null],
  ['c074323031332d30332d32315432303a30343a30305a', '2013-03-21T20:04:00Z'],
  ['c1fb41d452d9ec200000', 1363896240.5],
  ['c48221196ab3', 273.15],
  ['d9d9f7f5', true],
  ['62c3bc', 'ü'],
  ['83010203', [1, 2, 3]],
  ['a201020304', { 1: 2, 3: 4 }],
  ['a26161016162820203', { a: 1, b: [2, 3] }],
  ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
  ['7f657374726561646d696e67ff', 'streaming'],
])('reads CBOR %s', (text, value) => {
  expect(parseCbor(hex(text))).toEqual({ document: value })
})

it.each([
  ['', /early/],
  ['18', /early/],
  ['1c', /not CBOR/],
  ['ff', /not CBOR/],
  ['61ff', /not CBOR/],
  ['0000', /more than one/],
  ['9bffffffffffffffff00', /early/],
  ['81'.repeat(1_000), /deep/],
  ['c1'.repeat(1_000), /deep/],
])('refuses CBOR %s', (text, detail) => {
  expect(parseCbor(hex(text))).toEqual({ reason: 'malformed', detail: expect.stringMatching(detail) })
})

it.each<[string, unknown]>([
  ['7f', 127],
  ['e0', -32],
  ['cb3ff199999999999a', 1.1],
  ['ca41a8cccd', Math.fround(21.1)],
  ['cfffffffffffffffff', 18446744073709551615n],
  ['d38000000000000000', -9223372036854775808n],
  ['d3ffffffffffffffff', -1],
  ['c0', null],
  ['c3', true],
  ['a2c3bc', 'ü'],
  ['93010203', [1, 2, 3]],
  ['8201020304', { 1: 2, 3: 4 }],
  ['dc0001dd00000001a161', [['a']]],
  ['de0001d901610a', { a: 10 }],
  ['d6ff6a54 5f40', '2026-07-13T03:45:04.000Z'],
])('reads MessagePack %s', (text, value) => {
  expect(parseMessagePack(hex(text))).toEqual({ document: value })
})

it.each([
  ['', 0, /early/],
  ['c1', 0, /not MessagePack/],
  ['92 01', 1, /early/],
  ['dd ffffffff 01', 0, /early/],
  ['91 df 80000000', 1, /early/],
  ['db ffffffff', 0, /early/],
  ['91'.repeat(1_000), 64, /early|deep/],
  [`${'91'.repeat(1_000)}00`, 65, /deep/],
  ['00 00', 1, /more than one/],
  ['81 a9 5f5f70726f746f5f5f 01', undefined, /not MessagePack/],
])('refuses MessagePack %s', (text, byte, detail) => {
  expect(parseMessagePack(hex(text))).toMatchObject({
    reason: 'malformed',
    detail: expect.stringMatching(detail),
    ...(byte !== undefined && { byte: expect.any(Number) }),
  })
})

it('keeps a name a name', () => {
  const document = documentOf(parseCbor(encodeCbor(new Map([['__proto__', { polluted: 1 }]])))) as object
  expect(Object.getPrototypeOf(document)).toBe(null)
  expect(Object.keys(document)).toEqual(['__proto__'])
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})

it('reads back whatever JSON can say', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const plain = JSON.parse(JSON.stringify(value, (key, v) => (key === '__proto__' || Object.is(v, -0) ? 0 : v)))
      expect(JSON.parse(JSON.stringify(documentOf(parseCbor(encodeCbor(plain)))))).toEqual(plain)
      if (!/"__proto__"/.test(JSON.stringify(plain)))
        expect(JSON.parse(JSON.stringify(documentOf(parseMessagePack(encodeMessagePack(plain)))))).toEqual(plain)
    }),
    { numRuns: 300 },
  )
})
