import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { makeAgent, stopAgents } from '../../test/support/broker-agent.ts'
import { type MemoryStore, makeMemoryStore } from '../../test/support/collecting.ts'
import { eventually } from '../../test/support/eventually.ts'
import { findMosquitto, openMosquitto } from '../../test/support/mosquitto.ts'
import { mqttSourceSchema } from './schema.ts'

/** Filters that overlap and change while the session holds messages: MQTT 5, where Mosquitto queues a copy for each filter. */

const installed = await findMosquitto()
const open: AsyncDisposable[] = []

afterEach(async () => {
  await stopAgents()
  for (const thing of open.splice(0).reverse()) await thing[Symbol.asyncDispose]()
})

async function setUp() {
  const broker = await openMosquitto(installed!)
  open.push(broker)
  const wire = await openWire(Number(new URL(broker.url).port))
  open.push(wire)
  const client = await connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 0 })
  open.push({ [Symbol.asyncDispose]: () => client.endAsync(true) })
  return { wire, client, store: makeMemoryStore() }
}

const SUBSCRIBE = 8
const SUBACK = 9

/** The network between agent and broker, which may be cut at a packet. */
interface Wire extends AsyncDisposable {
  readonly url: string
  /** Cuts the connection before the packet of this type and number (from 0) gets through; undefined: never. */
  cutAt: { readonly type: number; readonly nth: number } | undefined
}

async function openWire(port: number): Promise<Wire> {
  const sockets = new Set<Socket>()
  const server = createServer((agent) => {
    const broker = connect(port, '127.0.0.1')
    let seen = 0
    const pass = (from: Socket, to: Socket): void => {
      sockets.add(from.on('error', () => from.destroy()).on('close', () => to.end()))
      let rest: Buffer = Buffer.alloc(0)
      from.on('data', (bytes: Buffer) => {
        rest = Buffer.concat([rest, bytes])
        for (let end = packetEnd(rest); end !== undefined; end = packetEnd(rest)) {
          const { cutAt } = wire
          if (cutAt && rest[0]! >> 4 === cutAt.type && seen++ === cutAt.nth) {
            agent.destroy()
            broker.end()
          } else if (to.writable) to.write(rest.subarray(0, end))
          rest = rest.subarray(end)
        }
      })
    }
    pass(agent, broker)
    pass(broker, agent)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const wire: Wire = {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAt: undefined,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return wire
}

/** Where the first packet ends (MQTT 5.0 §2.1.4), or undefined where it is not whole. */
function packetEnd(bytes: Uint8Array): number | undefined {
  let length = 0
  for (let i = 1; i < bytes.length; i++) {
    length += (bytes[i]! & 0x7f) * 128 ** (i - 1)
    if (bytes[i]! < 0x80) return i + 1 + length <= bytes.length ? i + 1 + length : undefined
  }
  return undefined
}

/** An agent of one session, with these topics. */
function agentWith(wire: Wire, store: MemoryStore, topics: readonly string[]) {
  const subscriptions = topics.map((topic) => ({ topic, asset: 'x', signals: { [nameOf(topic)]: { path: '$' } } }))
  return makeAgent(mqttSourceSchema.parse({ kind: 'mqtt', url: wire.url, client_id: 'agent-1', subscriptions }), store)
}

const nameOf = (topic: string): string => topic.replaceAll(/[/#+]/g, '_')

/** What came of one topic. */
const of = (store: MemoryStore, topic: string) =>
  store.readings.filter((r) => r.id === `x/${nameOf(topic)}`).map((r) => r.value)

/** Connects until the session at the broker is as configured; reads what `settle` says, by default nothing. */
async function change(wire: Wire, store: MemoryStore, topics: readonly string[]): Promise<void> {
  const agent = agentWith(wire, store, topics)
  await agent.start(() => undefined)
  // Closing waits for the answers that are due, so what was asked after the last note is in force then.
  await eventually(() => {
    const { filters, together } = JSON.parse([...store.memos.values()][0]!)
    expect([filters, together.at(-1) ?? []]).toEqual([topics, topics.length > 1 ? topics.toSorted() : []])
  })
  await agent.stop()
}

async function send(client: MqttClient, from: number, until: number): Promise<void> {
  for (let i = from; i < until; i++) await client.publishAsync('plant/a', String(i), { qos: 1 })
}

/** Reads until a last message comes through. */
async function drain(wire: Wire, store: MemoryStore, client: MqttClient, topics: readonly string[]) {
  const agent = agentWith(wire, store, topics)
  await agent.start()
  await eventually(async () => {
    await client.publishAsync('plant/a', '-1', { qos: 1 })
    for (const topic of topics) expect(of(store, topic)).toContain(-1)
  })
  return (topic: string) => of(store, topic).filter((value) => value !== -1)
}

const numbers = (until: number) => Array.from({ length: until }, (_, i) => i)

describe.skipIf(!installed)('where topics change under a session that holds messages', () => {
  it.each([0, 2])('a filter that is gone makes no second readings, over %d more connections', async (connections) => {
    const { wire, client, store } = await setUp()
    await change(wire, store, ['plant/#', 'plant/a'])
    await send(client, 0, 30)
    for (let i = 0; i < connections; i++) await change(wire, store, ['plant/a'])
    const read = await drain(wire, store, client, ['plant/a'])
    expect(read('plant/a')).toEqual(numbers(30))
  })

  it.each([0, 2])(
    'a filter that is gone leaves all to the one in its place, over %d more connections',
    async (connections) => {
      const { wire, client, store } = await setUp()
      await change(wire, store, ['plant/#'])
      await send(client, 0, 30)
      for (let i = 0; i < connections; i++) await change(wire, store, ['plant/a'])
      const read = await drain(wire, store, client, ['plant/a'])
      expect(read('plant/a')).toEqual(numbers(30))
    },
  )

  it('what came before a filter had copies of its own is not lost when the one that brought it goes', async () => {
    const { wire, client, store } = await setUp()
    await change(wire, store, ['plant/#'])
    await send(client, 0, 15)
    await change(wire, store, ['plant/#', 'plant/a'])
    await send(client, 15, 30)
    const read = await drain(wire, store, client, ['plant/a'])
    expect(read('plant/a')).toEqual(numbers(30))
  })

  it.each([
    ['the second SUBSCRIBE', { type: SUBSCRIBE, nth: 1 }],
    ['the first SUBACK', { type: SUBACK, nth: 0 }],
    ['the second SUBACK', { type: SUBACK, nth: 1 }],
    ['the third SUBSCRIBE', { type: SUBSCRIBE, nth: 2 }],
    ['the last SUBACK', { type: SUBACK, nth: 3 }],
  ])('nothing is lost where the connection ends at %s', async (_, cutAt) => {
    const { wire, client, store } = await setUp()
    wire.cutAt = cutAt
    const cut = agentWith(wire, store, ['plant/#', 'plant/a'])
    await cut.start()
    await eventually(() => expect(cut.fault()).toMatchObject({ code: 'source-closed' }))
    await cut.stop()
    wire.cutAt = undefined
    await send(client, 0, 30)
    const read = await drain(wire, store, client, ['plant/a'])
    expect(new Set(read('plant/a'))).toEqual(new Set(numbers(30)))
  })

  it('filters that stay read each message once, whatever comes beside them', async () => {
    const { wire, client, store } = await setUp()
    await change(wire, store, ['plant/#', 'plant/a'])
    await send(client, 0, 10)
    await change(wire, store, ['plant/#', 'plant/a', 'plant/+'])
    await send(client, 10, 20)
    const read = await drain(wire, store, client, ['plant/#', 'plant/a'])
    for (const topic of ['plant/#', 'plant/a']) expect(read(topic)).toEqual(numbers(20))
  })
})
