import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TABLES } from './address.ts'
import { describeReads, type Place, planModbusSource, planReads, type ReadLimits, splitRead } from './plan.ts'
import { modbusSourceSchema } from './schema.ts'

const limits: ReadLimits = { max_registers: 125, max_bits: 2000, max_gap: 0 }
const holding = (address: number, size = 1): Place => ({ table: 'holding', address, size })
const spans = (signals: readonly Place[], l: Partial<ReadLimits> = {}): string[] =>
  planReads(signals, { ...limits, ...l }).map((r) => `${r.address}+${r.quantity}`)

describe('planReads', () => {
  it.each<[string, Place[], Partial<ReadLimits>, string[]]>([
    ['contiguous', [holding(0), holding(1, 2), holding(3)], {}, ['0+4']],
    ['a hole', [holding(0), holding(2)], {}, ['0+1', '2+1']],
    ['a hole that may be bridged', [holding(0), holding(2)], { max_gap: 1 }, ['0+3']],
    ['a hole one too wide', [holding(0), holding(3)], { max_gap: 1 }, ['0+1', '3+1']],
    ['bits of one word', Array.from({ length: 16 }, () => holding(7)), {}, ['7+1']],
    ['a number inside a string', [holding(12), holding(10, 8)], {}, ['10+8']],
    ['an overlap', [holding(10, 4), holding(12, 4)], {}, ['10+6']],
    ['more than fits', [holding(0, 100), holding(100, 30)], {}, ['0+100', '100+30']],
    ['exactly what fits', [holding(0, 100), holding(100, 25)], {}, ['0+125']],
    ['a smaller device', [holding(0, 4), holding(4, 4), holding(8, 4)], { max_registers: 8 }, ['0+8', '8+4']],
    ['two tables', [holding(0), { table: 'input', address: 1, size: 1 }], {}, ['0+1', '1+1']],
    ['the last address', [holding(65_535)], {}, ['65535+1']],
    ['nothing', [], {}, []],
  ])('plans %s', (_, signals, l, expected) => {
    expect(spans(signals, l)).toEqual(expected)
  })

  it('covers every signal exactly once, whole, within the limits and without wide holes', () => {
    const place = fc.record({
      table: fc.constantFrom(...TABLES),
      address: fc.integer({ min: 0, max: 400 }),
      size: fc.integer({ min: 1, max: 10 }),
    })
    fc.assert(
      fc.property(
        fc.array(place, { maxLength: 60 }),
        fc.record({
          max_registers: fc.integer({ min: 10, max: 125 }),
          max_bits: fc.integer({ min: 10, max: 2000 }),
          max_gap: fc.integer({ min: 0, max: 20 }),
        }),
        (signals, l) => {
          const reads = planReads(signals, l)
          expect(new Set(reads.flatMap((r) => r.signals)).size).toBe(new Set(signals).size)
          expect(reads.flatMap((r) => r.signals)).toHaveLength(signals.length)
          for (const read of reads) {
            const bits = read.table === 'coil' || read.table === 'discrete'
            expect(read.quantity).toBeLessThanOrEqual(bits ? l.max_bits : l.max_registers)
            let reached = read.address
            for (const s of read.signals) {
              expect(s.table).toBe(read.table)
              expect(s.address).toBeGreaterThanOrEqual(read.address)
              expect(s.address + s.size).toBeLessThanOrEqual(read.address + read.quantity)
              expect(s.address - reached).toBeLessThanOrEqual(l.max_gap)
              reached = Math.max(reached, s.address + s.size)
            }
            expect(reached).toBe(read.address + read.quantity)
            expect(read.signals[0]!.address).toBe(read.address)
          }
        },
      ),
    )
  })

  it('splits a read into its distinct places', () => {
    const [read] = planReads([holding(1), holding(1), holding(1, 2), holding(2)], limits)
    expect(splitRead(read!).map((r) => [r.address, r.quantity, r.signals.length])).toEqual([
      [1, 2, 1],
      [1, 1, 2],
      [2, 1, 1],
    ])
  })
})

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
