import { expect, it } from 'vitest'
import { unixMs } from '../../core/brand.ts'
import { makeClock } from '../../core/clock.ts'
import { makeMemoryStore } from '../../test/support/collecting.ts'
import { sparkplugPayload } from '../../test/support/sparkplug.ts'
import { loadFormats } from './formats/load.ts'
import { parseSparkplug } from './formats/sparkplug-payload.ts'
import { makeIntake } from './intake.ts'
import { memoryOf } from './memory.ts'
import { mqttSourceSchema } from './schema.ts'
import { compileSparkplugTopic, parseSparkplugTopic } from './sparkplug-topic.ts'

const arrival = unixMs(Date.UTC(2026, 10, 24, 12))

async function setUp(rebirth: 'never' | 'request') {
  const subscription = {
    topic: 'spBv1.0/plant/+/{asset}',
    payload: 'sparkplug_b',
    rebirth,
    signals: { oil: { metric: 'Oil' } },
  }
  const config = mqttSourceSchema.parse({ kind: 'mqtt', url: 'mqtt://broker', subscriptions: [subscription] })
  let now = 0
  const context = makeMemoryStore().context('mqtt', { clock: { ...makeClock(), monotonic: () => now } })
  const intake = makeIntake(config, context, await loadFormats(config))
  return {
    context,
    pass(ms: number) {
      now += ms
    },
    take(node: string, seq: number) {
      const topic = `spBv1.0/plant/NDATA/${node}`
      intake.take(
        { topic, payload: sparkplugPayload(seq, { alias: 1, float: 1.5 }), retain: false, origins: [] },
        arrival,
      )
      return intake.flush(arrival).requests
    },
  }
}

it('asks nothing of a node unless it is told to', async () => {
  const { take, context } = await setUp('never')
  expect([take('edge', 1), take('edge', 5)]).toEqual([[], []])
  expect(memoryOf(context).counters.sequence_gaps).toBe(1)
})

it('asks a node for its births where it is told to, at most once a minute', async () => {
  const { take, pass, context } = await setUp('request')
  const [request, ...more] = take('edge', 1)
  expect(more).toEqual([])
  expect(request!.topic).toBe('spBv1.0/plant/NCMD/edge')
  expect(parseSparkplug(request!.payload)).toMatchObject({
    document: {
      timestamp: arrival,
      seq: undefined,
      metrics: [{ name: 'Node Control/Rebirth', datatype: 11, timestamp: arrival, wire: { value: true } }],
    },
  })
  expect(take('edge', 2)).toEqual([])
  expect(take('other', 2)).toHaveLength(1)
  pass(60_000)
  expect(take('edge', 3)).toHaveLength(1)
  expect(memoryOf(context).counters.rebirths_asked).toBe(3)
})

it.each([
  ['spBv1.0/g/NBIRTH/n', { type: 'NBIRTH', node: 'g/n', device: '' }],
  ['spBv1.0/g/DDATA/n/d', { type: 'DDATA', node: 'g/n', device: 'd' }],
  ['spBv1.0/g/DDATA/n', undefined],
  ['spBv1.0/g/NDATA/n/d', undefined],
  ['spBv1.0/g/NCMD/n', undefined],
  ['spBv1.0/STATE/host', undefined],
  ['spBv1.0/g/DDATA/n/d/e', undefined],
  ['spBv1.0//NDATA/n', undefined],
  ['other/g/NDATA/n', undefined],
])('reads the topic %s', (topic, expected) => {
  expect(parseSparkplugTopic(topic)).toEqual(expected)
})

it.each([
  ['spBv1.0/g/+/n', 'spBv1.0/g/+/n/#'],
  ['spBv1.0/g/+/{asset}', 'spBv1.0/g/+/+/#'],
  ['spBv1.0/+/+/n/{asset}', 'spBv1.0/+/+/n/#'],
])('asks for births and deaths of the node with %s', (topic, filter) => {
  expect(compileSparkplugTopic(topic)).toMatchObject({ filter })
})
