import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { planModbusSource } from '../../adapters/modbus/plan.ts'
import { modbusSourceSchema } from '../../adapters/modbus/schema.ts'
import { makeSimulatorMemory, openModbusSimulator } from '../../adapters/modbus/simulator.ts'
import { unixMs } from '../../core/brand.ts'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { eventually } from '../../test/support/eventually.ts'
import { makeStoreClient } from '../../test/support/store-client.ts'
import { recordConfigOutage, startCollector } from './collect.ts'
import type { Append, CommitQueue } from './commit-queue.ts'
import { makeLiveness } from './liveness.ts'

/** The first dictionary index that the store hands out. */
const FIRST = 100

/** A simulated PLC with two registers, and a queue that makes durable what it is given while `disk.takes`. */
async function setUp() {
  const memory = makeSimulatorMemory()
  memory.set(1, 'holding', 0, [7, 8])
  let plc = await openModbusSimulator(memory)
  const { host, port } = plc
  const config = modbusSourceSchema.parse({
    kind: 'modbus',
    host,
    port,
    timeout: '200ms',
    devices: { press: { signals: { pressure: { holding: 0 }, force: { holding: 1 } } } },
  })
  const stop = new AbortController()
  const appended: Append[] = []
  const held: (() => void)[] = []
  const disk = { takes: true }
  let interned = 0

  const queue: { -readonly [K in keyof CommitQueue]: CommitQueue[K] } = makeQueue((entry) => {
    appended.push(entry)
    return disk.takes ? Promise.resolve() : new Promise((durable) => held.push(durable))
  })
  /** A minute of the collector's clock takes 300 ms. */
  const clock = makeClock(200)
  const start = (most_waiting?: number) => {
    const collector = startCollector({
      name: 'line',
      config,
      plan: planModbusSource('line', config).plan,
      instance: 'test',
      flush: 1_000,
      store: makeStoreClient({
        async intern(specs) {
          interned++
          return specs.map((_, i) => FIRST + i)
        },
      }),
      queue,
      clock,
      log: silentLog,
      liveness: makeLiveness(clock),
      signal: stop.signal,
      ...(most_waiting !== undefined && { most_waiting }),
    })
    onTestFinished(async () => {
      stop.abort()
      release()
      await collector.done
    })
    return collector
  }
  function release(): void {
    disk.takes = true
    for (const durable of held.splice(0)) durable()
  }
  onTestFinished(() => plc[Symbol.asyncDispose]())
  return {
    start,
    stop,
    queue,
    appended,
    disk,
    release,
    interned: () => interned,
    notes: () => appended.flatMap((entry) => entry.outages ?? []),
    plc: () => plc,
    unplug: () => plc[Symbol.asyncDispose](),
    async plugIn() {
      plc = await openModbusSimulator({ ...memory, host, port })
    },
  }
}

function makeQueue(append: CommitQueue['append']): CommitQueue {
  return {
    append,
    hurry: () => undefined,
    waiting: 0,
    held: 0,
    trouble: null,
    [Symbol.asyncDispose]: async () => undefined,
  }
}

describe('a collector', () => {
  it("turns the source's own indexes into the dictionary's", async () => {
    const { start, appended, interned } = await setUp()
    const collector = start()
    await eventually(() => expect(collector.state().readings).toBeGreaterThan(5))
    const { block, within_ms } = appended.find((entry) => entry.block.times.length > 1)!
    const values = Object.fromEntries([...block.signals].map((index, i) => [index, block.values[i]]))
    const names = collector.source()!.signals.map((s) => s.name)
    expect(values).toEqual({ [FIRST + names.indexOf('pressure')]: 7, [FIRST + names.indexOf('force')]: 8 })
    expect(within_ms).toBe(1_000)
    expect(interned()).toBe(1)
    expect(collector.state()).toMatchObject({ kind: 'modbus', state: 'up', fault: null })
  })

  it('counts readings when they are durable, not before', async () => {
    const { start, appended, disk, release } = await setUp()
    disk.takes = false
    const collector = start()
    await eventually(() => expect(appended.length).toBeGreaterThan(3))
    expect(collector.state().readings).toBe(0)
    release()
    await eventually(() => expect(collector.state().readings).toBeGreaterThan(3))
  })

  it('records one outage from the first failure to the reopening, however often it tries', async () => {
    const { start, appended, notes, unplug, plugIn } = await setUp()
    await unplug()
    const collector = start()
    await eventually(() => expect(appended.length).toBeGreaterThan(3))
    expect(notes()).toMatchObject([{ kind: 'begin', device: null, signal: null, reason: 'source-refused' }])
    expect(collector.state()).toMatchObject({ state: 'down', fault: { code: 'source-refused' } })
    expect(collector.source()).toBeUndefined()

    await plugIn()
    await eventually(() => expect(collector.state().readings).toBeGreaterThan(0))
    expect(notes()).toMatchObject([{ kind: 'begin' }, { kind: 'end', device: null, signal: null }])
    expect(collector.state()).toMatchObject({ state: 'up', fault: null })
  })

  it('keeps nothing of connections that did not come about', async () => {
    const { start, stop, unplug, plugIn, appended } = await setUp()
    await unplug()
    start()
    await eventually(() => expect(appended.length).toBeGreaterThan(6))
    // The pause before the next try, and the try.
    expect(getEventListeners(stop.signal, 'abort').length).toBeLessThanOrEqual(2)
    await plugIn()
  })

  it('says while a polled source is down that it has nothing older to come', async () => {
    const { start, appended, unplug } = await setUp()
    await unplug()
    start()
    await eventually(() => expect(appended.length).toBeGreaterThan(3))
    const times = appended.map((entry) => entry.block.complete_until.press!)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times.at(-1)).toBeGreaterThan(times[0]!)
    expect(appended.every((entry) => entry.block.complete_until.press === entry.block.arrival)).toBe(true)
  })

  it('opens the source again when the link is lost, and keeps its counters meanwhile', async () => {
    const { start, notes, interned, unplug, plugIn } = await setUp()
    const collector = start()
    await eventually(() => expect(collector.state().readings).toBeGreaterThan(3))
    await unplug()
    await eventually(() => expect(collector.state().state).toBe('down'))
    expect(collector.state().counters.requests).toBeGreaterThan(0)
    await plugIn()
    await eventually(() => expect(collector.state().state).toBe('up'))
    await eventually(() => expect(interned()).toBe(2))
    expect(notes()).toMatchObject([{ kind: 'begin', reason: 'source-closed' }, { kind: 'end' }])
  })

  it('has everything durable before it opens the source again', async () => {
    const { start, appended, disk, release, interned, plc } = await setUp()
    const collector = start()
    await eventually(() => expect(collector.state().readings).toBeGreaterThan(0))
    disk.takes = false
    const before = appended.length
    await eventually(() => expect(appended.length).toBeGreaterThan(before))
    plc().reset()
    await eventually(() => expect(collector.source()).toBeUndefined())
    for (let i = 0; i < 10; i++) await turn()
    expect(collector.state().state).toBe('up')
    expect(interned()).toBe(1)
    release()
    await eventually(() => expect(interned()).toBe(2))
  })

  it.each<readonly [string, CommitQueue['trouble']]>([
    ['store-full', null],
    ['store-io', { code: 'store-io', message: '', hint: '', since: unixMs(0) }],
  ])('waits when too much waits for the disk, which is an outage %s until it goes on', async (reason, trouble) => {
    const { start, appended, disk, release, notes, queue } = await setUp()
    const read = (): number => appended.reduce((n, entry) => n + entry.block.times.length, 0)
    queue.trouble = trouble
    disk.takes = false
    const collector = start(150)
    await eventually(() => expect(notes()).toMatchObject([{ kind: 'begin', device: null, signal: null, reason }]))
    const before = read()
    expect(before).toBeGreaterThan(3)
    release()
    await eventually(() => expect(read()).toBeGreaterThan(before))
    expect(notes()).toMatchObject([{ kind: 'begin' }, { kind: 'end', device: null, signal: null }])
    expect(collector.state()).toMatchObject({ state: 'up', fault: null })
  })

  it('ends when all that was read is durable', async () => {
    const { start, stop, appended, disk, release, notes } = await setUp()
    const collector = start()
    await eventually(() => expect(collector.state().readings).toBeGreaterThan(0))
    disk.takes = false
    const before = appended.length
    await eventually(() => expect(appended.length).toBeGreaterThan(before))
    let ended = false
    void collector.done.then(() => {
      ended = true
    })
    stop.abort()
    await eventually(() => expect(collector.source()).toBeUndefined())
    for (let i = 0; i < 10; i++) await turn()
    expect(ended).toBe(false)
    release()
    await collector.done
    expect(collector.state().readings).toBe(appended.reduce((n, entry) => n + entry.block.times.length, 0))
    expect(notes()).toEqual([])
  })

  it('ends while its source is down', async () => {
    const { start, stop, unplug } = await setUp()
    await unplug()
    const collector = start()
    await eventually(() => expect(collector.state().state).toBe('down'))
    stop.abort()
    await collector.done
  })
})

describe('a source that its configuration keeps off', () => {
  it('is an outage, durable at once', async () => {
    const appended: Append[] = []
    const queue = makeQueue(async (entry) => void appended.push(entry))
    await recordConfigOutage('line', queue, makeClock())
    expect(appended).toMatchObject([
      { source: 'line', within_ms: 0, outages: [{ kind: 'begin', device: null, signal: null, reason: 'config' }] },
    ])
  })
})
