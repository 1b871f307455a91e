import { describe, expect, it } from 'vitest'
import { VALUE_TYPES } from '../../core/signal.ts'
import { planModbusSource } from './plan.ts'
import { modbusSourceSchema } from './schema.ts'
import { rangeOf, registersOf, SIGNAL_TYPES, valueTypeOf } from './signal-type.ts'

/** The row of the dictionary that options lead to, and where the signal lies. */
const rowOf = (options: object) => {
  const config = modbusSourceSchema.parse({
    kind: 'modbus',
    host: '10.0.4.17',
    devices: { plc: { signals: { s: { holding: 7, ...options } } } },
  })
  const { plan, devices } = planModbusSource('line', config)
  const { type, unit, scale, labels } = plan.signals[0]!
  return { type, unit, scale, labels, registers: devices[0]!.signals[0]!.size }
}

describe('a signal in the dictionary', () => {
  it.each([
    [{}, { type: 'uint16', unit: '1', registers: 1 }],
    [{ bit: 3 }, { type: 'bool', registers: 1 }],
    [
      { type: 'uint32', bit: 17 },
      { type: 'bool', registers: 2 },
    ],
    [
      { bits: '4-7', labels: { 0: 'off' } },
      { type: 'uint16', unit: '1', labels: { 0: 'off' }, registers: 1 },
    ],
    [
      { type: 'uint64', bits: '4-7' },
      { type: 'uint64', unit: '1', registers: 4 },
    ],
    [
      { type: 'int8', byte: 'low', unit: '%' },
      { type: 'int16', unit: '%', registers: 1 },
    ],
    [
      { type: 'float16', unit: 'Cel' },
      { type: 'float32', unit: 'Cel', registers: 1 },
    ],
    [
      { type: 'bcd32', scale: 0.1 },
      { type: 'uint32', unit: '1', scale: '0.1', registers: 2 },
    ],
    [
      { type: 'mod10k', unit: 'W.h' },
      { type: 'uint64', unit: 'W.h', registers: 2 },
    ],
    [
      { type: 'mod10k', length: 4 },
      { type: 'uint64', unit: '1', registers: 4 },
    ],
    [{ type: 'unix32' }, { type: 'int64', unit: 'ms', registers: 2 }],
    [{ type: 'unix64_ms' }, { type: 'int64', unit: 'ms', registers: 4 }],
    [
      { type: 'string', length: 5, encoding: 'euc-kr' },
      { type: 'string', registers: 5 },
    ],
  ])('%j', (options, row) => {
    expect(rowOf(options)).toEqual({ unit: undefined, scale: undefined, labels: undefined, ...row })
  })

  it('has one of the types that readings can have', () => {
    for (const type of SIGNAL_TYPES) expect(VALUE_TYPES, type).toContain(valueTypeOf(type))
  })
})

it.each([
  ['int8', -128n, 127n],
  ['uint8', 0n, 255n],
  ['int16', -32_768n, 32_767n],
  ['uint32', 0n, 4_294_967_295n],
  ['int64', -(2n ** 63n), 2n ** 63n - 1n],
  ['bcd16', 0n, 9_999n],
  ['mod10k', 0n, 99_999_999n],
] as const)('%s holds %d to %d', (type, low, high) => {
  expect(rangeOf(type, registersOf(type))).toEqual([low, high])
})
