import { expect, it } from 'vitest'
import { planMqttSource } from './plan.ts'
import { mqttSourceSchema } from './schema.ts'

const warningsOf = (subscriptions: readonly object[], protocol = '3.1.1') =>
  planMqttSource('line', mqttSourceSchema.parse({ kind: 'mqtt', url: 'mqtt://broker', protocol, subscriptions }))
    .warnings

const on = (topic: string, more: object = {}) => ({ topic, asset: 'x', signals: { v: { path: '$' } }, ...more })
const timed = { time: { path: '$.ts', format: 'unix_ms' }, signals: { v: { path: '$.v' } } }

it('warns where aliases wait for a birth that nobody asks for', () => {
  const node = { topic: 'spBv1.0/g/+/{asset}', payload: 'sparkplug_b', signals: { x: { metric: 'X' } } }
  expect(warningsOf([on('a'), node])).toMatchObject([{ path: ['subscriptions', 1, 'payload'] }])
  expect(warningsOf([on('a'), { ...node, rebirth: 'request' }])).toEqual([])
})

it('warns of MQTT 3.1.1 where topics overlap in part: what with what, what it costs, what to do', () => {
  expect(warningsOf([on('a/+/c'), on('x'), on('a/b/+')])).toEqual([
    {
      path: ['subscriptions', 2, 'topic'],
      message:
        'a/b/+ has topics in common with a/+/c (subscription 1); MQTT 3.1.1 does not say which of them a message is for: of equal values that come one after the other there, one may be left out as a copy',
      hint: 'speak MQTT 5 where the broker can (protocol: "5"), or add a time to the payload, or let one topic cover them: a/+/+',
    },
  ])
  const many = ['a/+/c', '+/b/c', 'a/b/+', '+/+/c/#', 'a/b/#'].map((topic) => on(topic))
  expect(warningsOf(many).map(({ path, message }) => [path[1], message.replace(/;.*/, '')])).toEqual([
    [4, 'a/b/# has topics in common with +/+/c/# (subscription 4)'],
  ])
  const five = ['a/+/c/+', '+/b/c/+', '+/+/c/d', 'a/+/+/d', 'a/b/+/+'].map((topic) => on(topic))
  expect(warningsOf(five).at(-1)!.message).toMatch(/\(subscription 3\) and 1 more;/)
})

it.each<[string, readonly object[], string?]>([
  ['topics have nothing in common', [on('a/+/c'), on('a/+/d')]],
  ['one topic covers the other', [on('a/#'), on('a/+/c')]],
  ['one topic covers them all', [on('a/+/c'), on('a/b/+'), on('a/#')]],
  ['payloads have a time, so that equal ones are of one moment', [on('a/+/c', timed), on('a/b/+')]],
  ['MQTT 5 says what a message is for', [on('a/+/c'), on('a/b/+')], '5'],
])('does not warn where %s', (_, subscriptions, protocol) => {
  expect(warningsOf(subscriptions, protocol)).toEqual([])
})

it('tells what a shared subscription costs beside another', () => {
  const messages = warningsOf([on('a/+/c', timed), on('$share/g/a/b/+', timed), on('$share/h/a/b/+')]).map(
    ({ path, message }) => [path[1], message],
  )
  const group = 'with $share the broker gives each message to one member of the group, whichever it likes'
  const twice = 'MQTT 3.1.1 does not say which of them a message is for: what comes for both may be read twice'
  expect(messages).toEqual([
    [1, group],
    [2, group],
    [1, `$share/g/a/b/+ has topics in common with a/+/c (subscription 1); ${twice}`],
    [2, `$share/h/a/b/+ has topics in common with a/+/c (subscription 1), $share/g/a/b/+ (subscription 2); ${twice}`],
  ])
  expect(warningsOf([on('$share/g/a/b'), on('c')]).map(({ path }) => path[1])).toEqual([0])
})
