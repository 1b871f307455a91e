import { describe, expect, it } from 'vitest'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { valueAt } from '../../core/reading-block.ts'
import type { Value } from '../../core/signal.ts'
import { findLibmodbus, openLibmodbus } from '../../test/support/libmodbus.ts'
import { openModbusSource } from './adapter.ts'
import { modbusSourceSchema } from './schema.ts'

const flags = await findLibmodbus()

/** What the foreign server holds (see test/support/libmodbus-server.c). */
const signals: Readonly<Record<string, readonly [object, Value | string]>> = {
  abcd: [{ holding: 0, type: 'float32' }, 123456.5],
  cdab: [{ holding: 2, type: 'float32', byte_order: 'CDAB' }, 123456.5],
  badc: [{ holding: 4, type: 'float32', byte_order: 'BADC' }, 123456.5],
  dcba: [{ holding: 6, type: 'float32', byte_order: 'DCBA' }, 123456.5],
  int32: [{ holding: 8, type: 'int32' }, -123456],
  int64: [{ holding: 10, type: 'int64' }, 9_007_199_254_740_995n],
  scaled: [{ reference: '40015', type: 'int16', scale: 0.1, offset: 273.15 }, 269.15],
  bit3: [{ holding: 15, bit: 3 }, true],
  bit4: [{ holding: 15, bit: 4 }, false],
  plain: [{ holding: 999 }, 999],
  input: [{ input: 1000 }, 1000],
  coil: [{ coil: 9 }, true],
  no_coil: [{ coil: 10 }, false],
  discrete: [{ discrete: 7 }, true],
  last: [{ input: 1999 }, 1],
}

describe.skipIf(flags === undefined)('against libmodbus', () => {
  const context = { name: 'line', clock: makeClock(20), log: silentLog, marks: async () => [] }
  const options = (port: number, own: object) =>
    modbusSourceSchema.parse({
      kind: 'modbus',
      host: '127.0.0.1',
      port,
      devices: { plc: { unit_id: 5, signals: own } },
    })

  it('reads every type, blocks and single places', async () => {
    await using server = await openLibmodbus(flags!)
    const own = Object.fromEntries(Object.entries(signals).map(([name, [options]]) => [name, options]))
    await using source = await openModbusSource(options(server.port, own), context)
    const stop = new AbortController()
    const values = new Map<string, Value | null>()
    for await (const { block, outages } of source.readings(stop.signal)) {
      expect(outages).toBeUndefined()
      for (let i = 0; i < block.times.length; i++)
        values.set(source.signals[block.signals[i]!]!.name, valueAt(block, i))
      if (source.counters().requests! > 40) stop.abort()
    }
    expect(Object.fromEntries(values)).toEqual(
      Object.fromEntries(Object.entries(signals).map(([name, [, value]]) => [name, value])),
    )
    expect(source.counters()).toMatchObject({ timeouts: 0, exceptions: 0, dropped_frames: 0 })
  })

  it('reads 125 registers and 2000 bits at once, and understands its exceptions', async () => {
    await using server = await openLibmodbus(flags!)
    const many = {
      ...Object.fromEntries(Array.from({ length: 125 }, (_, i) => [`r${i}`, { input: i }])),
      ...Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`b${i}`, { discrete: i }])),
      beyond: { holding: 2000 },
    }
    await using source = await openModbusSource(options(server.port, many), context)
    const lines = await source.probe(new AbortController().signal)
    expect(source.counters().requests).toBe(3)
    for (const { signal, value, reason } of lines) {
      const i = Number(signal.slice(1))
      if (signal === 'beyond') expect([value, reason]).toEqual([null, 'illegal_address'])
      else expect(value, signal).toBe(signal[0] === 'r' ? 2000 - i : i % 2 === 1)
    }
  })
})
