import { readFileSync } from 'node:fs'
import { connectAsync } from 'mqtt'
import { expect, it } from 'vitest'
import { collect, makeMemoryStore } from '../../test/support/collecting.ts'
import { eventually } from '../../test/support/eventually.ts'
import { openMqttSource } from './adapter.ts'
import { mqttSourceSchema } from './schema.ts'
import { openBroker } from './simulator.ts'

interface Case {
  readonly messages: readonly { readonly topic: string; readonly hex: string }[]
}

/** What Eclipse Tahu writes: births, then aliased data. */
const { messages }: Case = JSON.parse(
  readFileSync(new URL('cases/sparkplug-life-and-death.json', import.meta.url), 'utf8'),
)
const [nodeBirth, deviceBirth, , data] = messages.map(({ topic, hex }) => ({ topic, payload: Buffer.from(hex, 'hex') }))

it('asks a node for its births over the broker, where it is told to, and then reads its aliases', async () => {
  await using broker = await openBroker()
  const node = await connectAsync(broker.url)
  const commands: string[] = []
  node.on('message', (topic) => {
    commands.push(topic)
    node.publish(nodeBirth!.topic, nodeBirth!.payload)
    node.publish(deviceBirth!.topic, deviceBirth!.payload)
  })
  await node.subscribeAsync('spBv1.0/plant/NCMD/edge')

  const subscription = {
    topic: 'spBv1.0/plant/+/edge/{asset}',
    payload: 'sparkplug_b',
    rebirth: 'request',
    signals: { oil: { metric: 'Oil', unit: 'Cel' } },
  }
  const config = mqttSourceSchema.parse({
    kind: 'mqtt',
    url: broker.url,
    protocol: '3.1.1',
    subscriptions: [subscription],
  })
  const store = makeMemoryStore()
  const source = await openMqttSource(config, store.context('line'))
  const collecting = collect(source, store)
  try {
    await eventually(async () => {
      if (commands.length === 0) node.publish(data!.topic, data!.payload)
      expect(store.readings.length).toBeGreaterThan(0)
    })
    node.publish(data!.topic, data!.payload)
    await eventually(() => expect(store.readings.map((r) => r.value)).toContain(22.5))
    expect(commands).toEqual(['spBv1.0/plant/NCMD/edge'])
    expect(store.readings[0]).toMatchObject({ id: 'p/oil', value: 21.5 })
    expect(source.lessons?.()).toMatchObject([
      { device: data!.topic, text: expect.stringMatching(/no_signal: no birth/) },
    ])
  } finally {
    await collecting.stop()
    await node.endAsync()
  }
})
