import { describe, expect, it } from 'vitest'
import { describeReads, planModbusSource, readCost } from './plan.ts'
import { modbusSourceSchema } from './schema.ts'

describe('planModbusSource', () => {
  const config = modbusSourceSchema.parse({
    kind: 'modbus',
    host: '10.0.4.17',
    period: '2s',
    byte_order: 'CDAB',
    devices: {
      'press-7-plc': {
        unit_id: 3,
        asset: 'press-7',
        signals: {
          oil_temperature: { holding: 100, type: 'float32', unit: 'Cel' },
          pressure: { reference: '40103', scale: 0.1, unit: 'bar', byte_order: 'ABCD' },
          state: { holding: 110, labels: { 0: 'idle', 1: 'run' }, period: '500ms' },
          guard: { coil: 4 },
        },
      },
      meter: {
        asset: 'press-7',
        period: '10s',
        signals: { state: { input: 1 }, serial: { input: 2, type: 'string', length: 4 } },
      },
    },
  })
  const { plan, devices, problems } = planModbusSource('line', config)

  it('fills in what is inherited', () => {
    expect(plan).toEqual({
      assets: ['press-7'],
      polled: true,
      signals: [
        {
          id: 'press-7/oil_temperature',
          asset: 'press-7',
          name: 'oil_temperature',
          source: 'line',
          type: 'float32',
          unit: 'Cel',
          cadence: { kind: 'periodic', every: 2_000 },
        },
        {
          id: 'press-7/pressure',
          asset: 'press-7',
          name: 'pressure',
          source: 'line',
          type: 'uint16',
          unit: 'bar',
          scale: '0.1',
          cadence: { kind: 'periodic', every: 2_000 },
        },
        {
          id: 'press-7/state',
          asset: 'press-7',
          name: 'state',
          source: 'line',
          type: 'uint16',
          unit: '1',
          labels: { 0: 'idle', 1: 'run' },
          cadence: { kind: 'periodic', every: 500 },
        },
        {
          id: 'press-7/guard',
          asset: 'press-7',
          name: 'guard',
          source: 'line',
          type: 'bool',
          cadence: { kind: 'periodic', every: 2_000 },
        },
        {
          id: 'press-7/serial',
          asset: 'press-7',
          name: 'serial',
          source: 'line',
          type: 'string',
          cadence: { kind: 'periodic', every: 10_000 },
        },
      ],
    })
    expect(devices[0]!.signals.map((s) => s.byte_order)).toEqual(['CDAB', 'ABCD', 'CDAB', 'CDAB'])
  })

  it('names a signal that two devices feed', () => {
    expect(problems).toEqual([
      {
        path: ['sources', 'line', 'devices', 'meter', 'signals', 'state'],
        message: 'signal press-7/state is configured twice: device press-7-plc has it too',
        hint: 'give it another name, or the device another asset',
      },
    ])
  })

  it('describes one request for the signals of a device and period', () => {
    expect(describeReads('line', config)).toEqual([
      {
        source: 'line',
        unit_id: 3,
        table: 'holding',
        address: 110,
        quantity: 1,
        signals: ['press-7/state'],
        period: 500,
      },
      {
        source: 'line',
        unit_id: 3,
        table: 'holding',
        address: 100,
        quantity: 3,
        signals: ['press-7/oil_temperature', 'press-7/pressure'],
        period: 2_000,
      },
      { source: 'line', unit_id: 3, table: 'coil', address: 4, quantity: 1, signals: ['press-7/guard'], period: 2_000 },
      {
        source: 'line',
        unit_id: 1,
        table: 'input',
        address: 2,
        quantity: 4,
        signals: ['press-7/serial'],
        period: 10_000,
      },
    ])
  })
})

describe('readCost', () => {
  it.each<[object, { request_ms: number; register_ms: number }]>([
    [{ host: 'plc' }, { request_ms: 5, register_ms: 0.01 }],
    [
      { host: 'plc', cost: { request: '40ms', register: '0.5ms' } },
      { request_ms: 40, register_ms: 0.5 },
    ],
    [
      { host: 'plc', cost: { request: '2ms' } },
      { request_ms: 2, register_ms: 0.01 },
    ],
  ])('of %j', (options, cost) => {
    const devices = { plc: { signals: { a: { holding: 0 } } } }
    expect(readCost(modbusSourceSchema.parse({ kind: 'modbus', devices, ...options }))).toEqual(cost)
  })

  it('bridges on a serial line only what its speed lets pay', () => {
    const reads = (options: object): number => {
      const devices = { plc: { signals: { a: { holding: 0 }, b: { holding: 20 } } } }
      return describeReads('line', modbusSourceSchema.parse({ kind: 'modbus', devices, ...options })).length
    }
    expect(reads({ host: 'plc' })).toBe(1)
    expect(reads({ host: 'plc', max_gap: 18 })).toBe(2)
    expect(reads({ host: 'plc', max_gap: 19 })).toBe(1)
    const line = { transport: 'rtu', serial_device: '/dev/ttyUSB0' }
    expect(reads({ ...line, baud_rate: 9_600 })).toBe(2)
    expect(reads({ ...line, baud_rate: 115_200 })).toBe(1)
  })
})
