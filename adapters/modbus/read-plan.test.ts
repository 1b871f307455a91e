import { describe, expect, it } from 'vitest'
import type { Learnt } from './learnt.ts'
import { type PlannedSignal, planModbusSource } from './plan.ts'
import { makeReadPlan, type ReadPlan } from './read-plan.ts'
import type { PlannedRead } from './read-set.ts'
import { modbusSourceSchema } from './schema.ts'

type Read = PlannedRead<PlannedSignal>

function plan(signals: object, known?: Learnt): ReadPlan & { readonly notes: Learnt[] } {
  const config = modbusSourceSchema.parse({ kind: 'modbus', host: 'plc', devices: { plc: { signals } } })
  const [device] = planModbusSource('line', config).devices
  const notes: Learnt[] = []
  const made = makeReadPlan(device!.signals, device!.limits, {
    now: 0,
    known,
    changed: (learnt) => notes.push(learnt),
  })
  return { ...made, notes }
}
const spans = (reads: readonly Read[]): string[] => reads.map((r) => `${r.address}+${r.quantity}`)
const nothing: Learnt = { refused: [], spans: [] }
const HOUR = 3_600_000

describe('makeReadPlan', () => {
  const three = { a: { holding: 0 }, b: { holding: 1 }, c: { holding: 2 } }
  const alone = (p: ReadPlan, i: number): Read => {
    const signal = p.reads([1000], 0).flatMap((r) => r.signals)[i]!
    return { table: 'holding', address: signal.address, quantity: 1, signals: [signal] }
  }

  it('leaves a refused signal out and asks for it alone, ever more rarely', () => {
    const p = plan(three)
    const b = alone(p, 1)
    const tries: number[] = []
    expect(spans(p.reads([1000], 0))).toEqual(['0+3'])
    expect(p.refused(b, 2, 0)).toBe(true)
    for (let now = 1_000; now <= 250_000; now += 1_000) {
      if (p.reads([1000], now).length === 2) continue
      expect(spans(p.reads([1000], now))).toEqual(['0+1', '2+1', '1+1'])
      tries.push(now)
      expect(p.refused(b, 2, now)).toBe(false)
    }
    expect(tries).toEqual([2_000, 6_000, 14_000, 30_000, 62_000, 122_000, 182_000, 242_000])
    p.served(b, 250_000)
    expect(spans(p.reads([1000], 250_000))).toEqual(['0+3'])
    // Noted when it was steady, and when it was over: not while a device may only be starting.
    expect(p.notes).toEqual([{ refused: [{ signals: ['plc/b'], code: 2 }], spans: [] }, nothing])
  })

  it('asks again at once for what was refused for a while only', () => {
    const p = plan({ a: { holding: 0 } })
    const [read] = p.reads([1000], 0)
    for (const code of [4, 5, 6, 8]) expect(p.refused(read!, code, 0)).toBe(false)
    expect(p.reads([1000], 1_000)).toHaveLength(1)
  })

  it('tries a few refused signals in a cycle, and all together once one of them is given', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`s${i}`, { holding: i }]))
    const p = plan(many)
    const reads = Array.from({ length: 40 }, (_, i) => alone(p, i))
    for (const read of reads) p.refused(read, 2, 0)
    expect(p.reads([1000], 1_000)).toHaveLength(0)
    expect(p.reads([1000], 2_000)).toHaveLength(16)
    p.served(reads[0]!, 2_000)
    expect(spans(p.reads([1000], 3_000))).toEqual(['0+40'])
    for (const read of reads.slice(1)) p.refused(read, 2, 3_000)
    // Not each minute anew: one that comes and goes must not cost the others their peace.
    p.refused(reads[0]!, 2, 3_000)
    p.served(reads[0]!, 5_000)
    expect(spans(p.reads([1000], 5_000))).toEqual(['0+1'])
  })

  it('keeps to a hole and a length, and tries them again after an hour, then ever more rarely', () => {
    const p = plan({ a: { holding: 0 }, b: { holding: 9 }, c: { holding: 10, type: 'uint32' } })
    expect(spans(p.reads([1000], 0))).toEqual(['0+12'])
    p.learn({ kind: 'span', span: { table: 'holding', from: 1, to: 9 } }, 0)
    expect(spans(p.reads([1000], 0))).toEqual(['0+1', '9+3'])
    p.learn({ kind: 'length', table: 'holding', quantity: 2 }, 0)
    expect(spans(p.reads([1000], HOUR - 1))).toEqual(['0+1', '9+1', '10+2'])
    expect(p.limits(HOUR - 1)).toMatchObject({ max_registers: 2, max_bits: 2000 })
    expect(spans(p.reads([1000], HOUR))).toEqual(['0+12'])
    p.learn({ kind: 'span', span: { table: 'holding', from: 1, to: 9 } }, HOUR)
    expect(spans(p.reads([1000], 3 * HOUR - 1))).toEqual(['0+1', '9+3'])
    const [whole] = p.reads([1000], 3 * HOUR)
    expect(spans([whole!])).toEqual(['0+12'])
    p.served(whole!, 3 * HOUR)
    const what = { table: 'holding', from: 1, to: 9 }
    const max_registers = { what: 2, trial_in: HOUR, wait: HOUR }
    expect(p.notes).toEqual([
      { refused: [], spans: [{ what, trial_in: HOUR, wait: HOUR }] },
      { refused: [], spans: [{ what, trial_in: HOUR, wait: HOUR }], max_registers },
      {
        refused: [],
        spans: [{ what, trial_in: 2 * HOUR, wait: 2 * HOUR }],
        max_registers: { ...max_registers, trial_in: 0 },
      },
      nothing,
    ])
    expect(spans(p.reads([1000], 30 * HOUR))).toEqual(['0+12'])
  })

  it('begins with what an earlier run learnt', () => {
    const p = plan(
      { a: { holding: 0 }, b: { holding: 9 }, c: { holding: 10 }, d: { holding: 11 } },
      {
        refused: [{ signals: ['plc/d'], code: 2 }],
        spans: [{ what: { table: 'holding', from: 1, to: 9 }, trial_in: 5 * HOUR, wait: 8 * HOUR }],
        max_registers: { what: 2, trial_in: HOUR, wait: HOUR },
      },
    )
    // The refused one once, alone: every run says itself what has no value.
    expect(spans(p.reads([1000], 0))).toEqual(['0+1', '9+2', '11+1'])
    expect(p.notes).toEqual([])
    // The length is tried after its hour, the hole goes on waiting.
    expect(spans(p.reads([1000], HOUR)).slice(0, 2)).toEqual(['0+1', '9+2'])
    expect(p.limits(HOUR)).toMatchObject({ max_registers: 125 })
    expect(spans(p.reads([1000], 5 * HOUR - 1))[0]).toBe('0+1')
    expect(spans(p.reads([1000], 5 * HOUR))[0]).toBe('0+11')
  })

  it('does not read across a refused place', () => {
    const p = plan(three)
    p.refused(alone(p, 1), 2, 0)
    expect(spans(p.reads([1000], 0))).toEqual(['0+1', '2+1'])
  })

  it('asks a device that refuses many for one of them every 2 s on average at most', () => {
    const p = plan(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`s${i}`, { holding: i * 200 }])))
    for (const read of p.reads([1000], 0)) p.refused(read, 2, 0)
    let tries = 0
    for (let now = 1_000; now <= 7_200_000; now += 1_000) {
      const reads = p.reads([1000], now)
      for (const read of reads) p.refused(read, 2, now)
      if (now > 3_600_000) tries += reads.length
    }
    expect(tries).toBeGreaterThan(1_000)
    expect(tries).toBeLessThanOrEqual(1_900)
  })
})
