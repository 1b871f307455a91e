import { describe, expect, it } from 'vitest'
import { makeClock } from '../../core/clock.ts'
import type { TimedReads } from '../source.ts'
import type { ModbusClient, ReadResult } from './client.ts'
import { TIMING, timeReads } from './cost-probe.ts'
import type { ReadRequest } from './library.ts'
import { planModbusSource } from './plan.ts'
import { makeReadPlan } from './read-plan.ts'
import { modbusSourceSchema } from './schema.ts'

interface Timing {
  readonly timed: readonly TimedReads[]
  readonly asked: readonly ReadRequest[]
}

/** Times a line on which a request takes 4 ms and a register 0.5 ms. */
async function time(
  devices: object,
  answer: (request: ReadRequest, nth: number) => ReadResult['kind'] = () => 'data',
  learn: (plan: ReturnType<typeof makeReadPlan>) => void = () => undefined,
): Promise<Timing> {
  const config = modbusSourceSchema.parse({ kind: 'modbus', host: 'plc', max_gap: 10, devices })
  const { devices: planned } = planModbusSource('line', config)
  const clock = makeClock()
  const plans = new Map(planned.map((d) => [d, makeReadPlan(d.signals, d.limits, { now: clock.monotonic() })]))
  for (const plan of plans.values()) learn(plan)
  const asked: ReadRequest[] = []
  const client: Pick<ModbusClient, 'read'> = {
    async read(request, _, took) {
      asked.push(request)
      took?.(4 + request.quantity / 2)
      const kind = answer(request, asked.length)
      if (kind === 'data') return { kind, data: Buffer.alloc(request.quantity * 2) }
      return kind === 'exception' ? { kind, code: 2 } : { kind }
    },
  }
  return { timed: await timeReads(planned, client, { plans, clock }, new AbortController().signal, 0), asked }
}
const placesOf = (asked: readonly ReadRequest[]): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(asked, (r) => `${r.table} ${r.address}+${r.quantity}`)].map(([place, all]) => [place, all.length]),
  )
const signals = { a: { holding: 0 }, b: { holding: 8, type: 'uint32' }, c: { holding: 50 } }

describe('timeReads', () => {
  it('reads the device once, then its shortest signal and its longest read in turn', async () => {
    const { timed, asked } = await time({ plc: { signals } })
    expect(placesOf(asked)).toEqual({ 'holding 0+10': 13, 'holding 50+1': 1, 'holding 0+1': 12 })
    expect(timed).toEqual([
      {
        ...{ kind: 'timed', device: 'plc' },
        short: { what: 'holding 0', registers: 1 },
        long: { what: 'holding 0–9', registers: 10 },
        pairs: new Array(12).fill([4.5, 9]),
      },
    ])
    // A device that does not answer is no reason to give up a link that others use.
    expect(asked.every((request) => request.guess)).toBe(true)
  })

  it('counts sixteen bits as a register, and takes the table whose reads differ most', async () => {
    const { timed } = await time({
      plc: { signals: { a: { coil: 0 }, b: { coil: 9 }, c: { input: 0 }, d: { input: 4 } } },
    })
    expect(timed).toMatchObject([
      { short: { what: 'input 0', registers: 1 }, long: { what: 'input 0–4', registers: 5 } },
    ])
    const bits = await time({ plc: { signals: { a: { coil: 0 }, b: { coil: 9 } } } })
    expect(bits.timed).toMatchObject([{ short: { registers: 1 / 16 }, long: { registers: 10 / 16 } }])
  })

  it('never splits a group, and touches nothing that is forbidden or refused', async () => {
    const devices = {
      plc: {
        together: [['a', 'b']],
        forbidden: [{ table: 'holding', from: 12, to: 12 }],
        signals: { ...signals, d: { holding: 15 } },
      },
    }
    const { asked } = await time(devices)
    expect(Object.keys(placesOf(asked))).toEqual(['holding 0+10', 'holding 15+1', 'holding 50+1'])
    const known = await time({ plc: { signals } }, undefined, (plan) => {
      for (const read of plan.reads([1000], 0))
        if (read.address === 50) for (let i = 0; i < 5; i++) plan.refused(read, 2, 0)
    })
    expect(Object.keys(placesOf(known.asked))).toEqual(['holding 0+10', 'holding 0+1'])
  })

  it('times what a device gives of a read that it refuses', async () => {
    const { timed } = await time({ plc: { signals } }, ({ address, quantity }) =>
      address < 3 && address + quantity > 3 ? 'exception' : 'data',
    )
    expect(timed).toMatchObject([{ short: { what: 'holding 0' }, long: { what: 'holding 8–9', registers: 2 } }])
  })

  it.each<[string, object, Parameters<typeof time>[1], string, number]>([
    ['is silent', signals, () => 'timeout', 'no answer (source-timeout)', 1],
    ['refuses everything', signals, () => 'exception', 'it refuses all of its signals', 4],
    ['has one signal', { a: { holding: 0 } }, () => 'data', 'all that can be read of it has one length', 1],
  ])('leaves a device alone that %s', async (_, own, answer, why, requests) => {
    const { timed, asked } = await time({ plc: { signals: own } }, answer)
    expect(timed).toEqual([{ kind: 'untimed', device: 'plc', why }])
    expect(asked).toHaveLength(requests)
  })

  it('leaves a device alone that falls silent', async () => {
    const { timed, asked } = await time({ plc: { signals } }, (_, nth) => (nth > 8 ? 'timeout' : 'data'))
    expect(timed).toMatchObject([{ pairs: new Array(3).fill([4.5, 9]) }])
    expect(asked).toHaveLength(2 + 6 + 3)
  })

  it('asks three devices, those whose reads differ most', async () => {
    const of = (unit_id: number, last: number) => ({ unit_id, signals: { a: { holding: 0 }, b: { holding: last } } })
    const { timed, asked } = await time({ a: of(1, 1), b: of(2, 9), c: of(3, 8), d: of(4, 7) })
    expect(timed.map((one) => one.device)).toEqual(['b', 'c', 'd'])
    expect(asked).toHaveLength(3 * (1 + 2 * TIMING.pairs))
  })
})
