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
const signals: Readonly<Record<string, readonly [object, Value | null]>> = {
  abcd: [{ holding: 0, type: 'float32' }, 123456.5],
  cdab: [{ holding: 2, type: 'float32', byte_order: 'CDAB' }, 123456.5],
  badc: [{ holding: 4, type: 'float32', byte_order: 'BADC' }, 123456.5],
  dcba: [{ holding: 6, type: 'float32', byte_order: 'DCBA' }, 123456.5],
  int32: [{ holding: 8, type: 'int32' }, -123456],
  int64: [{ holding: 10, type: 'int64' }, 9_007_199_254_740_995n],
  scaled: [{ reference: '40015', type: 'int16', scale: 0.1, offset: 273.15 }, 269.15],
  bit3: [{ holding: 15, bit: 3 }, true],
  bit4: [{ holding: 15, bit: 4 }, false],
  beyond_doubles: [{ holding: 20, type: 'int64' }, -9_007_199_254_740_993n],
  in_tenths: [{ holding: 20, type: 'int64', scale: 10 }, -90_071_992_547_409_930n],
  double: [{ holding: 24, type: 'float64' }, -1234.5678],
  no_number: [{ holding: 28, type: 'float64' }, null],
  unix: [{ holding: 32, type: 'unix32' }, 1_764_011_045_000],
  declared_invalid: [{ holding: 32, type: 'int32', invalid: ['0x6924ac25'] }, null],
  high_bits: [{ holding: 14, bits: '8-15' }, 0xff],
  low_byte: [{ holding: 14, type: 'int8', byte: 'low' }, -40],
  shift_jis: [{ holding: 40, type: 'string', length: 8, encoding: 'shift_jis' }, '①プレス高橋'],
  cp949: [{ holding: 50, type: 'string', length: 8, encoding: 'euc-kr' }, '똠방 압력'],
  utf_16: [{ holding: 60, type: 'string', length: 8, encoding: 'utf-16' }, '温度 Ω'],
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
    const reasons: string[] = []
    for await (const { block, outages } of source.readings(stop.signal)) {
      for (const o of outages ?? []) reasons.push(`${o.kind} ${o.signal} ${o.kind === 'begin' ? o.reason : ''}`.trim())
      for (let i = 0; i < block.times.length; i++)
        values.set(source.signals[block.signals[i]!]!.name, valueAt(block, i))
      if (source.counters().requests! > 40) stop.abort()
    }
    expect(Object.fromEntries(values)).toEqual(
      Object.fromEntries(Object.entries(signals).map(([name, [, value]]) => [name, value])),
    )
    expect(reasons).toEqual([
      'begin plc/no_number not_a_number',
      'begin plc/declared_invalid sentinel',
      'end plc/no_number',
      'end plc/declared_invalid',
    ])
    expect(source.counters()).toMatchObject({ timeouts: 0, exceptions: 0, dropped_frames: 0 })
  })

  it('takes nothing from a unit that was not asked, and says which it was', async () => {
    await using server = await openLibmodbus(flags!, { as: 7 })
    await using source = await openModbusSource(options(server.port, { plain: { holding: 999 } }), context)
    const [line] = await source.probe(new AbortController().signal)
    expect(line).toMatchObject({
      ...{ value: null, quality: 'bad', reason: 'other_unit' },
      lessons: [expect.stringMatching(/unit id 5 was asked.* unit id 7/)],
    })
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
