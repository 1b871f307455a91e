import { describe, expect, it } from 'vitest'
import type { Value } from '../../core/signal.ts'
import { type Deadband, deadbandOf, makeChangeFilter } from './deadband.ts'
import { planModbusSource } from './plan.ts'
import { modbusSourceSchema } from './schema.ts'

/** Which of these values are kept, one a second. */
function kept(deadband: Deadband, values: readonly Value[]): readonly Value[] {
  const filter = makeChangeFilter(deadband)
  return values.filter((value, i) => filter.keeps(value, i * 1_000))
}

describe('a deadband', () => {
  const still = { width: 0.5, heartbeat: 60_000 }
  it.each<[string, Deadband, readonly Value[], readonly Value[]]>([
    ['keeps what differs by more than its width from what was kept', still, [10, 10.5, 10.6, 10.2, 10.1], [10, 10.6]],
    ['sees a slow drift', still, [10, 10.3, 10.6, 10.9, 11.2], [10, 10.6, 11.2]],
    ['keeps every change where it has no width', { ...still, width: 0 }, [1, 1, 1.0000001, 1, 1], [1, 1.0000001, 1]],
    ['keeps changes of any type', { ...still, width: 0 }, [true, true, false, 'a', 'a', 'b'], [true, false, 'a', 'b']],
    [
      'tells 64-bit integers apart',
      { ...still, width: 0 },
      [2n ** 63n, 2n ** 63n, 2n ** 63n + 1n],
      [2n ** 63n, 2n ** 63n + 1n],
    ],
    ['keeps one a heartbeat', { width: 1, heartbeat: 2_000 }, [1, 1.1, 1.2, 1.3, 1.4], [1, 1.2, 1.4]],
  ])('%s', (_, deadband, values, expected) => {
    expect(kept(deadband, values)).toEqual(expected)
  })

  it('keeps the next value after it was reset', () => {
    const filter = makeChangeFilter(still)
    expect([filter.keeps(1, 0), filter.keeps(1, 1)]).toEqual([true, false])
    filter.reset()
    expect(filter.keeps(1, 2)).toBe(true)
  })

  it('in percent is of the range', () => {
    expect(deadbandOf({ percent: 1, heartbeat: 60_000 }, [-50, 150])).toEqual({ width: 2, heartbeat: 60_000 })
    expect(deadbandOf({ percent: 1, heartbeat: 60_000 }, undefined)).toBeUndefined()
  })
})

describe('deadbands of a source', () => {
  const planned = (signals: object, device: object = {}, source: object = {}) =>
    planModbusSource(
      'plc',
      modbusSourceSchema.parse({ kind: 'modbus', host: 'h', devices: { press: { signals, ...device } }, ...source }),
    )
  const change = { kind: 'on_change', heartbeat: 60_000 }
  const periodic = { kind: 'periodic', every: 1_000 }

  it('are inherited from source and device by numbers, and make them on-change', () => {
    const signals = {
      own: { holding: 0, deadband: { absolute: 2, heartbeat: '10s' } },
      number: { holding: 1 },
      state: { holding: 2, labels: { 0: 'idle' } },
      bit: { holding: 3, bit: 1 },
      coil: { coil: 0 },
    }
    const { plan, problems } = planned(signals, { deadband: { absolute: 1 } }, { deadband: { absolute: 9 } })
    expect(problems).toEqual([])
    expect(plan.signals.map((s) => s.cadence)).toEqual([
      { ...change, heartbeat: 10_000 },
      change,
      periodic,
      periodic,
      periodic,
    ])
  })

  it('in percent need a range', () => {
    const signals = { with: { holding: 0, range: [0, 100] }, without: { holding: 1 } }
    expect(planned(signals, {}, { deadband: { percent: 1 } }).problems).toMatchObject([
      {
        path: ['sources', 'plc', 'devices', 'press', 'signals', 'without'],
        hint: expect.stringContaining('range: [low, high]'),
      },
    ])
  })
})
