import { describe, expect, it } from 'vitest'
import type { Value } from '../../core/signal.ts'
import { encodeRegisters } from './encode.ts'
import { bestOf, explain, registersToExplain } from './explain.ts'
import { candidateLine } from './explain-line.ts'
import { planModbusSource } from './plan.ts'
import { modbusSourceSchema } from './schema.ts'
import { BYTE_ORDERS, type SignalType } from './signal-type.ts'

/** What is said of a signal whose registers held these words, read by read. */
function said(options: object, ...reads: readonly (readonly number[])[]) {
  const config = modbusSourceSchema.parse({
    ...{ kind: 'modbus', host: '127.0.0.1' },
    devices: { m: { signals: { s: options } } },
  })
  const signal = planModbusSource('line', config).devices[0]!.signals[0]!
  const own = config.devices.m!.signals.s!
  const data = reads.map((words) => Buffer.from(Uint16Array.from(words).buffer).swap16())
  const all = explain(signal, own.range, data)
  const best = bestOf(signal, all)
  return { all, best, line: best && candidateLine('s', own, best, 'ABCD') }
}
const words = (value: Value, type: SignalType, order: (typeof BYTE_ORDERS)[number] = 'ABCD') =>
  encodeRegisters(value, type, order)

describe('explaining a signal', () => {
  it.each(BYTE_ORDERS.flatMap((order) => ([230.4, -17.25, 0.052] as const).map((value) => ({ order, value }))))(
    'finds $value in float32 of order $order',
    ({ order, value }) => {
      const { best } = said({ holding: 0, type: 'float32' }, words(value, 'float32', order))
      expect(best).toMatchObject({ byte_orders: expect.arrayContaining([order]), values: [String(value)] })
    },
  )

  it.each(BYTE_ORDERS)('finds the order %s of a counter that goes on', (order) => {
    const reads = [8_812_345, 8_812_347, 8_812_350].map((value) => words(value, 'uint32', order))
    const { best } = said({ holding: 0, type: 'uint32' }, ...reads)
    expect(best).toMatchObject({ type: 'uint32', byte_orders: [order] })
  })

  it('shows each type and order that fits, equal ones once', () => {
    const { all } = said({ holding: 0, type: 'uint32' }, [0x1234, 0x5678])
    const shown = all.map((c) => `${c.type} ${c.byte ?? c.byte_orders.join()} ${c.values}`)
    expect(shown).toContain('uint32 ABCD 305419896')
    expect(shown).toContain('uint32 CDAB 1450709556')
    expect(shown).toContain('uint32 BADC 873625686')
    expect(shown).toContain('uint32 DCBA 2018915346')
    expect(shown).toContain('uint16 BADC 13330')
    expect(shown).toContain('uint8 high 18')
    expect(shown).toContain('bcd32 CDAB 56781234')
    expect(shown).toContain('mod10k ABCD,CDAB,BADC,DCBA -')
    expect(shown).toContain('bool ABCD,BADC true')
    expect(all.some((c) => c.registers > 2)).toBe(false)
  })

  it('keeps what is plausible as it is configured', () => {
    expect(said({ holding: 0, type: 'int16' }, [215, 0, 0, 0]).line).toBe('s: { holding: 0, type: int16 }')
  })

  it('takes another type where none of the orders of the configured one is plausible', () => {
    const { line } = said({ holding: 0, type: 'uint32', unit: 'V', scale: 1 }, words(230.4, 'float32', 'CDAB'))
    expect(line).toBe('s: { holding: 0, type: float32, byte_order: CDAB, unit: V, scale: 1 }')
  })

  it('goes by range and labels where they are declared', () => {
    const inRange = { holding: 0, type: 'uint16', scale: 0.1, range: [0, 50], unit: 'Cel' }
    const { all, line } = said(inRange, [0xd700])
    expect(all.find((c) => c.type === 'uint16' && c.byte_orders[0] === 'ABCD')).toMatchObject({ why: 'out of range' })
    expect(line).toBe('s: { holding: 0, type: uint16, byte_order: BADC, unit: Cel, scale: 0.1, range: [ 0, 50 ] }')
    const labels = { 0: 'idle', 3: 'run' }
    expect(said({ holding: 0, labels }, [0x0300]).line).toBe(
      's: { holding: 0, type: uint16, byte_order: BADC, labels: { "0": idle, "3": run } }',
    )
  })

  it('sees by several reads what one does not tell', () => {
    const temperature = (read: number): number[] => [0x0102, 0x00d0 + 40 * read]
    const { all } = said({ holding: 0, type: 'uint32' }, temperature(0), temperature(1))
    const orders = Object.fromEntries(all.filter((c) => c.type === 'uint32').map((c) => [c.byte_orders[0], c.why]))
    expect(orders).toMatchObject({ ABCD: '', CDAB: 'jumps' })
  })

  it('finds the order of a time', () => {
    const { best } = said({ holding: 0, type: 'unix32' }, words(1_764_011_045_000, 'unix32', 'CDAB'))
    expect(best).toMatchObject({ byte_orders: ['CDAB'], values: ['2025-11-24T19:04:05.000Z'] })
  })

  it('leaves it as it is where other orders are plausible too, and shows them', () => {
    const swapped = Array.from({ length: 4 }, (_, i) => Buffer.from('PRESS-07').readUInt16LE(i * 2))
    const text = said({ holding: 0, type: 'string', length: 4 }, swapped)
    expect(text.line).toBe('s: { holding: 0, type: string, length: 4 }')
    expect(text.all.find((c) => c.values[0] === 'PRESS-07')).toMatchObject({ plausible: true, byte_orders: ['BADC'] })
    const { all } = said({ holding: 0, type: 'float32' }, words(123456.5, 'float32', 'DCBA'))
    expect(all.filter((c) => c.type === 'float32' && c.plausible).map((c) => c.values[0])).toEqual([
      '2.5147264',
      '123456.5',
    ])
  })

  it('says nothing where nothing is plausible', () => {
    const { best, line } = said({ holding: 0, range: [20, 30] }, [0xffff])
    expect([best, line]).toEqual([undefined, undefined])
  })

  it('keeps the options that a new type can have, and no others', () => {
    const { all } = said({ holding: 0, bits: '4-7', invalid: [0xffff], period: '5s' }, [0x0050, 0])
    const config = modbusSourceSchema.shape.devices.parse({
      m: { signals: { s: { holding: 0, bits: '4-7', invalid: [0xffff], period: '5s' } } },
    })
    const line = (type: string): string =>
      candidateLine('s', config.m!.signals.s!, all.find((c) => c.type === type)!, 'ABCD')
    expect(line('uint16')).toBe('s: { holding: 0, type: uint16, bits: 4-7, invalid: [ "0xFFFF" ], period: 5s }')
    expect(line('int32')).toBe('s: { holding: 0, type: int32, period: 5s }')
  })

  it('looks at no more registers than there are', () => {
    expect([0, 65_534].map((address) => registersToExplain({ address, size: 1 }))).toEqual([4, 2])
    expect(registersToExplain({ address: 0, size: 10 })).toBe(10)
  })
})
