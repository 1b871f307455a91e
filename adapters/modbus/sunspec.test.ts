import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import type { ProbeReading } from '../source.ts'
import { openModbusSource } from './adapter.ts'
import { encodeRegisters } from './encode.ts'
import { modbusSourceSchema } from './schema.ts'
import { makeSimulatorMemory, openModbusSimulator, type SimulatedAnswer } from './simulator.ts'
import { POINT_SIZE, pointsOf } from './sunspec-models.ts'

const MARKER = [0x5375, 0x6e53]
const END = [0xffff, 0]
const ABSENT = {
  int16: 0x8000,
  sunssf: 0x8000,
  uint16: 0xffff,
  enum16: 0xffff,
  bits32: -1,
  acc32: 0,
  float32: Number.NaN,
}

/** Registers of a model: the points that are given, all others not there. */
function model(id: number, given: Readonly<Record<string, number>>): number[] {
  const words = pointsOf(id).flatMap(({ name, kind }) => {
    const value = given[name] ?? ABSENT[kind]
    if (kind === 'float32') return encodeRegisters(value, 'float32')
    return POINT_SIZE[kind] === 2 ? encodeRegisters(value >>> 0, 'uint32') : [value & 0xffff]
  })
  return [id, words.length, ...words]
}

function common(): number[] {
  const text = (value: string, length: number): number[] => encodeRegisters(value, 'string', 'ABCD', length)
  return [
    1,
    66,
    ...text('Fronius', 16),
    ...text('Symo 10', 16),
    ...text('', 8),
    ...text('1.2', 8),
    ...text('4711', 16),
    1,
    0x8000,
  ]
}

async function probe(
  read: (address: number, quantity: number) => SimulatedAnswer,
  device: object = { profile: 'sunspec' },
): Promise<{ readonly lines: readonly ProbeReading[]; readonly asked: readonly string[] }> {
  await using simulator = await openModbusSimulator({
    read: (_unit, _table, address, quantity) => read(address, quantity),
  })
  const { host, port } = simulator
  const config = modbusSourceSchema.parse({ kind: 'modbus', host, port, timeout: '250ms', devices: { inv: device } })
  const context = { name: 'roof', clock: makeClock(), log: silentLog, marks: async () => [] }
  await using source = await openModbusSource(config, context)
  const lines = await source.probe(new AbortController().signal)
  return { lines, asked: simulator.log.map((r) => `${r.address}+${r.quantity}`) }
}

function memoryAt(base: number, words: readonly number[]): (address: number, quantity: number) => SimulatedAnswer {
  const memory = makeSimulatorMemory()
  memory.set(1, 'holding', base, [...words])
  return (address, quantity) =>
    address < base || address + quantity > base + words.length
      ? { exception: 2 }
      : memory.read(1, 'holding', address, quantity)
}

const INVERTER = {
  A: 1234,
  AphA: 400,
  A_SF: -2,
  W: -150 & 0xffff,
  W_SF: 1,
  Hz: 4998,
  Hz_SF: -2,
  WH: 123_456,
  WH_SF: 0,
  TmpCab: 451,
  Tmp_SF: -1,
  St: 4,
  VA: 9,
}
const METER = { A: 55, A_SF: -1, W: 700, W_SF: 0, TotWhExp: 0, TotWhImp: 42, TotWh_SF: 3 }

describe('profile: sunspec', () => {
  it('has models as long as the specification says', () => {
    const lengths = [101, 102, 103, 111, 113, 201, 203, 204, 213].map((id) => model(id, {})[1])
    expect(lengths).toEqual([50, 50, 50, 60, 60, 105, 105, 105, 124])
  })

  it('shows the models, and signals with the scale factors of now; leaves out what the device does not have', async () => {
    const words = [...MARKER, ...common(), ...model(103, INVERTER), 160, 2, 7, 7, ...model(203, METER), ...END]
    const { lines } = await probe(memoryAt(40_000, words))
    const shown = lines.map((l) => [l.signal, l.value])
    expect(shown).toEqual([
      ['sunspec 1', 'Fronius Symo 10 1.2 serial 4711'],
      ['sunspec 103', 'inverter, three phase'],
      ['sunspec 160', 'not read here'],
      ['sunspec 203', 'meter, three phase wye'],
      ['A', 12.34],
      ['AphA', 4],
      ['W', -1500],
      ['Hz', 49.98],
      ['WH', 123_456],
      ['TmpCab', 45.1],
      ['St', 4],
      ['A_203', 5.5],
      ['W_203', 700],
      ['TotWhExp', 0],
      ['TotWhImp', 42_000],
    ])
    expect(lines.slice(4).every((l) => l.quality === 'good')).toBe(true)

    // What it proposes is a configuration that reads the same.
    const signals = parse(lines.flatMap((l) => l.propose ?? []).join('\n'))
    expect(signals.W).toMatchObject({ holding: 40_084, type: 'int16', scale: 10, unit: 'W', invalid: [0x8000] })
    const again = await probe(memoryAt(40_000, words), { signals })
    expect(again.lines.map((l) => [l.signal, l.value])).toEqual(shown.slice(4))
  })

  it.each([0, 50_000])('finds the list at %d', async (base) => {
    const { lines } = await probe(memoryAt(base, [...MARKER, ...model(113, { W: 1250.5 }), ...END]))
    expect(lines.map((l) => [l.signal, l.value])).toEqual([
      ['sunspec 113', 'inverter, three phase, float'],
      ['W', 1250.5],
    ])
  })

  it('goes on where the device is silent to the first places, whose list lies at the last', async () => {
    const list = memoryAt(50_000, [...MARKER, ...model(113, { W: 1250.5 }), ...END])
    const { lines, asked } = await probe((address, quantity) => (address < 50_000 ? 'silent' : list(address, quantity)))
    expect(lines.map((l) => [l.signal, l.value])).toEqual([
      ['sunspec 113', 'inverter, three phase, float'],
      ['W', 1250.5],
    ])
    expect(asked.slice(0, 3)).toEqual(['40000+2', '0+2', '50000+2'])
  })

  it('finds the next device behind one that is dead: its silence at three places is not that of the link', async () => {
    const list = memoryAt(40_000, [...MARKER, ...model(113, { W: 5 }), ...END])
    await using simulator = await openModbusSimulator({
      read: (unit, _table, address, quantity) => (unit === 2 ? list(address, quantity) : 'silent'),
    })
    const { host, port } = simulator
    const devices = { dead: { profile: 'sunspec' }, inv: { profile: 'sunspec', unit_id: 2 } }
    const config = modbusSourceSchema.parse({ kind: 'modbus', host, port, timeout: '250ms', devices })
    const context = { name: 'roof', clock: makeClock(), log: silentLog, marks: async () => [] }
    await using source = await openModbusSource(config, context)
    const lines = await source.probe(new AbortController().signal)
    expect(lines.map((l) => [l.device, l.signal, l.value, l.reason])).toEqual([
      ['dead', 'sunspec', null, 'source-timeout'],
      ['inv', 'sunspec 113', 'inverter, three phase, float', ''],
      ['inv', 'W', 5, ''],
    ])
  })

  it('reads models in pieces that the device answers', async () => {
    const words = [...MARKER, ...model(213, { W: 5 }), ...END]
    const { lines, asked } = await probe(memoryAt(0, words), { profile: 'sunspec', max_registers: 50 })
    expect(lines.map((l) => l.value)).toEqual(['meter, three phase wye, float', 5])
    expect(asked.slice(2, 6)).toEqual(['2+2', '2+50', '52+50', '102+26'])
  })

  it('asks for nothing that is forbidden, and says so', async () => {
    const forbidden = [{ table: 'holding', from: 0, to: 100 }]
    const { lines, asked } = await probe(memoryAt(0, [...MARKER, ...END]), { profile: 'sunspec', forbidden })
    expect(asked).toEqual(['40000+2', '50000+2'])
    expect(lines.map((l) => l.reason)).toEqual([
      'no SunSpec marker at 40000, 0, 50000',
      'holding 0–100 is forbidden and was not asked for',
    ])
  })

  it('says where there is no list, no end of it, or no answer', async () => {
    const reason = async (...args: Parameters<typeof probe>): Promise<unknown> =>
      (await probe(...args)).lines.at(-1)?.reason
    expect(await reason(memoryAt(40_000, [1, 2, 3, 4]))).toBe('no SunSpec marker at 40000, 0, 50000')
    expect(await reason(memoryAt(40_000, [...MARKER, 160, 1, 7]))).toBe('the list of models has no end')
    expect(await reason(() => 'silent')).toBe('source-timeout')
    const refusing = (address: number): SimulatedAnswer => (address === 0 ? 'silent' : { exception: 2 })
    expect(await reason(refusing)).toBe('no SunSpec marker at 40000, 0, 50000, no answer at 0')
    const breaksOff = memoryAt(40_000, [...MARKER, 160, 1, 7])
    expect(await reason((address, n) => (address === 40_005 ? 'silent' : breaksOff(address, n)))).toBe('source-timeout')
    // A list that never ends, of models without length.
    expect(await reason((address) => (address === 40_000 ? MARKER : [160, 0]))).toBe('the list of models has no end')
  })

  it('asks a device for nothing while it runs', async () => {
    await using simulator = await openModbusSimulator({ read: () => [0] })
    const { host, port } = simulator
    const devices = { inv: { profile: 'sunspec' }, plc: { signals: { a: { holding: 1, period: '50ms' } } } }
    const config = modbusSourceSchema.parse({ kind: 'modbus', host, port, devices })
    const context = { name: 'roof', clock: makeClock(), log: silentLog, marks: async () => [] }
    await using source = await openModbusSource(config, context)
    let deliveries = 0
    const stop = new AbortController()
    for await (const delivery of source.readings(stop.signal))
      if (delivery.block.times.length > 0 && ++deliveries === 3) stop.abort()
    expect(new Set(simulator.log.map((r) => r.address))).toEqual(new Set([1]))
  })
})
