import { expect, it, onTestFinished } from 'vitest'
import { mqttSourceSchema } from '../../adapters/mqtt/schema.ts'
import { openBroker } from '../../adapters/mqtt/simulator.ts'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { openAgentStore } from '../../test/support/agent-store.ts'
import { eventually } from '../../test/support/eventually.ts'
import { bdSeq, sparkplugPayload } from '../../test/support/sparkplug.ts'
import { makeStoreClient } from '../../test/support/store-client.ts'
import { startCollector } from './collect.ts'
import type { Append } from './commit-queue.ts'
import { makeLiveness } from './liveness.ts'

/** A collector on an embedded broker, and a queue that makes durable what it is given when `release` is called. */
async function setUp() {
  const broker = await openBroker()
  const config = mqttSourceSchema.parse({
    kind: 'mqtt',
    url: broker.url,
    protocol: '3.1.1',
    subscriptions: [{ topic: 'hall/{asset}', signals: { heat: { path: '$.t', unit: 'Cel' } } }],
  })
  const stop = new AbortController()
  const clock = makeClock()
  const appended: Append[] = []
  const held: (() => void)[] = []
  const dictionary: string[] = []
  const release = (): void => {
    for (const durable of held.splice(0)) durable()
  }
  const collector = startCollector({
    name: 'broker',
    config,
    plan: { signals: [], assets: [], polled: false },
    instance: 'test',
    flush: 10,
    store: makeStoreClient({
      intern: async (specs) => specs.map((spec) => dictionary.push(spec.id) - 1),
      marks: async () => [],
      dropMarks: async () => undefined,
      memo: async () => undefined,
      setMemo: async () => undefined,
      memos: async () => new Map(),
    }),
    queue: {
      append(entry) {
        appended.push(entry)
        return new Promise((durable) => held.push(durable))
      },
      hurry: () => undefined,
      waiting: 0,
      held: 0,
      trouble: null,
      [Symbol.asyncDispose]: async () => undefined,
    },
    clock,
    log: silentLog,
    liveness: makeLiveness(clock),
    signal: stop.signal,
  })
  onTestFinished(async () => {
    stop.abort()
    await eventually(() => expect(collector.source()).toBeUndefined())
    release()
    await collector.done
    await broker[Symbol.asyncDispose]()
  })
  // A subscription is in force when a message comes through.
  await eventually(async () => {
    await broker.publish('hall/probe', 'x')
    expect(collector.state().counters.messages).toBeGreaterThan(0)
  })
  const values = (): Record<string, unknown> =>
    Object.fromEntries(
      appended.flatMap(({ block }) => [...block.signals].map((index, i) => [dictionary[index], block.values[i]])),
    )
  return { broker, collector, appended, dictionary, release, values }
}

it('acknowledges a message when it is durable, not before, and stores its mark with it', async () => {
  const { broker, collector, appended, release } = await setUp()
  await broker.publish('hall/h-1', '{"t": 20.5}', { qos: 1 })
  await eventually(() => expect(appended.some((entry) => entry.block.times.length > 0)).toBe(true))
  expect(collector.state()).toMatchObject({ readings: 0, counters: { held: 1 } })
  expect(appended.flatMap((entry) => entry.marks ?? [])).toMatchObject([{ packet_id: expect.any(Number) }])
  release()
  await eventually(() => expect(collector.state()).toMatchObject({ readings: 1, counters: { held: 0 } }))
})

it('adds signals to the dictionary as their assets appear, each once', async () => {
  const { broker, dictionary, values } = await setUp()
  for (const [i, asset] of ['h-2', 'h-1', 'h-2', '홀-3'].entries())
    await broker.publish(`hall/${asset}`, `{"t": ${i}}`, { qos: 1 })
  await eventually(() => expect(values()).toEqual({ 'h-2/heat': 2, 'h-1/heat': 1, '홀-3/heat': 3 }))
  expect(new Set(dictionary).size).toBe(dictionary.length)
})

it('counts what it refused, under its own name', async () => {
  const { broker, appended } = await setUp()
  const counts = () => appended.flatMap((entry) => entry.counts ?? [])
  const before = counts().length
  await broker.publish('hall/h-1', 'not JSON', { qos: 1 })
  await eventually(() => expect(counts().length).toBeGreaterThan(before))
  for (const count of counts()) expect(count).toMatchObject({ source: 'broker', kind: 'refused', reason: 'malformed' })
})

it('keeps what Sparkplug births taught in the store, from one start to the next', async () => {
  await using broker = await openBroker()
  const clock = makeClock()
  await using disk = await openAgentStore(clock, { max_age: 86_400_000, keep_raw: 86_400_000 })
  const { store, queue, liveness } = disk
  const signals = { oil: { metric: 'Oil', unit: 'Cel' } }
  const config = mqttSourceSchema.parse({
    kind: 'mqtt',
    url: broker.url,
    protocol: '3.1.1',
    subscriptions: [{ topic: 'spBv1.0/g/+/e/{asset}', payload: 'sparkplug_b', signals }],
  })

  /** Collects until `enough` more readings are durable, while `send` is repeated. */
  async function collect(enough: number, send: () => Promise<void>): Promise<void> {
    const stop = new AbortController()
    const collector = startCollector({
      name: 'line',
      config,
      plan: { signals: [], assets: [], polled: false },
      instance: 'test',
      flush: 10,
      store,
      queue,
      clock,
      log: silentLog,
      liveness,
      signal: stop.signal,
    })
    try {
      await eventually(async () => {
        await send()
        expect(collector.state().readings).toBeGreaterThanOrEqual(enough)
      })
    } finally {
      stop.abort()
      await collector.done
    }
  }

  await collect(1, async () => {
    await broker.publish('spBv1.0/g/NBIRTH/e', sparkplugPayload(0, bdSeq(1)))
    await broker.publish('spBv1.0/g/DBIRTH/e/p', sparkplugPayload(1, { name: 'Oil', alias: 1, datatype: 9, float: 1 }))
  })
  const { accepted } = await store.status(clock.now())
  await collect(1, () => broker.publish('spBv1.0/g/DDATA/e/p', sparkplugPayload(2, { alias: 1, float: 2 })))
  const status = await store.status(clock.now())
  expect(status.accepted).toBeGreaterThan(accepted)
  expect(status.outages.filter(({ reason }) => reason === 'sequence_gap')).toEqual([])
})
