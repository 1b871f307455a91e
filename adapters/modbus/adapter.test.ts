import { describe, expect, it } from 'vitest'
import { modbusPlant, of, type Plant } from '../../test/support/modbus-plant.ts'
import { encodeRegisters } from './encode.ts'

const two = {
  alive: { unit_id: 1, signals: { x: { holding: 0 } } },
  dead: { unit_id: 2, signals: { x: { holding: 0 }, y: { holding: 100 }, z: { input: 5 } } },
}

describe('readings', () => {
  it('yields decoded values with the time of their response, and what is complete', async () => {
    const signals = { t: { holding: 0, type: 'float32', unit: 'Cel' }, n: { holding: 2, scale: 0.1 }, on: { coil: 3 } }
    const p = await modbusPlant({ devices: { plc: { asset: 'press', signals } } }, (memory) => {
      memory.set(1, 'holding', 0, [...encodeRegisters(0.1, 'float32'), 3])
      memory.set(1, 'coil', 3, [1])
    })
    await expect.poll(() => p.seen.length).toBeGreaterThanOrEqual(9)
    expect(p.seen.slice(0, 3).map((r) => [r.signal, r.value])).toEqual([
      ['press/t', 0.1],
      ['press/n', 0.3],
      ['press/on', true],
    ])
    expect(p.complete.press).toBeGreaterThanOrEqual(Math.max(...p.seen.map((r) => r.at)))
    expect(of(p, 'press/t').map((r) => r.at)).toEqual(
      of(p, 'press/t')
        .map((r) => r.at)
        .toSorted((a, b) => a - b),
    )
    expect(p.outages).toEqual([])
    p.stop.abort()
    expect(await p.ended).toBe('ended')
  })

  it('reads signals of one tick in one request and others by their own period', async () => {
    const signals = { a: { holding: 0 }, b: { holding: 1, period: '4s' }, c: { holding: 2 } }
    const p = await modbusPlant({ max_gap: 1, devices: { plc: { signals } } }, (m) => m.set(1, 'holding', 0, [1, 2, 3]))
    await expect.poll(() => of(p, 'plc/b').length).toBeGreaterThanOrEqual(3)
    expect(new Set(p.simulator.log.map((r) => `${r.address}+${r.quantity}`))).toEqual(new Set(['0+3']))
    expect(of(p, 'plc/a').length).toBeGreaterThan(of(p, 'plc/b').length)
  })

  it('stamps each reading when its own response came, not all of a cycle alike', async () => {
    const p = await modbusPlant(
      { devices: { plc: { signals: { a: { holding: 0 }, b: { input: 0 }, c: { coil: 0 } } } } },
      (m) => {
        for (const table of ['holding', 'input', 'coil'] as const) m.set(1, table, 0, [1])
      },
      (answer, send) => void setTimeout(() => send(answer), 30),
      1,
    )
    await expect.poll(() => p.seen.length).toBeGreaterThanOrEqual(3)
    const [a, b, c] = p.seen
    // Timers may fire a millisecond early.
    expect(b!.at - a!.at).toBeGreaterThanOrEqual(28)
    expect(c!.at - b!.at).toBeGreaterThanOrEqual(28)
  })

  it('reads a hundred units behind one connection, each its own value, none less often than the others', async () => {
    const units = Array.from({ length: 100 }, (_, i) => i + 1)
    const p = await modbusPlant(
      {
        devices: Object.fromEntries(units.map((unit_id) => [`m${unit_id}`, { unit_id, signals: { e: { input: 0 } } }])),
      },
      (m) => {
        for (const unit of units) m.set(unit, 'input', 0, [unit * 100])
      },
    )
    const counts = (): number[] => units.map((unit) => of(p, `m${unit}/e`).length)
    await expect.poll(() => Math.min(...counts()), { timeout: 10_000 }).toBeGreaterThanOrEqual(4)
    expect(Math.max(...counts())).toBeLessThanOrEqual(2 * Math.min(...counts()))
    expect(new Set(p.seen.map((r) => `${r.signal} ${r.value}`))).toEqual(
      new Set(units.map((u) => `m${u}/e ${u * 100}`)),
    )
    expect(p.simulator.connections).toBe(1)
  })

  it('leaves out what a deadband says is unchanged, counts it, and keeps a heartbeat', async () => {
    const signals = { x: { holding: 0, deadband: { absolute: 5, heartbeat: '1d' } }, n: { holding: 1 } }
    const p = await modbusPlant({ devices: { plc: { signals } } }, (m) => m.set(1, 'holding', 0, [100, 1]))
    await expect.poll(() => of(p, 'plc/n').length).toBeGreaterThanOrEqual(5)
    p.memory.set(1, 'holding', 0, [104])
    const before = of(p, 'plc/n').length
    await expect.poll(() => of(p, 'plc/n').length).toBeGreaterThanOrEqual(before + 5)
    p.memory.set(1, 'holding', 0, [200])
    await expect.poll(() => of(p, 'plc/x').map((r) => r.value)).toEqual([100, 200])
    expect(p.unchanged.n).toBeGreaterThanOrEqual(9)
  })

  it('skips the ticks it has no time for, and counts them', async () => {
    const p = await modbusPlant(
      { period: '50ms', devices: { plc: { signals: { x: { holding: 0 } } } } },
      (m) => m.set(1, 'holding', 0, [1]),
      (answer, send) => void setTimeout(() => send(answer), 20),
    )
    await expect.poll(() => p.seen.length).toBeGreaterThanOrEqual(3)
    expect(p.source.counters().overruns).toBeGreaterThanOrEqual(3)
    expect(p.simulator.requests).toBeLessThanOrEqual(p.seen.length + 1)
  })
})

describe('the link', () => {
  it.each([
    ['reset', (p: Plant) => p.simulator.reset(), 'source-closed'],
    ['closed', async (p: Plant) => void (await p.simulator[Symbol.asyncDispose]()), 'source-closed'],
  ])('that is %s ends the readings with a fault', async (_, cut, code) => {
    const p = await modbusPlant({ devices: { plc: { signals: { x: { holding: 0 } } } } }, (m) =>
      m.set(1, 'holding', 0, [1]),
    )
    await expect.poll(() => p.seen.length).toBeGreaterThan(0)
    cut(p)
    expect(await p.ended).toMatchObject({ code, where: { source: 'line' } })
  })

  it('is one, for a probe too', async () => {
    const p = await modbusPlant({ devices: two }, (m) => m.set(1, 'holding', 0, [1]))
    await p.source.probe(new AbortController().signal)
    expect(p.simulator.connections).toBe(1)
  })
})

describe('probe', () => {
  it('shows values, raw registers and what is wrong', async () => {
    const devices = {
      plc: {
        asset: 'press',
        signals: {
          t: { holding: 0, type: 'float32', unit: 'Cel' },
          nan: { holding: 2, type: 'float32' },
          big: { holding: 10, type: 'uint64' },
          text: { holding: 20, type: 'string', length: 2 },
          on: { coil: 1 },
          gone: { input: 9 },
          state: { holding: 10, bits: '0-1', labels: { 3: 'fault' } },
          since: { holding: 30, type: 'unix32' },
        },
      },
      dead: { unit_id: 9, signals: { x: { holding: 0 } } },
    }
    const p = await modbusPlant({ max_gap: 0, devices }, (m) => {
      m.set(1, 'holding', 0, [0x41c8, 0, 0x7fc0, 0])
      m.set(1, 'holding', 10, [0xffff, 0xffff, 0xffff, 0xffff])
      m.set(1, 'holding', 20, encodeRegisters('abc', 'string', 'ABCD', 2))
      m.set(1, 'holding', 30, encodeRegisters(1_764_011_045_000, 'unix32'))
      m.set(1, 'coil', 1, [1])
    })
    const base = { source: 'line', device: 'plc', asset: 'press', quality: 'good', reason: '' }
    expect(await p.source.probe(new AbortController().signal)).toEqual([
      { ...base, signal: 't', value: 25, unit: 'Cel', raw: '41c8 0000' },
      { ...base, signal: 'nan', value: null, quality: 'bad', reason: 'not_a_number', unit: '1', raw: '7fc0 0000' },
      { ...base, signal: 'big', value: '18446744073709551615', unit: '1', raw: 'ffff ffff ffff ffff' },
      { ...base, signal: 'text', value: 'abc', unit: null, raw: '6162 6300' },
      { ...base, signal: 'on', value: true, unit: null, raw: '1' },
      { ...base, signal: 'gone', value: null, quality: 'bad', reason: 'illegal_address', unit: '1', raw: null },
      { ...base, signal: 'state', value: 3, meaning: 'fault', unit: '1', raw: 'ffff' },
      {
        ...{ ...base, signal: 'since', value: 1_764_011_045_000, unit: 'ms', raw: '6924 ac25' },
        meaning: '2025-11-24T19:04:05.000Z',
      },
      {
        ...{ source: 'line', device: 'dead', asset: 'dead', signal: 'x', value: null, unit: '1', raw: null },
        ...{ quality: 'bad', reason: 'source-timeout' },
      },
    ])
  })
})
