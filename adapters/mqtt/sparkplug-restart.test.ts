import { connectAsync } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { makeAgent, stopAgents } from '../../test/support/broker-agent.ts'
import { eventually } from '../../test/support/eventually.ts'
import { findMosquitto, openMosquitto } from '../../test/support/mosquitto.ts'
import { bdSeq, sparkplugPayload, type TestMetric } from '../../test/support/sparkplug.ts'
import { mqttSourceSchema } from './schema.ts'

/** What Sparkplug births taught, over restarts of the agent. */

const installed = await findMosquitto()
const open: AsyncDisposable[] = []

afterEach(async () => {
  await stopAgents()
  for (const thing of open.splice(0).reverse()) await thing[Symbol.asyncDispose]()
})

const oil: TestMetric = { name: 'Oil', alias: 1, datatype: 9, float: 1 }
const value = (float: number): TestMetric => ({ alias: 1, float })

/** An agent and a node at a broker; the node was born, and the agent heard it. */
async function setUp(protocol: '3.1.1' | '5' = '5', qos: 0 | 1 = 1) {
  // As some brokers do by default: what is sent at QoS 0, as births and data are, waits in the session too.
  const broker = await openMosquitto(installed!, { settings: ['queue_qos0_messages true'] })
  open.push(broker)
  const node = await connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 0 })
  open.push({ [Symbol.asyncDispose]: () => node.endAsync(true) })
  const send = (
    topic: string,
    seq: number | undefined,
    metrics: readonly TestMetric[],
    options: { qos?: 0 | 1 } = {},
  ) => node.publishAsync(`spBv1.0/g/${topic}`, sparkplugPayload(seq, ...metrics), { qos: options.qos ?? 0 })
  const subscription = {
    topic: 'spBv1.0/g/+/e/{asset}',
    payload: 'sparkplug_b',
    qos,
    signals: { oil: { metric: 'Oil' } },
  }
  const configure = (more: object = {}) =>
    mqttSourceSchema.parse({
      kind: 'mqtt',
      url: broker.url,
      protocol,
      client_id: 'agent-1',
      subscriptions: [subscription],
      ...more,
    })
  const agent = makeAgent(configure())
  const seen = () => agent.store.readings.map((r) => [r.value, r.quality])
  await agent.start()
  await eventually(async () => {
    await send('NBIRTH/e', 0, [bdSeq(7)])
    await send('DBIRTH/e/p', 1, [oil])
    expect(agent.store.readings.length).toBeGreaterThan(0)
  })
  await send('DDATA/e/p', 2, [value(2)])
  await eventually(() => expect(seen().at(-1)).toEqual([2, 'good']))
  const before = agent.store.readings.length
  return { broker, agent, send, configure, seen: () => seen().slice(before) }
}

describe.skipIf(!installed)('values by alias after a restart', () => {
  it.each(['3.1.1', '5'] as const)(
    'are read at once, from what waited in the session on (MQTT %s)',
    async (protocol) => {
      const { agent, send, seen } = await setUp(protocol)
      for (let i = 0; i < 3; i++) {
        await agent.stop()
        await send('DDATA/e/p', 3 + 2 * i, [value(3 + 2 * i)])
        await agent.start()
        await send('DDATA/e/p', 4 + 2 * i, [value(4 + 2 * i)])
        await eventually(() => expect(seen()).toHaveLength(2 * (i + 1)))
      }
      expect(seen()).toEqual([3, 4, 5, 6, 7, 8].map((n) => [n, 'good']))
      expect(agent.store.refused).toEqual({})
    },
  )

  it('are read after a crash that left births stored and not acknowledged', async () => {
    const { agent, send, seen } = await setUp()
    await agent.stop()
    await agent.start(agent.append)
    await send('DBIRTH/e/p', 3, [{ ...oil, alias: 4 }], { qos: 1 })
    await eventually(() => expect(seen()).toEqual([[1, 'good']]))
    await agent.stop()
    await agent.start()
    await send('DDATA/e/p', 4, [{ alias: 4, float: 4 }])
    await eventually(() => expect(seen().at(-1)).toEqual([4, 'good']))
    expect(agent.counters()).toMatchObject({ redelivered: 1 })
  })

  it('are uncertain where messages were lost, with an outage, until the next birth', async () => {
    const { agent, send, seen } = await setUp()
    await agent.stop()
    await send('DDATA/e/p', 5, [value(5)])
    await agent.start()
    await send('DBIRTH/e/p', 6, [oil])
    await send('DDATA/e/p', 7, [value(7)])
    await eventually(() => expect(seen()).toHaveLength(3))
    expect(seen()).toEqual([
      [5, 'uncertain/sequence'],
      [1, 'good'],
      [7, 'good'],
    ])
    expect(agent.store.outages).toMatchObject([
      { kind: 'begin', device: 'g/e', reason: 'sequence_gap' },
      { kind: 'end', device: 'g/e' },
    ])
  })

  it('are uncertain after a crash, whatever was noted at an earlier stop', async () => {
    const { agent, send, seen, configure } = await setUp()
    await agent.stop()
    // What a process that is killed leaves: what is durable.
    const crashed = makeAgent(configure(), agent.store)
    await crashed.start()
    const durable = new Map(agent.store.memos)
    await crashed.stop()
    agent.store.memos.clear()
    for (const [key, text] of durable) agent.store.memos.set(key, text)
    await send('DDATA/e/p', 3, [value(3)])
    await agent.start()
    await eventually(() => expect(seen()).toEqual([[3, 'uncertain/sequence']]))
  })

  it('mean nothing after a death that came while the agent was away', async () => {
    const { agent, send, seen } = await setUp()
    await agent.stop()
    await send('NDEATH/e', undefined, [bdSeq(7)], { qos: 1 })
    await send('DDATA/e/p', 3, [value(3)], { qos: 1 })
    await agent.start()
    await eventually(() => expect(agent.store.refused).toEqual({ no_signal: 1 }))
    expect(seen()).toEqual([[null, 'bad/offline']])
  })

  it('mean nothing where the session was lost, with which a death may have been', async () => {
    const { agent, broker, send, seen } = await setUp()
    await agent.stop()
    await (await connectAsync(broker.url, { clientId: 'agent-1', clean: true, reconnectPeriod: 0 })).endAsync()
    await agent.start()
    await eventually(async () => {
      await send('DDATA/e/p', 3, [value(3)])
      expect(agent.store.refused.no_signal).toBeGreaterThan(0)
    })
    expect(seen()).toEqual([])
    expect([...agent.store.memos.keys()].filter((key) => key.startsWith('sparkplug'))).toEqual([])
  })

  it('mean nothing where deaths are subscribed at QoS 0, which do not wait for the agent', async () => {
    const { agent, send, seen } = await setUp('5', 0)
    await agent.stop()
    await agent.start()
    await eventually(async () => {
      await send('DDATA/e/p', 3, [value(3)])
      expect(agent.store.refused.no_signal).toBeGreaterThan(0)
    })
    expect(seen()).toEqual([])
  })

  it('mean nothing where the nodes were not subscribed meanwhile', async () => {
    const { agent, send, configure } = await setUp()
    await agent.stop()
    const plain = { topic: 'hall/{asset}', signals: { heat: { path: '$' } } }
    const without = makeAgent(configure({ subscriptions: [plain] }), agent.store)
    await without.start()
    await without.stop()
    await agent.start()
    await eventually(async () => {
      await send('DDATA/e/p', 3, [value(3)])
      expect(agent.store.refused.no_signal).toBeGreaterThan(0)
    })
  })
})
