import { expect, it } from 'vitest'
import { loadOf } from './load.ts'
import { modbusSourceSchema } from './schema.ts'

/** Reading costs 10 ms a request and 1 ms a register here. */
const loads = (options: object) =>
  loadOf(
    'line',
    modbusSourceSchema.parse({
      ...{ kind: 'modbus', host: '127.0.0.1', cost: { request: '10ms', register: '1ms' } },
      ...{ max_gap: 0, period: '100ms' },
      ...options,
    }),
  )
const two = { a: { holding: 0, type: 'float32' }, b: { holding: 10, type: 'float32' } }

it('says requests, registers, bits, cycle time and load by device and period', () => {
  const { cycles, load, warnings } = loads({
    devices: {
      meter: { unit_id: 7, signals: { ...two, c: { coil: 0 }, d: { coil: 15 }, slow: { input: 3, period: '1s' } } },
    },
  })
  expect(cycles).toEqual([
    {
      ...{ source: 'line', device: 'meter', unit_id: 7, period: 100 },
      ...{ requests: 4, registers: 4, bits: 2, cycle_ms: 44.125, load: 0.44125 },
    },
    {
      ...{ source: 'line', device: 'meter', unit_id: 7, period: 1_000 },
      ...{ requests: 1, registers: 1, bits: 0, cycle_ms: 11, load: 0.011 },
    },
  ])
  expect(load).toBeCloseTo(0.45225)
  expect(warnings).toEqual([])
})

it.each([
  { options: {}, cycle_ms: 24 },
  { options: { min_gap: '5ms' }, cycle_ms: 34 },
  { options: { max_requests_per_s: 20 }, cycle_ms: 100 },
  { options: { max_in_flight: 2 }, cycle_ms: 12 },
  { options: { max_in_flight: 4 }, cycle_ms: 12 },
])('a cycle under $options takes $cycle_ms ms', ({ options, cycle_ms }) => {
  expect(loads({ ...options, devices: { m: { signals: two } } }).cycles[0]!.cycle_ms).toBeCloseTo(cycle_ms)
})

it('takes the cost of a serial line from its baud rate', () => {
  const line = (baud_rate: number) =>
    loadOf(
      'line',
      modbusSourceSchema.parse({
        ...{ kind: 'modbus', transport: 'rtu', serial_device: '/dev/ttyUSB0', baud_rate },
        devices: { m: { signals: { a: { holding: 0 } } } },
      }),
    ).cycles[0]!.cycle_ms
  // 15 characters and two silences of 3.5 at 11 bits each, and 5 ms of the device
  expect(line(9_600)).toBeCloseTo((22 * 11_000) / 9_600 + 5)
  expect(line(1_200)).toBeGreaterThan(200)
})

it.each([
  {
    why: 'one period that is too short',
    devices: { m: { period: '50ms', signals: { ...two, c: { input: 0 }, d: { coil: 0 }, e: { discrete: 0 } } } },
    says: [/m takes about 55 ms and is to be read every 50ms: cycles will be skipped/],
  },
  {
    why: 'periods that fall together',
    devices: { m: { period: '50ms', signals: { ...two, c: { input: 0, length: 120, type: 'string', period: '1m' } } } },
    says: [/m takes about 154 ms when all its periods fall together/],
  },
  {
    why: 'devices that are too many for one connection',
    devices: Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`m${i}`, { unit_id: i + 1, signals: two }])),
    says: [/ask for 120 % of the time of one connection/],
  },
  { why: 'devices that it can serve', devices: { a: { signals: two }, b: { unit_id: 2, signals: two } }, says: [] },
])('says of $why', ({ devices, says }) => {
  const { warnings } = loads({ devices })
  expect(warnings).toHaveLength(says.length)
  for (const [i, text] of says.entries()) expect(warnings[i]).toMatch(text)
})
