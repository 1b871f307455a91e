import { expect, it } from 'vitest'
import { qualityOf } from '../../core/quality.ts'
import type { Value, ValueType } from '../../core/signal.ts'
import { makeDecoder, readJson } from './payload.ts'

const bytes = (text: string) => Buffer.from(text)

it.each<[ValueType, string, Value | null, string?]>([
  ['float64', '21.5', 21.5],
  ['float64', '-0.1e-3', -0.0001],
  ['float64', '9007199254740993', 9007199254740992],
  ['float64', '1e999', null, 'not_a_number'],
  ['float64', '"21.5"', null, 'type'],
  ['float64', '"NaN"', null, 'type'],
  ['float64', 'true', null, 'type'],
  ['float64', '[1]', null, 'type'],
  ['float64', '{}', null, 'type'],
  ['float64', 'null', null, 'reported'],
  ['float32', '0.1', 0.1],
  ['bool', 'true', true],
  ['bool', '0', false],
  ['bool', '1', true],
  ['bool', '2', null, 'type'],
  ['bool', '"true"', null, 'type'],
  ['string', '"run"', 'run'],
  ['string', '""', ''],
  ['string', '1', null, 'type'],
  ['int16', '-32768', -32768],
  ['int16', '32768', null, 'type'],
  ['uint16', '65535', 65535],
  ['uint16', '-1', null, 'type'],
  ['uint16', '1.5', null, 'type'],
  ['uint16', '1.0', 1],
  ['int32', '-2147483648', -2147483648],
  ['uint32', '4294967296', null, 'type'],
  ['int64', '-9223372036854775808', -9223372036854775808n],
  ['int64', '9223372036854775808', null, 'type'],
  ['int64', '9007199254740991', 9007199254740991],
  ['int64', '9007199254740993', 9007199254740993n],
  ['uint64', '18446744073709551615', 18446744073709551615n],
  ['uint64', '18446744073709551616', null, 'type'],
  ['uint64', '1e19', 10000000000000000000n],
])('%s from %s', (type, json, value, reason = '') => {
  const read = readJson(bytes(json), true)!
  const decoded = makeDecoder({ type })(read.document)
  expect(decoded.value).toBe(value)
  expect(qualityOf(decoded.quality).reason).toBe(reason)
})

it.each([
  ['int16', 3, '0.1', undefined, 0.3],
  ['float64', 7, '0.01', '-40', -39.93],
  ['uint64', 2n ** 63n, '0.5', undefined, 2 ** 62],
  ['float64', 1e308, '1e9', undefined, null],
] as const)('scales %s %s by %s', (type, raw, scale, offset, value) => {
  expect(makeDecoder({ type, scale, offset })(raw).value).toBe(value)
})

it.each([
  ['{"a":1', undefined],
  ['', undefined],
  ['NaN', undefined],
  ["{'a':1}", undefined],
  ['\ufeff{"a":1}', { a: 1 }],
  ['{"a":1,"a":2}', { a: 2 }],
  ['{"온도":21.5}', { 온도: 21.5 }],
])('%j is %j', (text, document) => {
  expect(readJson(bytes(text), false)?.document).toEqual(document)
})

it('refuses bytes that are not UTF-8', () => {
  expect(readJson(Buffer.from('{"이름":1}', 'utf16le'), false)).toBeUndefined()
  expect(readJson(Uint8Array.of(0x22, 0xb0, 0xa1, 0x22), false)).toBeUndefined() // CP949
})

it('keeps long whole numbers exact only where asked to', () => {
  const text = bytes('{"energy":18446744073709551615,"f":0.1234567890123456}')
  expect(readJson(text, true)!.document).toEqual({ energy: 18446744073709551615n, f: 0.1234567890123456 })
  expect(readJson(text, false)!.document).toEqual({ energy: 18446744073709552000, f: 0.1234567890123456 })
})
