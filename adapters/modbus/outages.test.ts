import { describe, expect, it } from 'vitest'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { qualityOf } from '../../core/quality.ts'
import { modbusPlant, of } from '../../test/support/modbus-plant.ts'
import { openModbusSource } from './adapter.ts'
import { encodeRegisters } from './encode.ts'
import { modbusSourceSchema } from './schema.ts'
import { makeSimulatorMemory, openModbusSimulator } from './simulator.ts'

const two = {
  alive: { unit_id: 1, signals: { x: { holding: 0 } } },
  dead: { unit_id: 2, signals: { x: { holding: 0 }, y: { holding: 100 }, z: { input: 5 } } },
}

describe('a device that is silent', () => {
  it('is an outage of its own, tried ever more rarely, while the others go on', async () => {
    const p = await modbusPlant({ timeout: '50ms', devices: two }, (m) => m.set(1, 'holding', 0, [1]))
    await expect.poll(() => p.outages.length).toBe(1)
    const before = of(p, 'alive/x').length
    await expect.poll(() => of(p, 'alive/x').length).toBeGreaterThan(before + 20)
    expect(p.outages).toEqual([
      { kind: 'begin', device: 'dead', signal: null, reason: 'source-timeout', at: expect.any(Number) },
    ])
    expect(of(p, 'dead/x')).toEqual([])
    // Its asset is complete all the same: what was not read cannot arrive late.
    expect(p.complete.dead).toBeGreaterThan(p.outages[0]!.at)
    // One request a try, not one for each of its three reads.
    const units = p.simulator.log.map((r) => r.unit_id)
    expect(units.filter((unit, i) => unit === 2 && units[i + 1] === 2)).toEqual([])

    p.memory.set(2, 'holding', 0, [7])
    p.memory.set(2, 'holding', 100, [8])
    p.memory.set(2, 'input', 5, [9])
    await expect.poll(() => of(p, 'dead/z').length, { timeout: 10_000 }).toBeGreaterThan(1)
    expect(p.outages[1]).toEqual({ kind: 'end', device: 'dead', signal: null, at: expect.any(Number) })
    expect(p.outages).toHaveLength(2)
  })

  it('says nothing of the unit with its number on another connection', async () => {
    const devices = { plc: { unit_id: 1, signals: { x: { holding: 0 } } } }
    const dead = await modbusPlant({ timeout: '50ms', devices }, () => undefined)
    const alive = await modbusPlant({ timeout: '500ms', devices }, (m) => m.set(1, 'holding', 0, [1]))
    await expect.poll(() => dead.outages.length, { timeout: 10_000 }).toBeGreaterThan(0)
    const before = of(alive, 'plc/x').length
    await expect.poll(() => of(alive, 'plc/x').length, { timeout: 10_000 }).toBeGreaterThan(before + 20)
    expect(alive.outages).toEqual([])
  })

  it('costs nothing but a word where a gateway says so (exceptions 10 and 11)', async () => {
    await using gateway = await openModbusSimulator({
      read: (unit) => (unit === 1 ? [1] : { exception: 11 }),
    })
    const config = modbusSourceSchema.parse({ kind: 'modbus', host: gateway.host, port: gateway.port, devices: two })
    await using source = await openModbusSource(config, {
      name: 'line',
      clock: makeClock(200),
      log: silentLog,
      marks: async () => [],
    })
    for await (const { outages = [], block } of source.readings(new AbortController().signal)) {
      expect([...block.signals].filter((s) => s > 0)).toEqual([])
      if (outages.length === 0) continue
      expect(outages).toEqual([
        { kind: 'begin', device: 'dead', signal: null, reason: 'gateway_target', at: expect.any(Number) },
      ])
      break
    }
  })

  it('is told from one whose answers come under another unit id', async () => {
    const p = await modbusPlant(
      { timeout: '500ms', devices: two },
      (m) => {
        for (const unit of [1, 2]) m.set(unit, 'holding', 0, [unit])
      },
      (answer, send, { unit_id }) => {
        if (unit_id === 2) answer[6] = 1
        send(answer)
      },
    )
    await expect.poll(() => p.outages.length, { timeout: 10_000 }).toBe(1)
    expect(p.outages[0]).toMatchObject({ kind: 'begin', device: 'dead', reason: 'other_unit' })
    const text = 'unit id 2 was asked, answers came from unit id 1 and were dropped: check `unit_id`'
    expect(p.source.lessons?.()).toEqual([{ device: 'dead', signals: [], text }])
    const [alive, dead] = await p.source.probe(new AbortController().signal)
    expect([alive!.value, alive!.lessons]).toEqual([1, undefined])
    expect(dead).toMatchObject({ value: null, reason: 'other_unit', lessons: [text] })
    expect(of(p, 'dead/x')).toEqual([])
  })

  it("is the link's fault when no unit answers", async () => {
    const p = await modbusPlant({ timeout: '50ms', devices: two }, () => undefined)
    expect(await p.ended).toMatchObject({ code: 'source-timeout' })
    // The source's outage begins where these end.
    expect(p.outages.map((o) => [o.kind, o.device])).toEqual(
      expect.arrayContaining([
        ['begin', 'alive'],
        ['end', 'alive'],
        ['begin', 'dead'],
        ['end', 'dead'],
      ]),
    )
  })
})

describe('a signal that is refused', () => {
  const signals = { a: { holding: 0 }, b: { holding: 1 }, c: { holding: 2, type: 'uint32' } }

  it('is one bad reading and an outage; the others flow in that same cycle', async () => {
    const p = await modbusPlant({ devices: { plc: { signals } } }, (m) => {
      m.set(1, 'holding', 0, [1])
      m.set(1, 'holding', 2, [0, 3])
    })
    await expect.poll(() => of(p, 'plc/c').length).toBeGreaterThan(5)
    expect(p.seen.slice(0, 3).map((r) => [r.signal, r.value, r.reason])).toEqual([
      ['plc/a', 1, ''],
      ['plc/b', null, 'illegal_address'],
      ['plc/c', 3, ''],
    ])
    expect(of(p, 'plc/b')).toHaveLength(1)
    expect(p.outages).toEqual([
      { kind: 'begin', device: 'plc', signal: 'plc/b', reason: 'illegal_address', at: expect.any(Number) },
    ])

    p.memory.set(1, 'holding', 1, [2])
    await expect.poll(() => of(p, 'plc/b').length).toBeGreaterThan(3)
    expect(of(p, 'plc/b')[1]).toMatchObject({ value: 2, reason: '' })
    expect(p.outages[1]).toEqual({ kind: 'end', device: 'plc', signal: 'plc/b', at: expect.any(Number) })
    await expect.poll(() => p.simulator.log.at(-1)?.quantity).toBe(4)
  })

  it('by a hole only costs the bridge, not the signals', async () => {
    const p = await modbusPlant(
      { max_gap: 5, devices: { plc: { signals: { a: { holding: 0 }, b: { holding: 3 } } } } },
      (m) => {
        m.set(1, 'holding', 0, [1])
        m.set(1, 'holding', 3, [4])
      },
    )
    await expect.poll(() => of(p, 'plc/b').length).toBeGreaterThan(5)
    // Asked twice, since nothing is learnt from a passing mood, and not again.
    expect(p.simulator.log.filter((r) => r.quantity > 1)).toHaveLength(2)
    expect(p.outages).toEqual([])
    const lesson = {
      device: 'plc',
      signals: ['plc/a', 'plc/b'],
      text: 'no request across holding 1–2: the device refuses it',
    }
    expect(p.source.lessons?.()).toEqual([lesson])
    const [a, b] = await p.source.probe(new AbortController().signal)
    expect([a!.lessons, b!.lessons]).toEqual([[lesson.text], [lesson.text]])
  })

  it('by its length only gets shorter reads', async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`s${i}`, { holding: i }]))
    const memory = makeSimulatorMemory()
    memory.set(1, 'holding', 0, new Array(40).fill(1))
    await using simulator = await openModbusSimulator({
      read: (unit, table, address, n) => (n > 16 ? { exception: 3 } : memory.read(unit, table, address, n)),
    })
    const { host, port } = simulator
    const config = modbusSourceSchema.parse({ kind: 'modbus', host, port, devices: { plc: { signals: many } } })
    await using source = await openModbusSource(config, {
      name: 'l',
      clock: makeClock(200),
      log: silentLog,
      marks: async () => [],
    })
    for await (const { block, outages } of source.readings(new AbortController().signal)) {
      expect(block.signals.length % 40).toBe(0)
      expect(outages).toBeUndefined()
      // 16 + 16 + 8: exactly as long as it answers.
      if (simulator.log.at(-1)?.quantity === 8) break
    }
    expect(source.lessons?.()).toEqual([
      { device: 'plc', signals: [], text: 'answers at most 16 registers at once: it refuses more' },
    ])
  })

  it('for a while (busy) is asked for again at once', async () => {
    let busy = true
    await using simulator = await openModbusSimulator({
      read: (_u, _t, _a, n) => (busy ? { exception: 6 } : new Array(n).fill(5)),
    })
    const { host, port } = simulator
    const config = modbusSourceSchema.parse({ kind: 'modbus', host, port, devices: { plc: { signals } } })
    await using source = await openModbusSource(config, {
      name: 'l',
      clock: makeClock(200),
      log: silentLog,
      marks: async () => [],
    })
    const reasons: string[] = []
    for await (const { block, outages = [] } of source.readings(new AbortController().signal)) {
      reasons.push(...[...block.qualities].map((q) => qualityOf(q).reason))
      busy = simulator.requests < 4
      if (outages.some((o) => o.kind === 'end')) break
    }
    expect(reasons).toEqual(['device_busy', 'device_busy', 'device_busy', '', '', ''])
  })
})

describe('a value that is none', () => {
  it('is one bad reading on entering, and a good one on leaving', async () => {
    const p = await modbusPlant(
      { devices: { plc: { signals: { t: { holding: 0, type: 'float32' }, x: { holding: 2 } } } } },
      (m) => m.set(1, 'holding', 0, [0x7fc0, 0, 1]),
    )
    await expect.poll(() => of(p, 'plc/x').length).toBeGreaterThan(3)
    p.memory.set(1, 'holding', 0, encodeRegisters(2.5, 'float32'))
    await expect.poll(() => of(p, 'plc/t').length).toBeGreaterThan(1)
    expect(
      of(p, 'plc/t')
        .slice(0, 2)
        .map((r) => [r.value, r.reason]),
    ).toEqual([
      [null, 'not_a_number'],
      [2.5, ''],
    ])
    expect(p.outages.map((o) => [o.kind, o.signal])).toEqual([
      ['begin', 'plc/t'],
      ['end', 'plc/t'],
    ])
  })
})
