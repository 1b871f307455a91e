import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type Collecting, collect, makeMemoryStore } from '../../test/support/collecting.ts'
import { eventually } from '../../test/support/eventually.ts'
import type { Delivery } from '../source.ts'
import { openMqttSource } from './adapter.ts'
import { mqttSourceSchema } from './schema.ts'
import { type Broker, openBroker } from './simulator.ts'

let broker: Broker | undefined
const collectings: Collecting[] = []
const fakes: Server[] = []

afterEach(async () => {
  for (const collecting of collectings.splice(0)) await collecting.stop()
  await broker?.[Symbol.asyncDispose]()
  broker = undefined
  for (const fake of fakes.splice(0)) await new Promise((resolve) => fake.close(resolve))
})

const climate = {
  topic: 'hall/{asset}/climate',
  time: { path: '$.ts', format: 'unix_ms' },
  signals: { temperature: { path: '$.t', unit: 'Cel' } },
}

async function start(options: object = {}, settle?: (delivery: Delivery) => void | Promise<void>) {
  broker = await openBroker()
  const config = mqttSourceSchema.parse({
    kind: 'mqtt',
    url: broker.url,
    protocol: '3.1.1',
    subscriptions: [climate],
    ...options,
  })
  const store = makeMemoryStore()
  const context = store.context('climate')
  const source = await openMqttSource(config, context)
  collectings.push(collect(source, store, settle))
  return { config, store, context, source }
}

const at = Date.UTC(2026, 10, 24, 3)
const reading = (i: number) => JSON.stringify({ ts: at + i, t: i / 10 })

/** A subscription is in force when a retained probe of the broker comes through. */
async function subscribed(source: { counters(): Readonly<Record<string, number>> }, topic: string): Promise<void> {
  const before = source.counters().messages!
  await eventually(async () => {
    await broker!.publish(topic, 'x')
    expect(source.counters().messages).toBeGreaterThan(before)
  })
}

it('collects readings of assets as they appear, with their own times', async () => {
  const { store, source } = await start()
  await subscribed(source, 'hall/h-1/climate')
  for (const [i, asset] of ['h-1', '홀-2', 'h-1'].entries())
    await broker!.publish(`hall/${asset}/climate`, reading(i), { qos: i === 2 ? 0 : 1 })
  await eventually(() => expect(store.readings).toHaveLength(3))
  expect(store.readings).toEqual([
    { id: 'h-1/temperature', at, value: 0, quality: 'good' },
    { id: '홀-2/temperature', at: at + 1, value: 0.1, quality: 'good' },
    { id: 'h-1/temperature', at: at + 2, value: 0.2, quality: 'good' },
  ])
  expect(store.complete).toEqual({ 'h-1': at + 2, '홀-2': at + 1 })
  expect(source.signals.map((s) => [s.id, s.unit, s.source])).toEqual([
    ['h-1/temperature', 'Cel', 'climate'],
    ['홀-2/temperature', 'Cel', 'climate'],
  ])
})

it('asks for a commit within ack_within, and at once when half the window is held', async () => {
  const deliveries: Delivery[] = []
  const { source } = await start({ window: 4, ack_within: '70ms' }, (delivery) => void deliveries.push(delivery))
  await subscribed(source, 'hall/h-1/climate')
  await eventually(() => expect(deliveries.length).toBeGreaterThan(0))
  expect(deliveries.every((delivery) => delivery.within_ms === undefined)).toBe(true)
  for (let i = 0; i < 3; i++) {
    await broker!.publish('hall/h-1/climate', reading(i), { qos: 1 })
    await eventually(() => expect(source.counters().held).toBe(i + 1))
    await eventually(() => expect(deliveries.at(-1)?.marks?.seen).toHaveLength(1))
    await eventually(() => expect(deliveries.at(-1)?.within_ms).toBe(i === 0 ? 70 : 0))
  }
})

it('does not wait for a window that the broker has not shown to have', async () => {
  const deliveries: Delivery[] = []
  const { source } = await start({ window: 1_000 }, (delivery) => void deliveries.push(delivery))
  await subscribed(source, 'hall/h-1/climate')
  const due: (number | undefined)[] = []
  for (let i = 0; i < 12; i++) {
    await broker!.publish('hall/h-1/climate', reading(i), { qos: 1 })
    await eventually(() => expect(deliveries.flatMap((d) => d.marks?.seen ?? [])).toHaveLength(i + 1))
    due.push(deliveries.at(-1)?.within_ms)
  }
  expect(due).toEqual([...Array(9).fill(100), 0, 0, 0])
})

it('shows in probe what came last, and what has not come', async () => {
  const { source } = await start({
    subscriptions: [climate, { topic: 'gate', asset: 'gate-1', signals: { open: { path: '$', type: 'bool' } } }],
  })
  await subscribed(source, 'gate')
  await broker!.publish('hall/h-1/climate', reading(5), { qos: 1 })
  await eventually(() => expect(source.counters().readings).toBe(1))
  expect(await source.probe(AbortSignal.abort())).toEqual([
    {
      source: 'climate',
      device: null,
      asset: 'gate-1',
      signal: 'open',
      value: null,
      quality: 'bad',
      reason: 'no message yet',
      unit: null,
      raw: null,
    },
    {
      source: 'climate',
      device: null,
      asset: 'h-1',
      signal: 'temperature',
      value: 0.5,
      quality: 'good',
      reason: '',
      unit: 'Cel',
      raw: 'hall/h-1/climate',
    },
  ])
  await broker!.publish('gate', 'true')
  await eventually(async () =>
    expect((await source.probe(AbortSignal.timeout(1_000)))[0]).toMatchObject({ value: true }),
  )
})

it('gives a fault of the link to the runner, and takes up the session again', async () => {
  const { store, source, config, context } = await start()
  await subscribed(source, 'hall/h-1/climate')
  const { port } = broker!
  await broker![Symbol.asyncDispose]()
  await eventually(() =>
    expect(collectings[0]!.fault()).toMatchObject({ code: 'source-closed', where: { source: 'climate' } }),
  )
  await expect(openMqttSource(config, context)).rejects.toMatchObject({ code: 'source-refused', fate: 'retries' })

  broker = await openBroker({ port })
  const again = await openMqttSource(config, context)
  collectings.push(collect(again, store))
  await subscribed(again, 'hall/h-1/climate')
  await broker!.publish('hall/h-1/climate', reading(1), { qos: 1 })
  await eventually(() => expect(store.readings).toHaveLength(1))
  expect(again.counters().connections).toBe(2)
})

it('says so where the broker does not speak MQTT 5', async () => {
  broker = await openBroker()
  const config = mqttSourceSchema.parse({ kind: 'mqtt', url: broker.url, subscriptions: [climate] })
  await expect(openMqttSource(config, makeMemoryStore().context('climate'))).rejects.toMatchObject({
    code: 'source-protocol',
    message: expect.stringContaining('protocol: "3.1.1"'),
  })
})

describe('a broker that', () => {
  async function openFake(serve: (socket: Socket) => void): Promise<{ readonly url: string }> {
    const server = createServer(serve)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    fakes.push(server)
    return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}` }
  }

  async function connect(broker: { readonly url: string }, options: object = {}): Promise<void> {
    const config = mqttSourceSchema.parse({ kind: 'mqtt', url: broker.url, subscriptions: [climate], ...options })
    const store = makeMemoryStore()
    collectings.push(collect(await openMqttSource(config, store.context('climate')), store))
  }

  const CONNACK = Uint8Array.of(0x20, 3, 0, 0, 0)

  it('never answers is given up', async () => {
    const silent = await openFake((socket) => socket.resume())
    await expect(connect(silent, { connect_timeout: '100ms' })).rejects.toMatchObject({ code: 'source-timeout' })
  })

  it('never answers the subscription does not keep the source from closing', async () => {
    const mute = await openFake((socket) => {
      socket.on('error', () => socket.destroy())
      socket.once('data', () => socket.write(CONNACK)).resume()
    })
    await connect(mute)
    await collectings[0]!.stop()
    expect(collectings[0]!.fault()).toBeUndefined()
  })

  it('does not speak MQTT is named so', async () => {
    const web = await openFake((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await expect(connect(web)).rejects.toMatchObject({ code: expect.stringMatching(/^source-(protocol|closed)$/) })
  })

  it.each(['3.1.1', '5'])('speaks MQTT %s is asked by a probe for a session that ends with it', async (protocol) => {
    const asked: Buffer[] = []
    const broker = await openFake((socket) => {
      socket.on('error', () => socket.destroy())
      socket.once('data', (bytes) => {
        asked.push(bytes)
        socket.once('data', () => socket.destroy())
        socket.write(protocol === '5' ? CONNACK : Uint8Array.of(0x20, 2, 0, 0))
      })
    })
    const config = mqttSourceSchema.parse({ kind: 'mqtt', url: broker.url, protocol, subscriptions: [climate] })
    for (const transient of [false, true])
      await (await openMqttSource(config, { ...makeMemoryStore().context('climate'), transient }))[
        Symbol.asyncDispose
      ]()
    // Byte 9 of CONNECT holds the flags (MQTT 5.0 §3.1.2.3): bit 1 is Clean Start.
    expect(asked.map((bytes) => (bytes[9]! >> 1) & 1)).toEqual([0, 1])
  })

  it('says that another client took the session over is believed', async () => {
    const busy = await openFake((socket) => {
      socket.on('error', () => socket.destroy())
      socket.once('data', () => socket.write(CONNACK))
      socket.once('data', () => socket.once('data', () => socket.end(Uint8Array.of(0xe0, 2, 0x8e, 0))))
    })
    await connect(busy)
    await eventually(() => expect(collectings[0]!.fault()).toMatchObject({ code: 'mqtt-takeover', fate: 'waits' }))
  })

  it.each([0x80, 0x87])('refuses the subscription with %d stops the source', async (code) => {
    const strict = await openFake((socket) => {
      socket.on('error', () => socket.destroy())
      socket.once('data', () => {
        socket.write(CONNACK)
        // SUBSCRIBE carries its packet id right after the fixed header of two bytes.
        socket.once('data', (bytes) => socket.write(Uint8Array.of(0x90, 4, bytes[2]!, bytes[3]!, 0, code)))
      })
    })
    await connect(strict)
    await eventually(() =>
      expect(collectings[0]!.fault()).toMatchObject({ code: 'mqtt-subscribe', where: { topic: 'hall/+/climate' } }),
    )
  })
})

it('stops when told, without a message', async () => {
  await start()
  await collectings[0]!.stop()
  expect(collectings[0]!.fault()).toBeUndefined()
})
