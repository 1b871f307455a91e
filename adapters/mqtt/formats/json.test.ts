import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseJson } from './json.ts'
import { jsonErrorAt } from './json-error.ts'
import { firstNotUtf8 } from './utf8.ts'

const bytes = (text: string) => Buffer.from(text)

it.each([
  ['{"a":1}', { a: 1 }],
  ['\ufeff{"a":1}', { a: 1 }],
  ['{"a":1,"a":2}', { a: 2 }],
  ['{"온도":21.5}', { 온도: 21.5 }],
])('%j is %j', (text, document) => {
  expect(parseJson(bytes(text), false)).toEqual({ document })
})

it.each([
  ['{"a":1', 6, /early/],
  ['', 0, /early/],
  ['NaN', 0, /not JSON/],
  ['{"a":NaN}', 5, /not JSON/],
  ["{'a':1}", 1, /not JSON/],
  ['{"이름":1 2}', 12, /not JSON/],
  ['\ufeff{"a":}', 8, /not JSON/],
  ['[1,]', 3, /not JSON/],
  ['{"a":1,}', 7, /not JSON/],
  ['{}}', 2, /not JSON/],
  ['[01]', 2, /not JSON/],
  ['"a\nb"', 0, /not JSON/],
])('finds the place where %j stops being JSON', (text, byte, detail) => {
  expect(parseJson(bytes(text), false)).toEqual({
    reason: 'malformed',
    detail: expect.stringMatching(detail),
    byte,
  })
})

it('refuses bytes that are not UTF-8, and says which is the first', () => {
  expect(parseJson(Uint8Array.of(0x22, 0xb0, 0xa1, 0x22), false)).toMatchObject({ detail: 'not UTF-8', byte: 1 }) // CP949
  expect(parseJson(Buffer.concat([bytes('"온도'), Uint8Array.of(0xe2, 0x82)]), false)).toMatchObject({ byte: 7 })
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 4 }), (good, tail) => {
      const before = Buffer.from(good.toWellFormed())
      const payload = Buffer.concat([before, Uint8Array.of(0xff), tail])
      expect(firstNotUtf8(payload)).toBe(before.length)
    }),
  )
})

it('keeps long whole numbers exact only where asked to', () => {
  const text = bytes('{"energy":18446744073709551615,"f":0.1234567890123456}')
  expect(parseJson(text, true)).toEqual({ document: { energy: 18446744073709551615n, f: 0.1234567890123456 } })
  expect(parseJson(text, false)).toEqual({ document: { energy: 18446744073709552000, f: 0.1234567890123456 } })
})

it('agrees with the engine on what is JSON', () => {
  const isJson = (text: string): boolean => {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }
  const edits = fc.tuple(
    fc.json(),
    fc.nat(),
    fc.constantFrom('', ',', '}', '"', '0', '[', '\\', ' ', '\u0001', '\u007f', 'e'),
    fc.nat(2),
  )
  fc.assert(
    fc.property(edits, ([json, seed, put, cut]) => {
      const at = seed % (json.length + 1)
      const text = json.slice(0, at) + put + json.slice(at + cut)
      const error = jsonErrorAt(text)
      expect(error === undefined).toBe(isJson(text))
      // What stands before the place could still have become JSON.
      if (error !== undefined) expect(error).toBeLessThanOrEqual(text.length)
    }),
    { numRuns: 2_000 },
  )
})

it('reads what is nested as deeply as a payload can be', () => {
  expect(parseJson(bytes('['.repeat(100_000)), false)).toMatchObject({ byte: 100_000 })
  expect(parseJson(bytes('['.repeat(100_000) + ']'.repeat(100_000)), false)).toHaveProperty('document')
})
