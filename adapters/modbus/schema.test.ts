import { describe, expect, it } from 'vitest'
import { parseReference } from './address.ts'
import { modbusSourceSchema } from './schema.ts'

const check = (signal: object, device: object = {}, source: object = {}): readonly (readonly [string, string])[] => {
  const config = {
    kind: 'modbus',
    host: '10.0.4.17',
    devices: { plc: { ...device, signals: { s: signal } } },
    ...source,
  }
  const result = modbusSourceSchema.safeParse(config)
  return (result.error?.issues ?? []).map(
    (i) => [i.path.join('.').replace('devices.plc.signals.', ''), i.message] as const,
  )
}

describe('modbusSourceSchema', () => {
  it.each([
    [{ holding: 0 }],
    [{ input: 65_535 }],
    [{ input: 65_532, type: 'float64' }],
    [{ coil: 4 }],
    [{ discrete: 4, type: 'bool' }],
    [{ holding: 120, bit: 3 }],
    [{ holding: 120, bit: 15, type: 'bool' }],
    [{ reference: '40101', type: 'uint32' }],
    [{ holding: 1, type: 'string', length: 10 }],
    [{ holding: 1, scale: 0.1, offset: '-40', unit: 'Cel' }],
    [{ holding: 1, labels: { 0: 'idle', '-1': 'fault' }, type: 'int16' }],
    [{ holding: 1, type: 'uint32', bit: 31 }],
    [{ holding: 1, bits: '4-7', labels: { 0: 'off', 15: 'all' } }],
    [{ holding: 1, type: 'uint64', bits: '0-63' }],
    [{ holding: 1, type: 'int8', byte: 'high' }],
    [{ holding: 1, type: 'string', length: 8, byte: 'low', encoding: 'euc-kr' }],
    [{ holding: 1, type: 'mod10k', length: 4, unit: 'W.h' }],
    [{ holding: 1, type: 'bcd32', scale: 0.01, unit: 'kg' }],
    [{ holding: 1, type: 'unix64_ms' }],
    [{ holding: 1, invalid: [0x8000, '0xFFFF'] }],
    [{ holding: 1, type: 'uint64', invalid: ['0xFFFFFFFFFFFFFFFF'] }],
  ])('takes %j', (signal) => {
    expect(check(signal)).toEqual([])
  })

  it.each<[object, string, RegExp]>([
    [{}, 's', /no address/],
    [{ holding: 1, input: 2 }, 's.input', /beside `holding`/],
    [{ holding: 1, reference: '40002' }, 's.reference', /beside `holding`/],
    [{ holding: -1 }, 's.holding', /0/],
    [{ holding: 65_536 }, 's.holding', /65535/],
    [{ holding: '100' }, 's.holding', /number/],
    [{ holding: 65_535, type: 'uint32' }, 's.holding', /goes beyond 65535/],
    [{ reference: '465536', type: 'float64' }, 's.reference', /goes beyond 65535/],
    [{ reference: '40000' }, 's.reference', /not a Modicon reference/],
    [{ reference: '20001' }, 's.reference', /not a Modicon reference/],
    [{ reference: '4101' }, 's.reference', /not a Modicon reference/],
    [{ reference: 40_101 }, 's.reference', /expected a Modicon reference/],
    [{ coil: 1, type: 'float32' }, 's.type', /coil has no type/],
    [{ coil: 1, bit: 0 }, 's.bit', /has no `bit`/],
    [{ holding: 1, bit: 1, type: 'float32' }, 's.bit', /beside type float32/],
    [{ holding: 1, bit: 16 }, 's.bit', /beyond 15/],
    [{ holding: 1, bit: 64 }, 's.bit', /63/],
    [{ holding: 1, type: 'uint32', bit: 32 }, 's.bit', /beyond 31, the last of uint32/],
    [{ holding: 1, bits: [4, 7] }, 's.bits', /first and a last bit/],
    [{ holding: 1, bits: '7-4' }, 's.bits', /first and a last bit/],
    [{ holding: 1, bits: '4-16' }, 's.bits', /beyond 15/],
    [{ holding: 1, bits: '4-7', bit: 4 }, 's.bits', /beside `bit`/],
    [{ holding: 1, bits: '4-7', type: 'float32' }, 's.bits', /beside type float32/],
    [{ discrete: 1, bits: '4-7' }, 's.bits', /has no `bits`/],
    [{ holding: 1, type: 'uint8' }, 's.type', /which byte/],
    [{ holding: 1, byte: 'low' }, 's.byte', /on a uint16/],
    [{ holding: 1, type: 'uint8', byte: 'upper' }, 's.byte', /high/],
    [{ holding: 1, type: 'string', length: 2, byte: 'low', encoding: 'utf-16' }, 's.byte', /both bytes/],
    [{ holding: 1, encoding: 'ascii' }, 's.encoding', /for strings/],
    [{ holding: 1, deadband: {} }, 's.deadband', /one of/],
    [{ holding: 1, deadband: { absolute: 1, percent: 1 } }, 's.deadband', /one of/],
    [{ holding: 1, deadband: { absolute: -1 } }, 's.deadband.absolute', /0/],
    [{ holding: 1, deadband: { percent: 200 } }, 's.deadband.percent', /100/],
    [{ coil: 1, deadband: { absolute: 1 } }, 's.deadband', /only numbers/],
    [{ holding: 1, labels: { 0: 'idle' }, deadband: { percent: 1 } }, 's.deadband', /only numbers/],
    [{ holding: 1, range: [9, 1] }, 's.range', /empty/],
    [{ holding: 1, range: [1] }, 's.range', /lowest and the highest/],
    [{ coil: 1, range: [0, 1] }, 's.range', /for numbers/],
    [{ holding: 1, type: 'string', length: 2, encoding: 'cp949' }, 's.encoding', /euc-kr/],
    [{ holding: 1, type: 'mod10k', length: 5 }, 's.length', /a mod10k of 5 registers/],
    [{ holding: 65_533, type: 'mod10k', length: 4 }, 's.holding', /goes beyond 65535/],
    [{ holding: 1, type: 'unix32', scale: 2 }, 's.scale', /on a time/],
    [{ holding: 1, type: 'unix32', unit: 's' }, 's.unit', /on a time/],
    [{ holding: 1, type: 'unix32', labels: { 0: 'never' } }, 's.labels', /on a unix32/],
    [{ holding: 1, labels: {} }, 's.labels', /every reading would be bad/],
    [{ holding: 1, labels: { '-1': 'far' } }, 's.labels.-1', /can never come/],
    [{ holding: 1, labels: { 65536: 'far' } }, 's.labels.65536', /can never come/],
    [{ holding: 1, type: 'bcd16', labels: { 10000: 'far' } }, 's.labels.10000', /can never come/],
    [{ holding: 1, bits: '4-5', labels: { 4: 'far' } }, 's.labels.4', /can never come/],
    [{ holding: 1, scale: 2, labels: { 0: 'off' } }, 's.scale', /beside `labels`/],
    [{ holding: 1, invalid: [] }, 's.invalid', /1/],
    [{ holding: 1, invalid: 0x8000 }, 's.invalid', /array/],
    [{ holding: 1, invalid: ['-1'] }, 's.invalid.0', /not an unsigned whole number/],
    [{ holding: 1, invalid: [1.5] }, 's.invalid.0', /not an unsigned whole number/],
    [{ holding: 1, invalid: [0x1ffff] }, 's.invalid.0', /0x1FFFF has more than the 16 bits/],
    [{ holding: 1, type: 'int8', byte: 'low', invalid: [256] }, 's.invalid.0', /more than the 8 bits of int8/],
    [{ holding: 1, type: 'string', length: 2, invalid: [0] }, 's.invalid', /on a string/],
    [{ coil: 1, invalid: [1] }, 's.invalid', /has no `invalid`/],
    [{ holding: 1, type: 'REAL' }, 's.type', /"REAL" is written float32 here/],
    [{ holding: 1, type: 'UInt16' }, 's.type', /"UInt16" is written uint16 here/],
    [{ holding: 1, type: 'float' }, 's.type', /float32/],
    [{ holding: 1, type: 'string' }, 's.type', /needs its length/],
    [{ holding: 1, length: 3 }, 's.length', /for strings/],
    [{ coil: 1, unit: 'Cel' }, 's.unit', /on a bool/],
    [{ holding: 1, unit: '℃' }, 's.unit', /unknown unit/],
    [{ holding: 1, scale: 0 }, 's.scale', /the same/],
    [{ holding: 1, scale: 'x' }, 's.scale', /not a decimal/],
    [{ holding: 1, type: 'float32', labels: { 0: 'a' } }, 's.labels', /on a float32/],
    [{ holding: 1, labels: { idle: '0' } }, 's.labels.idle', /key/],
    [{ holding: 1, period: '10ms' }, 's.period', /out of range/],
    [{ holding: 1, byte_order: 'BE' }, 's.byte_order', /ABCD/],
  ])('refuses %j', (signal, path, message) => {
    expect(check(signal)).toEqual([[path, expect.stringMatching(message)]])
  })

  it.each<[object, object, string, RegExp]>([
    [{ unit_id: 256 }, {}, 'devices.plc.unit_id', /255/],
    [{ max_registers: 126 }, {}, 'devices.plc.max_registers', /125/],
    [{}, { host: '10.0.0.1:502' }, 'host', /not a host/],
    [{}, { host: 'tcp://10.0.0.1' }, 'host', /not a host/],
    [{}, { port: 0 }, 'port', /1/],
    [{}, { transport: 'ascii' }, 'transport', /rtu/],
    [{}, { timeout: '1ms' }, 'timeout', /out of range/],
    [{}, { max_in_flight: 5 }, 'max_in_flight', /4/],
    [{}, { devices: {} }, 'devices', /no devices/],
    [{}, { devices: { plc: { signals: {} } } }, 'devices.plc.signals', /no signals/],
  ])('refuses device %j and source %j', (device, source, path, message) => {
    expect(check({ holding: 1 }, device, source)).toEqual([[path, expect.stringMatching(message)]])
  })

  it('refuses a signal longer than the device answers at once', () => {
    expect(check({ holding: 1, type: 'string', length: 10 }, { max_registers: 8 })).toEqual([
      ['s.length', expect.stringMatching(/never|more than/)],
    ])
  })
})

describe('parseReference', () => {
  it.each([
    ['40001', 'holding', 0],
    ['40101', 'holding', 100],
    ['400101', 'holding', 100],
    ['465536', 'holding', 65_535],
    ['30031', 'input', 30],
    ['10005', 'discrete', 4],
    ['00005', 'coil', 4],
    ['030001', 'coil', 30_000],
  ] as const)('reads %s', (text, table, address) => {
    expect(parseReference(text)).toEqual({ table, address })
  })
})
