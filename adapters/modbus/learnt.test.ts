import { describe, expect, it } from 'vitest'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { makeMemoryStore } from '../../test/support/collecting.ts'
import { openModbusSource } from './adapter.ts'
import { describeLearnt, type Learnt, makeLearntMemo, readLearnt, writeLearnt } from './learnt.ts'
import { type PlannedDevice, planModbusSource } from './plan.ts'
import { makeReadPlan } from './read-plan.ts'
import { modbusSourceSchema } from './schema.ts'
import { makeSimulatorMemory, openModbusSimulator } from './simulator.ts'

const signals = {
  a: { holding: 0 },
  b: { holding: 5 },
  bit: { holding: 5, bit: 1 },
  text: { input: 7, type: 'string', length: 4 },
}
const device = (options: object = {}, link: object = { host: 'plc' }): PlannedDevice =>
  planModbusSource(
    'line',
    modbusSourceSchema.parse({ kind: 'modbus', ...link, devices: { plc: { signals, ...options } } }),
  ).devices[0]!
const HOUR = 3_600_000
const NOW = Date.UTC(2026, 10, 24)
const learnt: Learnt = {
  refused: [{ signals: ['plc/text'], code: 2 }],
  spans: [{ what: { table: 'holding', from: 1, to: 5 }, trial_in: HOUR, wait: HOUR }],
  max_registers: { what: 16, trial_in: 3 * HOUR, wait: 4 * HOUR },
}

describe('what a device taught', () => {
  it('is the same after a restart, and forgotten with another unit or other addresses', () => {
    const text = writeLearnt(device(), learnt, NOW)
    expect(readLearnt(device(), text, NOW)).toEqual(learnt)
    expect(readLearnt(device({ period: '5s', max_registers: 100 }), text, NOW)).toEqual(learnt)
    expect(readLearnt(device({ unit_id: 2 }), text, NOW)).toBeUndefined()
    expect(readLearnt(device({ signals: { ...signals, b: { holding: 6 } } }), text, NOW)).toBeUndefined()
    expect(readLearnt(device({ together: [['a', 'b']] }), text, NOW)).toBeUndefined()
  })

  it.each([
    { host: 'other' },
    { host: 'plc', port: 503 },
    { transport: 'rtu_over_tcp', host: 'plc', port: 502 },
    { transport: 'rtu', serial_device: '/dev/ttyS0' },
  ])('is not that of a device at %j', (link) => {
    expect(readLearnt(device({}, link), writeLearnt(device(), learnt, NOW), NOW)).toBeUndefined()
  })

  it.each([
    undefined,
    '',
    '{}',
    '{"version":3}',
    '[',
    writeLearnt(device(), learnt, NOW).replace('"spans":[', '"spans":[1,'),
  ])('is nothing where the note is %j', (text) => {
    expect(readLearnt(device(), text, NOW)).toBeUndefined()
  })

  it.each([
    ['after half an hour', HOUR / 2, HOUR / 2, 2.5 * HOUR],
    ['long after it was due', 100 * HOUR, -99 * HOUR, -97 * HOUR],
    ['where the clock has stepped back since', -1_000 * HOUR, HOUR, 3 * HOUR],
  ])('keeps the time of its next trial, %s', (_, passed, span, length) => {
    const text = writeLearnt(device(), learnt, NOW)
    const { spans, max_registers } = readLearnt(device(), text, NOW + passed)!
    expect([spans[0]?.trial_in, max_registers?.trial_in]).toEqual([span, length])
    expect([spans[0]?.wait, max_registers?.wait]).toEqual([HOUR, 4 * HOUR])
  })

  it('heals though the agent is started again every half hour', () => {
    const of = device({ signals: { a: { holding: 0 }, b: { holding: 5 } } })
    const tried: number[] = []
    let memo: string | undefined
    for (let start = 0; start < 16 * HOUR; start += HOUR / 2) {
      const plan = makeReadPlan(of.signals, of.limits, {
        now: 0,
        known: readLearnt(of, memo, start),
        changed: (found) => {
          memo = writeLearnt(of, found, start + now)
        },
      })
      let now = 0
      for (; now < HOUR / 2; now += 60_000)
        for (const read of plan.reads([1000], now)) {
          if (read.quantity === 1) continue
          tried.push((start + now) / HOUR)
          plan.learn({ kind: 'span', span: { table: 'holding', from: 1, to: 5 } }, now)
        }
    }
    expect(tried).toEqual([0, 1, 3, 7, 15])
  })

  it('is told with the signals that it concerns', () => {
    expect(describeLearnt(device(), learnt)).toEqual([
      { device: 'plc', signals: ['plc/text'], text: 'input 7–10 refused (exception 2); tried once a minute' },
      {
        device: 'plc',
        signals: ['plc/a', 'plc/b', 'plc/bit'],
        text: 'no request across holding 1–4: the device refuses it',
      },
      { device: 'plc', signals: [], text: 'answers at most 16 registers at once: it refuses more' },
    ])
  })

  it('is noted once each time it changes, the latest last, whatever storing meets', async () => {
    const notes: string[] = []
    const failures: string[] = []
    const { promise: stored, resolve: store } = Promise.withResolvers<void>()
    const memo = makeLearntMemo(
      {
        get: async () => undefined,
        set: async (key, text) => {
          await stored
          notes.push(`${key} ${text.includes('16')}`)
          if (notes.length === 1) throw new Error('disk')
        },
      },
      makeClock(),
      (name) => failures.push(name),
    )
    memo.note(device(), { refused: [], spans: [] })
    memo.note(device(), { refused: [], spans: [] })
    memo.note(device(), learnt)
    store()
    await expect.poll(() => notes.length).toBe(2)
    expect([notes, failures]).toEqual([['learnt plc false', 'learnt plc true'], ['plc']])
  })

  it('spares the device the same refusals at the next start', async () => {
    const memory = makeSimulatorMemory()
    memory.set(1, 'holding', 0, [1])
    memory.set(1, 'holding', 5, [2])
    await using simulator = await openModbusSimulator({ read: memory.read })
    const { host, port } = simulator
    const config = modbusSourceSchema.parse({
      ...{ kind: 'modbus', host, port },
      devices: { plc: { signals: { a: { holding: 0 }, b: { holding: 5 } } } },
    })
    const notes = makeMemoryStore()
    const { memo } = notes.context('line')
    const start = async (): Promise<string[]> => {
      const before = simulator.log.length
      await using source = await openModbusSource(config, {
        ...{ name: 'line', clock: makeClock(200), log: silentLog, marks: async () => [] },
        memo: memo!,
      })
      const stop = new AbortController()
      let blocks = 0
      for await (const _ of source.readings(stop.signal)) if (++blocks === 4) stop.abort()
      return simulator.log.slice(before).map((r) => `${r.address}+${r.quantity}`)
    }
    expect((await start()).slice(0, 5)).toEqual(['0+6', '0+1', '5+1', '0+6', '0+1'])
    expect(new Set(await start())).toEqual(new Set(['0+1', '5+1']))
  })
})
