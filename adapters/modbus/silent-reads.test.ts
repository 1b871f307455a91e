import { describe, expect, it } from 'vitest'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { modbusPlant, of } from '../../test/support/modbus-plant.ts'
import { openModbusSource } from './adapter.ts'
import { planModbusSource } from './plan.ts'
import { makeReadPlan } from './read-plan.ts'
import { planReads } from './read-set.ts'
import { modbusSourceSchema } from './schema.ts'
import { makeSilentReads } from './silent-reads.ts'
import { makeSimulatorMemory, openModbusSimulator } from './simulator.ts'

const limits = { max_registers: 125, max_bits: 2_000, cost: { request_ms: 5, register_ms: 0.01 } }
const at = (address: number) => ({ table: 'holding', address, size: 1 }) as const

describe('makeSilentReads', () => {
  it('blames no read while the unit may be dead', () => {
    const silences = makeSilentReads()
    const [read] = planReads([at(0), at(5)], limits)
    silences.silent(read!)
    for (let i = 0; i < 10; i++) {
      const [first, ...rest] = silences.arrange([read!])
      expect(first!.quantity).toBe(1)
      expect(rest).toEqual([read])
      expect(silences.silent(first!)).toBe(false)
      expect(silences.silent(read!)).toBe(false)
    }
    silences.served(read!)
    expect(silences.arrange([read!])).toEqual([read])
  })

  it('puts a read in doubt behind the others, and halves it where it is silent again', () => {
    const silences = makeSilentReads()
    const [doubtful] = planReads([at(0), at(5), at(6)], limits)
    const [calm] = planReads([at(1_000)], limits)
    const spans = () => silences.arrange([doubtful!, calm!]).map((r) => `${r.address}+${r.quantity}`)
    silences.served(calm!)
    silences.silent(doubtful!)
    expect(spans()).toEqual(['1000+1', '0+7'])
    silences.served(calm!)
    silences.silent(doubtful!)
    expect(spans()).toEqual(['0+1', '5+2', '1000+1'])
    const [left, right] = silences.arrange([doubtful!])
    expect(silences.served(left!)).toBeUndefined()
    expect(silences.served(right!)).toEqual({ kind: 'span', span: { table: 'holding', from: 1, to: 5 } })
    expect(spans()).toEqual(['0+7', '1000+1'])
  })
})

describe('the lesson of a device that is silent', () => {
  /** What is learnt of 40 neighbours in so many cycles; as in a poller, a silence ends the cycle. */
  function lessonOf(silentTo: (from: number, behind: number) => boolean, cycles = 200) {
    const signals = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`s${i}`, { holding: i }]))
    const config = modbusSourceSchema.parse({ kind: 'modbus', host: 'plc', devices: { plc: { signals } } })
    const [device] = planModbusSource('line', config).devices
    const plan = makeReadPlan(device!.signals, device!.limits, { now: 0 })
    for (let now = 0; now < cycles * 1_000; now += 1_000)
      for (const read of plan.reads([1_000], now)) {
        if (silentTo(read.address, read.address + read.quantity)) {
          plan.silent(read, now)
          break
        }
        plan.served(read, now)
      }
    const { refused, spans, max_registers } = plan.learnt(cycles * 1_000)
    return { refused, spans: spans.map((span) => span.what), max_registers: max_registers?.what }
  }

  it.each([1, 7, 20, 23, 39])('is the border at %i, not a length', (border) => {
    expect(lessonOf((from, behind) => from < border && behind > border)).toEqual({
      refused: [],
      spans: [{ table: 'holding', from: border - 1, to: border + 1 }],
    })
  })

  it('is a length where it answers across every border', () => {
    expect(lessonOf((from, behind) => behind - from > 16)).toEqual({ refused: [], spans: [], max_registers: 10 })
  })

  it('is never a length of one', () => {
    expect(lessonOf((from, behind) => behind - from > 1, 2_000).max_registers).toBeUndefined()
  })
})

/** A device that is silent where others answer exception 2. */
const mute = (mem: ReturnType<typeof makeSimulatorMemory>) => ({
  read: (...[unit, table, address, n]: Parameters<typeof mem.read>) => {
    const answer = mem.read(unit, table, address, n)
    return typeof answer === 'object' && 'exception' in answer ? ('silent' as const) : answer
  },
})

describe('a device that is silent to what it does not have', () => {
  const values = (m: ReturnType<typeof makeSimulatorMemory>) => {
    m.set(1, 'holding', 0, [1, 2])
    m.set(1, 'holding', 9, [3])
  }

  it('is read all the same, without the hole', async () => {
    const signals = { a: { holding: 0 }, b: { holding: 1 }, c: { holding: 9 } }
    const p = await modbusPlant({ timeout: '50ms', devices: { plc: { signals } } }, values, undefined, 200, mute)
    await expect.poll(() => of(p, 'plc/c').length, { timeout: 10_000 }).toBeGreaterThan(5)
    expect(p.source.lessons?.()).toMatchObject([{ text: expect.stringContaining('holding 2–8') }])
    expect(p.outages.filter((o) => o.signal !== null)).toEqual([])
  })

  it('is shown by a probe all the same', async () => {
    const signals = { a: { holding: 0 }, b: { holding: 1 }, c: { holding: 9 } }
    const memory = makeSimulatorMemory()
    values(memory)
    await using simulator = await openModbusSimulator(mute(memory))
    const { host, port } = simulator
    const config = modbusSourceSchema.parse({
      ...{ kind: 'modbus', host, port, timeout: '50ms' },
      devices: { plc: { signals } },
    })
    const context = { name: 'line', clock: makeClock(), log: silentLog, marks: async () => [] }
    await using source = await openModbusSource(config, context)
    const lines = await source.probe(new AbortController().signal)
    expect(lines.map((l) => l.value)).toEqual([1, 2, 3])
  })

  it('costs only the signal that it never answers', async () => {
    const signals = { a: { holding: 0 }, b: { holding: 1 }, c: { holding: 9 }, gone: { holding: 10 } }
    const p = await modbusPlant({ timeout: '50ms', devices: { plc: { signals } } }, values, undefined, 200, mute)
    await expect
      .poll(() => p.outages.find((o) => o.signal === 'plc/gone'), { timeout: 10_000 })
      .toMatchObject({ kind: 'begin', reason: 'source-timeout' })
    const before = of(p, 'plc/c').length
    await expect.poll(() => of(p, 'plc/c').length, { timeout: 10_000 }).toBeGreaterThan(before + 5)
    expect(of(p, 'plc/gone')).toEqual([])
  })
})
