import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openModbusSource } from '../adapters/modbus/adapter.ts'
import type { Table } from '../adapters/modbus/address.ts'
import { describeReads } from '../adapters/modbus/plan.ts'
import { makeSimulatorMemory, openModbusSimulator } from '../adapters/modbus/simulator.ts'
import { makeClock } from '../core/clock.ts'
import { silentLog } from '../core/log.ts'
import { loadConfig } from './load.ts'
import { profileNames, readProfile } from './profiles.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-profiles-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Loads a source whose devices are these lines of YAML. */
function load(devices: readonly string[], port = 502) {
  const file = join(folder, 'sluice.yaml')
  const source = ['  bus:', '    kind: modbus', '    host: 127.0.0.1', `    port: ${port}`, '    devices:']
  const lines = ['version: 1', 'gateway: { name: g, data_dir: data }', 'sources:', ...source]
  writeFileSync(file, [...lines, ...devices.map((line) => `      ${line}`), ''].join('\n'))
  const { sources, problems } = loadConfig(file, { env: {}, now: 0 })
  const bus = sources.bus
  return { problems, config: bus?.kind === 'ok' && bus.config.kind === 'modbus' ? bus.config : undefined }
}

describe('the profiles that come with Sluice', () => {
  it.each(profileNames())('%s is right, says where its map is from, and every signal is planned', (name) => {
    const read = readProfile(name, folder)
    if (read.kind !== 'ok') throw new Error(JSON.stringify(read))
    expect(read.profile.sources.length).toBeGreaterThan(0)
    expect(read.profile.about).not.toBe('')

    const { problems, config } = load([`dev: { profile: ${name} }`])
    expect(problems).toEqual([])
    const reads = describeReads('bus', config!)
    const planned = reads.flatMap((r) => r.signals)
    expect(planned.toSorted()).toEqual(
      Object.keys(read.profile.signals)
        .map((s) => `dev/${s}`)
        .toSorted(),
    )
    const limit = Number(read.profile.device.max_registers ?? 125)
    expect(reads.filter((r) => r.quantity > limit && r.table !== 'coil' && r.table !== 'discrete')).toEqual([])
  })

  /** What the sources of the maps give as examples: registers as they stand in the answer, and the value they mean. */
  // The source of the first says 230.2, to one decimal.
  const examples: readonly (readonly [
    string,
    Table,
    number,
    readonly number[],
    Readonly<Record<string, number | null>>,
  ])[] = [
    ['eastron-sdm630', 'input', 0, [0x4366, 0x3334], { voltage_l1: 230.20001 }],
    [
      'abb-a43',
      'holding',
      0x5b08,
      [0, 0x0fca, 0, 0x0fc0, 0, 0x0065],
      {
        voltage_l3_l2: 404.2,
        voltage_l1_l3: 403.2,
        current_l1: 1.01,
      },
    ],
    ['abb-a43', 'holding', 0x5b14, [0x0001, 0xe8e4, 0, 0x5ae2], { power: 1251.56, power_l1: 232.66 }],
    ['abb-a43', 'holding', 0x5b20, [0xffff, 0xd04a], { reactive_power_l2: -122.14 }],
    ['abb-a43', 'holding', 0x5b2c, [0x1383, 0x0087], { frequency: 49.95, phase_angle: 13.5 }],
    ['abb-a43', 'holding', 0x5b3a, [0x03cc, 0x03e8], { power_factor: 0.972, power_factor_l1: 1 }],
    ['abb-a43', 'holding', 0x5b12, [0xffff, 0xffff, 0x7fff, 0xffff], { current_n: null, power: null }],
    ['vaisala-hmp', 'holding', 0, [0x7ae1, 0x41f4], { relative_humidity: 30.56 }],
    ['xy-md02', 'input', 1, [0xff33, 0x0222], { temperature: -20.5, relative_humidity: 54.6 }],
    ['xy-md02', 'input', 1, [0x0131], { temperature: 30.5 }],
    ['omron-e5cc', 'holding', 0x2004, [0xffce], { output_heating: -5 }],
  ]
  it.each(examples)('%s: %s %d reads as its source says', async (name, table, address, words, values) => {
    const memory = makeSimulatorMemory()
    memory.set(1, table, address, [...words])
    await using simulator = await openModbusSimulator({ read: memory.read })
    const { config } = load([`dev: { profile: ${name}, only: [${Object.keys(values).join(', ')}] }`], simulator.port)
    const context = { name: 'bus', clock: makeClock(), log: silentLog, marks: async () => [] }
    await using source = await openModbusSource(config!, context)
    const lines = await source.probe(new AbortController().signal)
    expect(Object.fromEntries(lines.map((l) => [l.signal, l.value]))).toEqual(values)
  })
})

describe('a profile in a configuration', () => {
  it('takes all signals, or those in `only`, beside signals of its own', () => {
    const { config } = load([
      'a: { profile: xy-md02 }',
      'b: { profile: xy-md02, only: [temperature], signals: { x: { holding: 9 } } }',
    ])
    expect(Object.keys(config!.devices.a!.signals)).toEqual(['temperature', 'relative_humidity'])
    expect(Object.keys(config!.devices.b!.signals)).toEqual(['temperature', 'x'])
  })

  it('lets the device and its signals say otherwise, option by option', () => {
    const { config, problems } = load([
      'a:',
      '  profile: carlo-gavazzi-em340',
      '  byte_order: ABCD',
      '  only: [power, frequency]',
      '  signals:',
      '    power: { period: 10s }',
      '    frequency: { holding: 7, scale: 0.01 }',
    ])
    expect(problems).toEqual([])
    const { byte_order, max_registers, signals } = config!.devices.a!
    expect([byte_order, max_registers]).toEqual(['ABCD', 50])
    expect(signals.power).toEqual({ input: 0x28, type: 'int32', scale: '0.1', unit: 'W', period: 10_000 })
    expect(signals.frequency).toEqual({ holding: 7, type: 'int16', scale: '0.01', unit: 'Hz' })
  })

  it('reads references of a profile of one’s own as they were written', () => {
    writeFileSync(join(folder, 'mine.yaml'), 'about: mine\nsignals: { t: { reference: 030001 } }\n')
    const { config, problems } = load(['a: { profile: ./mine.yaml }'])
    expect(problems).toEqual([])
    expect(config!.devices.a!.signals.t).toEqual({ reference: '030001' })
  })

  it('takes `profile: sunspec` without signals, and plans no request for it', () => {
    const { config, problems } = load(['a: { profile: sunspec }'])
    expect(problems).toEqual([])
    expect(describeReads('bus', config!)).toEqual([])
  })
})
