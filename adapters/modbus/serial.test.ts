import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeClock } from '../../core/clock.ts'
import { FAULTS, Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { findLibmodbus, openLibmodbusRtu } from '../../test/support/libmodbus.ts'
import { openModbusSource } from './adapter.ts'
import { modbusSourceSchema } from './schema.ts'
import { faultOfOpening } from './serial-link.ts'

const flags = await findLibmodbus()
const context = { name: 'bus', clock: makeClock(20), log: silentLog, marks: async () => [] }
const never = new AbortController().signal

const bus = (serial_device: string, devices: object, timeout = '2s') =>
  modbusSourceSchema.parse({
    kind: 'modbus',
    transport: 'rtu',
    serial_device,
    baud_rate: 115_200,
    timeout,
    devices,
  })
const faultOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'opened',
    (error: unknown) => error,
  )

describe.skipIf(flags === undefined)('on a serial line with a device of libmodbus', () => {
  const signals = {
    abcd: { holding: 0, type: 'float32' },
    dcba: { holding: 6, type: 'float32', byte_order: 'DCBA' },
    int64: { holding: 10, type: 'int64' },
    input: { input: 1000 },
    coil: { coil: 9 },
    discrete: { discrete: 7 },
    beyond: { holding: 2000 },
    // Bits whose request over an echoing adapter is itself a valid answer: three bytes from 0x0300.
    ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`c${i}`, { coil: 0x300 + i }])),
  }
  const values = {
    abcd: 123456.5,
    dcba: 123456.5,
    int64: '9007199254740995',
    input: 1000,
    coil: true,
    discrete: true,
    beyond: null,
    ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`c${i}`, (0x300 + i) % 3 === 0])),
  }

  it.each([{ echo: false }, { echo: true }])('reads every table, echo $echo', async ({ echo }) => {
    await using device = await openLibmodbusRtu(flags!, { unit_id: 5, echo })
    await using source = await openModbusSource(bus(device.path, { meter: { unit_id: 5, signals } }), context)
    const lines = await source.probe(never)
    expect(Object.fromEntries(lines.map((l) => [l.signal, l.value]))).toEqual(values)
    expect(lines.find((l) => l.signal === 'beyond')?.reason).toBe('illegal_address')
    expect(source.counters()).toMatchObject({ timeouts: 0, exceptions: 1, dropped_frames: 0 })
  })

  it('reads 125 registers at once', async () => {
    await using device = await openLibmodbusRtu(flags!, { unit_id: 5 })
    const many = Object.fromEntries(Array.from({ length: 125 }, (_, i) => [`r${i}`, { input: i }]))
    await using source = await openModbusSource(bus(device.path, { meter: { unit_id: 5, signals: many } }), context)
    const lines = await source.probe(never)
    expect(lines.map((l) => l.value)).toEqual(Array.from({ length: 125 }, (_, i) => 2000 - i))
    expect(source.counters().requests).toBe(1)
  })

  it('goes on with one unit while another is silent', async () => {
    await using device = await openLibmodbusRtu(flags!, { unit_id: 5 })
    const devices = {
      dead: { unit_id: 6, signals: { x: { holding: 520 } } },
      alive: { unit_id: 5, signals: { y: { holding: 521 } } },
    }
    await using source = await openModbusSource(bus(device.path, devices, '200ms'), context)
    const lines = await source.probe(never)
    expect(lines.map((l) => [l.device, l.value, l.reason])).toEqual([
      ['dead', null, 'source-timeout'],
      ['alive', 521, ''],
    ])
  })

  it('loses an adapter that is unplugged, says that it is absent, and opens it when it is back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-serial-'))
    const path = join(folder, 'ttyUSB0')
    const config = bus(path, { meter: { unit_id: 5, signals: { y: { holding: 521 } } } })
    try {
      const device = await openLibmodbusRtu(flags!, { unit_id: 5 })
      await symlink(device.path, path)
      await using source = await openModbusSource(config, context)
      const readings = source.readings(never)[Symbol.asyncIterator]()
      expect((await readings.next()).done).toBe(false)
      await rm(path)
      await device[Symbol.asyncDispose]()
      const drained = async (): Promise<void> => {
        while (!(await readings.next()).done);
      }
      expect(await faultOf(drained())).toMatchObject({ code: 'source-closed', where: { source: 'bus', at: path } })

      expect(await faultOf(openModbusSource(config, context))).toMatchObject({ code: 'serial-absent' })

      await using again = await openLibmodbusRtu(flags!, { unit_id: 5 })
      await symlink(again.path, path)
      await using back = await openModbusSource(config, context)
      expect((await back.probe(never)).map((l) => l.value)).toEqual([521])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('is for one agent: a second one is told who has it', async () => {
    await using device = await openLibmodbusRtu(flags!, { unit_id: 5 })
    const config = bus(device.path, { meter: { unit_id: 5, signals: { y: { holding: 521 } } } })
    await using source = await openModbusSource(config, context)
    expect(await faultOf(openModbusSource(config, context))).toMatchObject({ code: 'serial-busy' })
    expect((await source.probe(never)).map((l) => l.value)).toEqual([521])
  })
})

describe('a serial device that cannot be opened', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-serial-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('is told with its path and what to do', async () => {
    const path = join(folder, 'ttyUSB9')
    const fault = await faultOf(openModbusSource(bus(path, { m: { signals: { x: { holding: 0 } } } }), context))
    expect(fault).toBeInstanceOf(Fault)
    expect((fault as Fault).line).toBe(
      `source bus, at ${path}: there is no such serial device (serial-absent; ${FAULTS['serial-absent'].hint})`,
    )
  })
  it('is not any file', async () => {
    const path = join(folder, 'file')
    await writeFile(path, '')
    const config = bus(path, { m: { signals: { x: { holding: 0 } } } })
    expect(await faultOf(openModbusSource(config, context))).toMatchObject({
      code: 'serial-absent',
      message: 'this is not a serial device',
    })
  })
  it.each([
    ['Error Permission denied Cannot open /dev/ttyS0', 'serial-rights'],
    ['Error: Permission denied, cannot open /dev/ttyUSB0', 'serial-rights'],
    ['Error: Operation not permitted, cannot open /dev/ttyUSB0', 'serial-rights'],
    ['Error Resource temporarily unavailable Cannot lock port', 'serial-busy'],
    ['Error: Device or resource busy, cannot open /dev/ttyUSB0', 'serial-busy'],
    ['Error: No such file or directory, cannot open /dev/lock', 'serial-absent'],
    ['Error: No such device or address, cannot open /dev/ttyS7', 'serial-absent'],
    ['Error: Input/output error, cannot open /dev/busy', 'source-unreachable'],
  ])('%s is %s', (said, code) => {
    expect(faultOfOpening(said, { where: {} }).code).toBe(code)
  })
  it('by its rights names the group', () => {
    expect(FAULTS['serial-rights'].hint).toContain('usermod -aG dialout')
  })
})
