import { describe, expect, it } from 'vitest'
import { type PlannedSignal, planModbusSource } from './plan.ts'
import { makeReadPlan, type ReadPlan } from './read-plan.ts'
import type { PlannedRead } from './read-set.ts'
import { modbusSourceSchema } from './schema.ts'

type Read = PlannedRead<PlannedSignal>

function plan(signals: object, max_gap = 0): ReadPlan {
  const config = modbusSourceSchema.parse({ kind: 'modbus', host: 'plc', max_gap, devices: { plc: { signals } } })
  const [device] = planModbusSource('line', config).devices
  return makeReadPlan(device!.signals, device!.limits)
}
const spans = (reads: readonly Read[]): string[] => reads.map((r) => `${r.address}+${r.quantity}`)

describe('makeReadPlan', () => {
  it('leaves a refused signal out and asks for it alone, ever more rarely', () => {
    const p = plan({ a: { holding: 0 }, b: { holding: 1 }, c: { holding: 2 } })
    expect(spans(p.reads([1000], 0))).toEqual(['0+3'])
    const refused = {
      table: 'holding',
      address: 1,
      quantity: 1,
      signals: [p.reads([1000], 0)[0]!.signals[1]!],
    } as const
    const tries: number[] = []
    expect(p.refused(refused, 2, 0)).toBe(true)
    for (let now = 1_000; now <= 250_000; now += 1_000) {
      if (p.reads([1000], now).length === 2) continue
      expect(spans(p.reads([1000], now))).toEqual(['0+1', '2+1', '1+1'])
      tries.push(now)
      expect(p.refused(refused, 2, now)).toBe(false)
    }
    expect(tries).toEqual([2_000, 6_000, 14_000, 30_000, 62_000, 122_000, 182_000, 242_000])
    p.served(refused)
    expect(spans(p.reads([1000], 250_000))).toEqual(['0+3'])
  })

  it('asks again at once for what was refused for a while only', () => {
    const p = plan({ a: { holding: 0 } })
    const [read] = p.reads([1000], 0)
    for (const code of [4, 5, 6, 8]) expect(p.refused(read!, code, 0)).toBe(false)
    expect(p.reads([1000], 1_000)).toHaveLength(1)
  })

  it('stops bridging holes where each place alone is fine, then shortens', () => {
    const p = plan({ a: { holding: 0, type: 'uint32' }, b: { holding: 3 }, c: { holding: 4 }, d: { holding: 5 } }, 2)
    const refuse = (address: number): void => {
      p.split(p.reads([1000], 0).find((r) => r.address === address)!)
      p.learn()
    }
    expect(spans(p.reads([1000], 0))).toEqual(['0+6'])
    refuse(0)
    expect(spans(p.reads([1000], 0))).toEqual(['0+2', '3+3'])
    refuse(3)
    expect(spans(p.reads([1000], 0))).toEqual(['0+2', '3+2', '5+1'])
  })

  it('keeps the plan where a signal of the split read was to blame', () => {
    const p = plan({ a: { holding: 0 }, b: { holding: 1 }, c: { holding: 2 } })
    const [read] = p.reads([1000], 0)
    p.split(read!)
    p.refused({ ...read!, address: 0, quantity: 1, signals: [read!.signals[0]!] }, 2, 0)
    p.learn()
    expect(spans(p.reads([1000], 0))).toEqual(['1+2'])
  })
})
