import type { MqttClient } from 'mqtt'
import { expect } from 'vitest'
import { openMqttSource } from '../../adapters/mqtt/adapter.ts'
import type { MqttSourceConfig } from '../../adapters/mqtt/schema.ts'
import type { Delivery, Source, SourceContext } from '../../adapters/source.ts'
import { type Collecting, collect, type MemoryStore, makeMemoryStore } from './collecting.ts'
import { eventually } from './eventually.ts'

/** What tests of sources at a broker collect with; `stopAgents` ends those that still run. */
const collectings: Collecting[] = []

export async function stopAgents(): Promise<void> {
  for (const collecting of collectings.splice(0)) await collecting.stop()
}

/** An agent with one source and a store that outlives its connections. */
export function makeAgent(config: MqttSourceConfig, store: MemoryStore = makeMemoryStore()) {
  let current: { readonly source: Source; readonly collecting: Collecting } | undefined
  let context: SourceContext
  const append = (delivery: Delivery) => store.append(current!.source, delivery)
  async function connect(settle?: (delivery: Delivery) => void | Promise<void>): Promise<void> {
    const source = await openMqttSource(config, context)
    const collecting = collect(source, store, settle)
    current = { source, collecting }
    collectings.push(collecting)
  }
  return {
    store,
    values: () => store.readings.map((r) => r.value),
    counters: () => current!.source.counters(),
    fault: () => current!.collecting.fault(),
    append,
    /**
     * In a new process: nothing is remembered but what the store holds.
     * @param settle default: store, then acknowledge
     */
    start(settle?: (delivery: Delivery) => void | Promise<void>): Promise<void> {
      context = store.context('climate')
      return connect(settle)
    },
    /** In the same process, after `start` and `stop`. */
    reconnect: connect,
    async stop() {
      collectings.splice(collectings.indexOf(current!.collecting), 1)
      await current!.collecting.stop()
    },
  }
}

/** Makes the session and its subscriptions at the broker, so that what is sent while the agent is away waits there. */
export async function makeSession(agent: ReturnType<typeof makeAgent>, client: MqttClient): Promise<void> {
  await agent.start()
  await eventually(async () => {
    await client.publishAsync('hall/ready', 'x')
    expect(agent.counters().messages).toBeGreaterThan(0)
  })
  await agent.stop()
}
