import { describe, expect, it } from 'vitest'
import { qualityOf } from '../../core/quality.ts'
import type { Value, ValueType } from '../../core/signal.ts'
import { parseJson } from './formats/json.ts'
import { makeDecoder } from './payload.ts'

const documentOf = (text: string, exact: boolean): unknown => {
  const parsed = parseJson(Buffer.from(text), exact)
  return 'document' in parsed ? parsed.document : parsed
}

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
  ['float32', '3.4028235e38', 3.4028235e38],
  ['float32', '1e39', null, 'type'],
  ['float32', '-1e39', null, 'type'],
  ['float32', '1e999', null, 'not_a_number'],
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
  const decoded = makeDecoder({ type })(documentOf(json, true))
  expect(decoded.value).toBe(value)
  expect(qualityOf(decoded.quality).reason).toBe(reason)
})

it.each([
  ['int16', 3, '0.1', undefined, 0.3],
  ['float64', 7, '0.01', '-40', -39.93],
  ['uint64', 2n ** 63n, '0.5', undefined, 2n ** 62n],
  ['int64', 9007199254740993n, undefined, '1', 9007199254740994n],
  ['int64', -9007199254740993n, undefined, '-0.5', -9007199254740994],
  ['int64', 9007199254740993n, '2', '-18014398509481984', 2],
  ['uint64', 18446744073709551615n, undefined, '-1', 18446744073709551614n],
  ['int64', 9007199254740993n, undefined, '-9007199254740992', 1],
  ['uint32', 4294967295, '10000000', undefined, 42949672950000000],
  ['float64', 1e308, '1e9', undefined, null],
] as const)('scales %s %s by %s', (type, raw, scale, offset, value) => {
  expect(makeDecoder({ type, scale, offset })(raw).value).toBe(value)
})

it.each<[ValueType, unknown, Value | null, string?]>([
  ['uint16', 0, 0],
  ['int16', -1, -1],
  ['uint64', 18446744073709551615n, 18446744073709551615n],
  ['uint16', 2, null, 'label'],
  ['uint16', 65536, null, 'type'],
  ['uint16', '0', null, 'type'],
  ['uint16', null, null, 'reported'],
])('knows by its labels %s %s', (type, raw, value, reason = '') => {
  const labels = { 0: 'idle', '-1': 'fault', '18446744073709551615': 'none' }
  const decoded = makeDecoder({ type, labels })(raw)
  expect(decoded.value).toBe(value)
  expect(qualityOf(decoded.quality).reason).toBe(reason)
})

describe('text', () => {
  it.each<[ValueType, 'refuse' | 'point' | 'comma', string, Value | null, string?]>([
    ['float64', 'point', '21.5', 21.5],
    ['float64', 'point', ' -1.5e-3 ', -0.0015],
    ['float64', 'point', '+.5', 0.5],
    ['float64', 'point', '21,5', null, 'type'],
    ['float64', 'comma', '21,5', 21.5],
    ['float64', 'comma', '1.234,5', null, 'type'],
    ['float64', 'comma', '21.5', null, 'type'],
    ['float64', 'point', '21.5 °C', null, 'type'],
    ['float64', 'point', '0x10', null, 'type'],
    ['float64', 'point', 'NaN', null, 'not_a_number'],
    ['float64', 'point', '-Infinity', null, 'not_a_number'],
    ['float64', 'point', '1e999', null, 'not_a_number'],
    ['float64', 'point', '', null, 'reported'],
    ['float64', 'refuse', '21.5', null, 'type'],
    ['int64', 'point', '9223372036854775807', 9223372036854775807n],
    ['int64', 'point', '9223372036854775808', null, 'type'],
    ['uint16', 'point', '65535', 65535],
    ['uint16', 'point', '1.5', null, 'type'],
    ['bool', 'point', 'ON', true],
    ['bool', 'point', 'false', false],
    ['bool', 'point', '1', true],
    ['bool', 'point', '2', null, 'type'],
    ['bool', 'point', 'toString', null, 'type'],
    ['string', 'point', '21.5', '21.5'],
    ['string', 'point', '', ''],
  ])('%s, %s, %j', (type, texts, raw, value, reason = '') => {
    const decoded = makeDecoder({ type }, texts)(raw)
    expect(decoded.value).toBe(value)
    expect(qualityOf(decoded.quality).reason).toBe(reason)
  })
})

it('gives a float32 its shortest decimal, and only a float32', () => {
  expect(makeDecoder({ type: 'float32' })(Math.fround(21.1)).value).toBe(21.1)
  expect(makeDecoder({ type: 'float64' })(Math.fround(21.1)).value).toBe(Math.fround(21.1))
})
