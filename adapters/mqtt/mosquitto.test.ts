import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { makeAgent, makeSession, stopAgents } from '../../test/support/broker-agent.ts'
import { eventually } from '../../test/support/eventually.ts'
import { findMosquitto, type Mosquitto, makeAuthority, openMosquitto } from '../../test/support/mosquitto.ts'
import type { Delivery } from '../source.ts'
import { type MqttSourceConfig, mqttSourceSchema } from './schema.ts'

const installed = await findMosquitto()
const PROTOCOLS = ['3.1.1', '5'] as const
const CLIENT = 'agent-1'
/** How an agent comes back to its session. */
const BACK = ['start', 'reconnect'] as const

const temperature = {
  topic: 'hall/{asset}',
  time: { path: '$.ts', format: 'unix_ms' },
  signals: { temperature: { path: '$.t', unit: 'Cel' } },
}
const at = Date.UTC(2026, 10, 24, 3)
const reading = (i: number) => JSON.stringify({ ts: at + i, t: i })
const numbers = (n: number) => Array.from({ length: n }, (_, i) => i)

const open: AsyncDisposable[] = []

afterEach(async () => {
  await stopAgents()
  for (const thing of open.splice(0).reverse()) await thing[Symbol.asyncDispose]()
})

function startBroker(options: Parameters<typeof openMosquitto>[1] = {}): Promise<Mosquitto> {
  return openMosquitto(installed!, options).then((broker) => {
    open.push(broker)
    return broker
  })
}

async function sender(url: string, options: object = {}): Promise<MqttClient> {
  const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, ...options })
  open.push({ [Symbol.asyncDispose]: () => client.endAsync(true) })
  return client
}

async function send(client: MqttClient, from: number, until: number, qos: 0 | 1 = 1): Promise<void> {
  const all = numbers(until - from).map((i) => client.publishAsync(`hall/h-${i % 3}`, reading(from + i), { qos }))
  await Promise.all(all)
}

function configure(broker: Mosquitto, options: object = {}): MqttSourceConfig {
  return mqttSourceSchema.parse({
    kind: 'mqtt',
    url: broker.url,
    client_id: CLIENT,
    subscriptions: [temperature],
    ...options,
  })
}

describe.skipIf(!installed)('with Mosquitto', () => {
  describe.each(PROTOCOLS)('MQTT %s', (protocol) => {
    it.each([0, 1] as const)('reads each message of QoS %d once', async (qos) => {
      const broker = await startBroker({ settings: ['max_queued_messages 0'] })
      const client = await sender(broker.url)
      const agent = makeAgent(configure(broker, { protocol, subscriptions: [{ ...temperature, qos }] }))
      await makeSession(agent, client)
      await agent.start()
      await send(client, 0, 500, qos)
      await eventually(() => expect(agent.store.readings).toHaveLength(500))
      expect(agent.values()).toEqual(numbers(500))
      expect(agent.counters()).toMatchObject({ held: 0, redelivered: 0 })
    })

    it.each(BACK)('leaves with the broker what was not committed (%s)', async (back) => {
      const broker = await startBroker()
      const client = await sender(broker.url)
      const agent = makeAgent(configure(broker, { protocol }))
      await makeSession(agent, client)
      await send(client, 0, 10)
      let seen = 0
      await agent.start((delivery) => {
        seen += delivery.block.times.length
      })
      await eventually(() => expect(seen).toBe(10))
      await agent.stop()

      await agent[back]()
      await eventually(() => expect(agent.values()).toEqual(numbers(10)))
      expect(agent.counters()).toMatchObject({ redelivered: 0, held: 0 })
    })

    it.each(BACK)('makes no second reading of what was committed and not acknowledged (%s)', async (back) => {
      const broker = await startBroker()
      const client = await sender(broker.url)
      const agent = makeAgent(configure(broker, { protocol }))
      await makeSession(agent, client)
      await send(client, 0, 10)
      const committed: Delivery[] = []
      await agent.start((delivery) => {
        agent.append(delivery)
        committed.push(delivery)
      })
      await eventually(() => expect(agent.store.readings).toHaveLength(10))
      await agent.stop()
      for (const delivery of committed) delivery.committed?.()

      await agent[back]()
      await eventually(() => expect(agent.counters()).toMatchObject({ redelivered: 10, held: 0 }))
      await agent.stop()

      await agent[back]()
      await send(client, 10, 11)
      await eventually(() => expect(agent.values()).toEqual(numbers(11)))
      expect(agent.counters().redelivered).toBe(back === 'start' ? 0 : 10)
    })

    it('takes a redelivery with another content for what it is: new', async () => {
      const broker = await startBroker()
      const client = await sender(broker.url)
      const agent = makeAgent(configure(broker, { protocol }))
      await makeSession(agent, client)
      await send(client, 0, 2)
      await agent.start(agent.append)
      await eventually(() => expect(agent.store.readings).toHaveLength(2))
      await agent.stop()
      const marks = [...agent.store.marks.values()][0]!
      const [first] = [...marks.keys()]
      marks.set(first!, new Uint8Array(16))

      await agent.start()
      await eventually(() => expect(agent.values()).toEqual([0, 1, 0]))
      expect(agent.counters().redelivered).toBe(1)
    })

    it.each(BACK)('forgets its marks with the session (%s)', async (back) => {
      const broker = await startBroker()
      const client = await sender(broker.url)
      const agent = makeAgent(configure(broker, { protocol }))
      await makeSession(agent, client)
      await send(client, 0, 3)
      await agent.start()
      await eventually(() => expect(agent.store.readings).toHaveLength(3))
      await agent.stop()
      const usurper = await sender(broker.url, { clientId: CLIENT, clean: true })
      await usurper.endAsync()
      expect(agent.store.marks.size).toBe(1)

      await agent[back]()
      expect(agent.store.marks.size).toBe(0)
      // The packet ids of the new session are those of the old one, and so is the content.
      await eventually(async () => {
        await send(client, 0, 1)
        expect(agent.store.readings.length).toBeGreaterThan(3)
      })
    })

    it('counts malformed messages, acknowledges them and goes on', async () => {
      const broker = await startBroker()
      const client = await sender(broker.url)
      const agent = makeAgent(configure(broker, { protocol }))
      await makeSession(agent, client)
      await agent.start()
      // Messages that made the session may still have been on their way, and are malformed too.
      await send(client, 0, 1)
      await eventually(() => expect(agent.store.readings).toHaveLength(1))
      const before = agent.store.refused.malformed!
      for (let i = 0; i < 100; i++) {
        client.publish('hall/h-1', i % 2 === 0 ? reading(i) : '{"ts":', { qos: 1 })
      }
      await eventually(() => expect(agent.store.readings).toHaveLength(51))
      await eventually(() => expect(agent.store.refused.malformed! - before).toBe(50))
      expect(agent.counters().held).toBe(0)
    })

    it('gives each of two overlapping subscriptions its reading once', async () => {
      const broker = await startBroker()
      const client = await sender(broker.url)
      const second = { ...temperature, topic: '{asset}/#', signals: { t2: { path: '$.t' } } }
      const agent = makeAgent(configure(broker, { protocol, subscriptions: [temperature, second] }))
      await makeSession(agent, client)
      await agent.start()
      await send(client, 0, 20)
      await client.publishAsync('end/x', reading(20), { qos: 1 })
      await eventually(() => expect(agent.store.readings.at(-1)).toMatchObject({ id: 'end/t2', value: 20 }))
      const of = (name: string) => agent.store.readings.filter((r) => r.id.endsWith(name)).map((r) => r.value)
      expect(of('/temperature')).toEqual(numbers(20))
      expect(of('/t2')).toEqual(numbers(21))
    })

    it('reports a broker that restarts, and gets what came meanwhile', async () => {
      const broker = await startBroker()
      const client = await sender(broker.url)
      const agent = makeAgent(configure(broker, { protocol }))
      await makeSession(agent, client)
      await send(client, 0, 5)
      await agent.start()
      await eventually(() => expect(agent.store.readings).toHaveLength(5))
      await broker.restart()
      await eventually(() => expect(agent.fault()).toMatchObject({ code: 'source-closed' }))
      await agent.stop()

      await send(await sender(broker.url), 5, 10)
      await agent.start()
      await eventually(() => expect(agent.values()).toEqual(numbers(10)))
    })

    it('reads 10,000 messages once behind a slow disk, without losing the connection', async () => {
      const broker = await startBroker({ settings: ['max_inflight_messages 5000', 'max_queued_messages 0'] })
      const client = await sender(broker.url)
      const config = { ...configure(broker, { protocol, window: 5_000 }), keepalive: 1_000 }
      const agent = makeAgent(config)
      await makeSession(agent, client)
      await send(client, 0, 10_000)
      let most = 0
      let slow = 2_500 // longer than 1.5 times keepalive
      await agent.start(async (delivery) => {
        most = Math.max(most, agent.counters().held!)
        await pause(slow)
        slow = 5
        agent.append(delivery)
        delivery.committed?.()
      })
      await eventually(() => expect(agent.store.readings.length).toBeGreaterThanOrEqual(10_000))
      expect(agent.values()).toEqual(numbers(10_000))
      expect(agent.fault()).toBeUndefined()
      expect(most).toBeLessThanOrEqual(5_000)
    })
  })

  it('logs in with user and password', async () => {
    const broker = await startBroker({ password: ['sluice', 'right'] })
    const good = makeAgent(configure(broker, { username: 'sluice', password: 'right' }))
    await good.start()
    for (const protocol of PROTOCOLS) {
      const bad = makeAgent(configure(broker, { username: 'sluice', password: 'hunter2', protocol }))
      const refusal = await bad.start().catch((fault: unknown) => fault)
      expect(refusal).toMatchObject({ code: 'source-auth', fate: 'waits' })
      expect(JSON.stringify(refusal) + (refusal as Error).stack).not.toContain('hunter2')
    }
  })

  it('speaks TLS with a broker whose authority it knows, and with no other', async () => {
    const broker = await startBroker({ tls: true })
    const client = await sender(broker.url, { ca: broker.ca })
    const agent = makeAgent(configure(broker, { tls: { ca: broker.ca } }))
    await makeSession(agent, client)
    await send(client, 0, 5)
    await agent.start()
    await eventually(() => expect(agent.values()).toEqual(numbers(5)))

    const folder = await mkdtemp(join(tmpdir(), 'sluice-ca-'))
    const other = await makeAuthority(folder, 'another CA')
    await rm(folder, { recursive: true })
    for (const tls of [{ ca: other }, {}, { ca: broker.ca, servername: 'another.plant.local' }])
      await expect(makeAgent(configure(broker, { tls })).start()).rejects.toMatchObject({
        code: 'source-tls',
        fate: 'waits',
      })
    const plain = makeAgent(configure(broker, { url: broker.url.replace('mqtts', 'mqtt') }))
    await expect(plain.start()).rejects.toMatchObject({ code: 'source-closed' })
  })
})
