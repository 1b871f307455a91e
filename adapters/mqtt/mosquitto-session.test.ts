import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { makeAgent, makeSession, stopAgents } from '../../test/support/broker-agent.ts'
import { collect, makeMemoryStore } from '../../test/support/collecting.ts'
import { eventually } from '../../test/support/eventually.ts'
import { findMosquitto, type Mosquitto, openMosquitto } from '../../test/support/mosquitto.ts'
import { openMqttSource } from './adapter.ts'
import { mqttSourceSchema } from './schema.ts'

const installed = await findMosquitto()
const PROTOCOLS = ['3.1.1', '5'] as const
const open: AsyncDisposable[] = []

afterEach(async () => {
  await stopAgents()
  for (const thing of open.splice(0).reverse()) await thing[Symbol.asyncDispose]()
})

async function startBroker(options: Parameters<typeof openMosquitto>[1] = {}): Promise<Mosquitto> {
  const broker = await openMosquitto(installed!, options)
  open.push(broker)
  return broker
}

async function connectTo(broker: Mosquitto, options: object = {}): Promise<MqttClient> {
  const client = await connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 0, ...options })
  open.push({ [Symbol.asyncDispose]: () => client.endAsync(true) })
  return client
}

const heat = { heat: { path: '$', unit: 'Cel' } }
const on = (topic: string, more: object = {}) => ({
  topic,
  signals: heat,
  ...(!topic.includes('{asset}') && { asset: 'oven' }),
  ...more,
})

function configure(broker: Mosquitto, options: object = {}) {
  return mqttSourceSchema.parse({
    kind: 'mqtt',
    url: broker.url,
    client_id: 'agent-1',
    subscriptions: [on('hall/{asset}')],
    ...options,
  })
}

/** What is retained on a topic, for as long as the client lives: the newest last. */
async function watch(broker: Mosquitto, topic: string): Promise<readonly string[]> {
  const said: string[] = []
  const client = await connectTo(broker)
  client.on('message', (_, payload) => said.push(String(payload)))
  await client.subscribeAsync(topic, { qos: 1 })
  return said
}

describe.skipIf(!installed)('a session at Mosquitto', () => {
  describe.each(PROTOCOLS)('MQTT %s', (protocol) => {
    it('takes up a topic that is new, and drops one that is gone', async () => {
      const broker = await startBroker()
      const client = await connectTo(broker)
      const first = makeAgent(configure(broker, { protocol, subscriptions: [on('hall/{asset}'), on('old/{asset}')] }))
      await makeSession(first, client)

      const changed = configure(broker, { protocol, subscriptions: [on('hall/{asset}'), on('new/{asset}')] })
      const second = makeAgent(changed, first.store)
      await second.start()
      const notes = JSON.stringify({ filters: ['hall/+', 'new/+'], together: [] })
      await eventually(() => expect([...first.store.memos.values()]).toEqual([notes]))
      await second.stop()
      // The agent is away: what the session still has subscribed waits at the broker.
      for (const [i, topic] of ['old/a', 'new/b', 'hall/c'].entries())
        await client.publishAsync(topic, String(i), { qos: 1 })
      await second.start()
      await eventually(() => expect(second.values()).toEqual([1, 2]))
      expect(second.counters()).toMatchObject({ unmatched: 0, sessions_lost: 0 })
    })

    it('counts a session that the broker lost', async () => {
      const broker = await startBroker()
      const agent = makeAgent(configure(broker, { protocol }))
      await agent.start()
      await agent.stop()
      await (await connectTo(broker, { clientId: 'agent-1', clean: true })).endAsync()
      await agent.start()
      expect(agent.counters()).toMatchObject({ sessions_lost: 1 })
    })

    it.each([true, false])('reads a message once where filters overlap (copies: %s)', async (copies) => {
      const broker = await startBroker({ settings: [`allow_duplicate_messages ${copies}`] })
      const client = await connectTo(broker)
      const subscriptions = [on('a/{asset}/c'), on('a/b/+', { asset: 'x' }), on('a/#', { asset: 'y' })]
      const agent = makeAgent(configure(broker, { protocol, subscriptions }))
      await agent.start()
      const partial = makeAgent(
        configure(broker, { protocol, client_id: 'agent-2', subscriptions: subscriptions.slice(0, 2) }),
      )
      await partial.start()
      await eventually(async () => {
        await client.publishAsync('a/b/c', '-1', { qos: 1 })
        for (const { store } of [agent, partial]) expect(store.readings.length).toBeGreaterThanOrEqual(2)
      })
      // The same value twice is two readings of each.
      const values = [1, 2, 2, 3]
      for (const value of values) await client.publishAsync('a/b/c', String(value), { qos: 1 })
      for (const [{ store }, ids] of [
        [agent, ['b/heat', 'x/heat', 'y/heat']],
        [partial, ['b/heat', 'x/heat']],
      ] as const)
        for (const id of ids) {
          const of = () => store.readings.filter((r) => r.id === id && r.value !== -1).map((r) => r.value)
          await eventually(() => expect(of().at(-1)).toBe(3))
          await eventually(() => expect(of()).toEqual(values))
        }
    })

    it('is found again under the name that is made where none is given, and by no other gateway', async () => {
      const broker = await startBroker()
      const client = await connectTo(broker)
      const config = configure(broker, { protocol, client_id: undefined })
      const store = makeMemoryStore()
      const open = async (instance: string) => {
        const collecting = collect(await openMqttSource(config, store.context('climate', { instance })), store)
        const before = store.readings.length
        await eventually(async () => {
          await client.publishAsync('hall/h', '0', { qos: 1 })
          expect(store.readings.length).toBeGreaterThan(before)
        })
        await collecting.stop()
      }
      await open('one')
      await open('two')
      for (const value of ['1', '2', '3']) await client.publishAsync('hall/h', value, { qos: 1 })
      for (const instance of ['one', 'two']) {
        const own = makeMemoryStore()
        const collecting = collect(await openMqttSource(config, own.context('climate', { instance })), own)
        const values = () => own.readings.map((r) => r.value).filter((value) => value !== 0)
        await eventually(() => expect(values()).toEqual([1, 2, 3]))
        await collecting.stop()
      }
    })

    it('brings retained messages once for each subscription that is new, with 3.1.1 once a connection', async () => {
      const broker = await startBroker()
      const client = await connectTo(broker)
      await client.publishAsync('hall/h', '1', { qos: 1, retain: true })
      const agent = makeAgent(configure(broker, { protocol, subscriptions: [on('hall/{asset}'), on('hall/#')] }))
      for (let connection = 1; connection <= 3; connection++) {
        await agent.start()
        await eventually(async () => {
          await client.publishAsync('hall/h', '2', { qos: 1 })
          expect(agent.values().at(-1)).toBe(2)
        })
        const retained = () => agent.store.readings.filter(({ quality }) => quality === 'uncertain/retained')
        const of = (id: string) => retained().filter((reading) => reading.id === id).length
        const expected = protocol === '5' ? 1 : connection
        await eventually(() => expect([of('h/heat'), of('oven/heat')]).toEqual([expected, expected]))
        await agent.stop()
      }
    })

    it('shares a subscription with another agent, each with its capture', async () => {
      const broker = await startBroker()
      const client = await connectTo(broker)
      const topic = '$share/gateways/hall/{asset}'
      const agents = ['one', 'two'].map((client_id) =>
        makeAgent(configure(broker, { protocol, client_id, subscriptions: [on(topic)] })),
      )
      for (const agent of agents) await makeSession(agent, client)
      for (const agent of agents) await agent.start()
      for (let i = 0; i < 40; i++) await client.publishAsync(`hall/h-${i % 4}`, String(i), { qos: 1 })
      const all = () => agents.flatMap((agent) => agent.values()).map(Number)
      await eventually(() => expect(all().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i)))
      for (const agent of agents) expect(agent.store.readings.length).toBeGreaterThan(0)
    })

    it('says online and offline where a status topic is set, also when it is cut off', async () => {
      const broker = await startBroker()
      const config = configure(broker, { protocol, subscriptions: [on('#')], status_topic: 'gateways/hall-2/status' })
      const said = await watch(broker, 'gateways/+/status')
      const agent = makeAgent(config)
      await agent.start()
      await eventually(() => expect(said).toEqual(['online']))
      await agent.stop()
      await eventually(() => expect(said).toEqual(['online', 'offline']))
      await agent.start()
      await eventually(() => expect(said.at(-1)).toBe('online'))
      // Another client takes the session over: the agent cannot say anything any more, the broker does.
      await connectTo(broker, { clientId: 'agent-1', clean: true })
      await eventually(() => expect(said.at(-1)).toBe('offline'))
      expect(agent.store.refused).toEqual({})
      expect(agent.store.readings).toEqual([])
    })

    it('publishes nothing and has no will where none is set', async () => {
      const broker = await startBroker()
      const said = await watch(broker, '#')
      const agent = makeAgent(configure(broker, { protocol, subscriptions: [on('hall/{asset}')] }))
      await agent.start()
      await (await connectTo(broker, { clientId: 'agent-1', clean: true })).publishAsync('end', 'x', { qos: 1 })
      await eventually(() => expect(said).toEqual(['x']))
    })

    it('leaves the agent its session and its messages while a probe listens', async () => {
      const broker = await startBroker()
      const client = await connectTo(broker)
      const config = configure(broker, { protocol, status_topic: 'status' })
      const agent = makeAgent(config)
      await makeSession(agent, client)
      await agent.start()
      for (let i = 0; i < 30; i++) await client.publishAsync(`hall/h-${i}`, String(i), { qos: 1, retain: true })
      const store = makeMemoryStore()
      {
        await using probe = await openMqttSource(config, { ...store.context('climate'), transient: true })
        await eventually(async () => {
          const seen = await probe.probe(AbortSignal.abort())
          expect(seen.filter((line) => line.value !== null)).toHaveLength(30)
        })
      }
      expect(agent.fault()).toBeUndefined()
      expect(store.memos.size).toBe(0)
    })
  })

  it('reads a client certificate instead of a password, and is refused without one', async () => {
    const broker = await startBroker({ tls: 'mutual' })
    const client = await connectTo(broker, { ca: broker.ca, ...broker.client })
    const agent = makeAgent(configure(broker, { tls: { ca: broker.ca, ...broker.client } }))
    await makeSession(agent, client)
    await client.publishAsync('hall/h-1', '21.5', { qos: 1 })
    await agent.start()
    await eventually(() => expect(agent.values()).toEqual([21.5]))

    for (const protocol of PROTOCOLS) {
      const bare = makeAgent(configure(broker, { protocol, client_id: 'bare', tls: { ca: broker.ca } }))
      const refusal = await bare.start().catch((fault: unknown) => fault)
      expect(refusal).toMatchObject({
        code: 'source-tls',
        fate: 'waits',
        message: expect.stringMatching(/certificate/),
      })
    }
  })

  it.each(PROTOCOLS.flatMap((protocol) => ['true', 'false'].map((persistence) => [protocol, persistence] as const)))(
    'goes on after each of many restarts of the broker (MQTT %s, persistence %s)',
    async (protocol, persistence) => {
      const broker = await startBroker({ settings: [`persistence ${persistence}`] })
      const agent = makeAgent(configure(broker, { protocol }))
      for (let i = 0; i < 3; i++) {
        await agent.start()
        const client = await connectAsync(broker.url, { reconnectPeriod: 0 })
        await eventually(async () => {
          await client.publishAsync('hall/h-1', String(i), { qos: 1 })
          expect(agent.values().at(-1)).toBe(i)
        })
        await client.endAsync()
        expect(agent.counters()).toMatchObject({ sessions_lost: persistence === 'false' && i > 0 ? 1 : 0 })
        await broker.restart()
        await eventually(() => expect(agent.fault()).toMatchObject({ code: 'source-closed' }))
        await agent.stop()
      }
      expect([...new Set(agent.values())]).toEqual([0, 1, 2])
    },
  )
})
