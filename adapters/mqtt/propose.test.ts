import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { compileJsonPath } from './json-path.ts'
import { planMqttSource } from './plan.ts'
import { proposalText } from './proposal-text.ts'
import { propose } from './propose.ts'
import { mqttSourceSchema } from './schema.ts'

const now = Date.UTC(2026, 10, 24, 3)
const configured = {
  topic: 'hall/{asset}/climate',
  time: { path: '$.ts', format: 'unix_ms' },
  signals: { temperature: { path: '$.t' } },
}

function configure(subscriptions: readonly object[] = [configured]) {
  return mqttSourceSchema.parse({ kind: 'mqtt', url: 'mqtt://broker', subscriptions })
}

function proposeFor(messages: Readonly<Record<string, unknown>>, config = configure()) {
  const sightings = Object.entries(messages).map(([topic, payload]) => ({
    topic,
    messages: 2,
    payload: payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload)),
  }))
  const found = propose(config, sightings, now)
  // Whatever is proposed can be pasted: it parses to itself, and the configuration passes with it.
  const text = proposalText(found)
  const pasted: unknown = parse(text) ?? []
  expect(pasted).toEqual(found.proposals.map(({ subscription }) => subscription))
  const subscriptions = [...config.subscriptions, ...(pasted as object[])]
  const checked = mqttSourceSchema.parse({ kind: 'mqtt', url: 'mqtt://broker', subscriptions })
  expect(planMqttSource('x', checked).problems).toEqual([])
  return { found, text, subscriptions: found.proposals.map(({ subscription }) => subscription) }
}

it('takes the level that tells like topics apart for the asset', () => {
  const { text } = proposeFor({
    'line/press-7/state': { at: '2026-11-24T03:00:00Z', oil: { temp: 51.5 }, run: true, recipe: 'A' },
    'line/press-8/state': { at: '2026-11-24T03:00:00Z', oil: { temp: 48 }, run: false, recipe: 'B' },
  })
  expect(text).toBe(`      # 4 messages: line/press-7/state, line/press-8/state
      - topic: "line/{asset}/state"
        time: { path: $.at, format: iso8601 }
        signals:
          oil_temp: { path: $.oil.temp } # 51.5
          run: { path: $.run, type: bool } # true
          recipe: { path: $.recipe, type: string } # "A"`)
})

it('takes the last level of single values for the signal', () => {
  const { subscriptions } = proposeFor({
    'plant/press-7/temperature': 21.5,
    'plant/press-8/temperature': 22.5,
    'plant/press-7/pressure': 3,
    heartbeat: true,
  })
  expect(subscriptions).toEqual([
    { topic: 'plant/press-7/pressure', asset: 'press-7', signals: { pressure: { path: '$' } } },
    { topic: 'plant/{asset}/temperature', signals: { temperature: { path: '$' } } },
    { topic: 'heartbeat', asset: 'heartbeat', signals: { heartbeat: { path: '$', type: 'bool' } } },
  ])
})

it('puts + where another level than the asset differs too, and splits what no level tells apart', () => {
  const each = (topics: readonly string[]) => Object.fromEntries(topics.map((topic) => [topic, { t: 1 }]))
  const topics = (list: readonly string[]) =>
    proposeFor(each(list)).subscriptions.map(({ topic, asset }) => [topic, asset])
  expect(topics(['a/m1/x', 'b/m2/x'])).toEqual([['+/{asset}/x', undefined]])
  expect(topics(['a/m1/x', 'a/m2/x', 'b/m1/x', 'b/m2/x'])).toEqual([
    ['a/{asset}/x', undefined],
    ['b/{asset}/x', undefined],
  ])
  expect(topics(['a/m 1/x', 'a/m 2/x'])).toEqual([
    ['a/m 1/x', 'x'],
    ['a/m 2/x', 'x'],
  ])
})

it.each([
  [
    { ts: now, v: 1 },
    { path: '$.ts', format: 'unix_ms' },
  ],
  [
    { ts: now / 1_000, v: 1 },
    { path: '$.ts', format: 'unix_s' },
  ],
  [
    { timestamp: `${now}000000`, v: 1 },
    { path: '$.timestamp', format: 'unix_ns' },
  ],
  [
    { v: 1, when: now + 60_000 },
    { path: '$.when', format: 'unix_ms' },
  ],
  [
    { v: 1, t: '2026-11-24 12:00:00' },
    { path: '$.t', format: 'iso8601', zone: 'UTC' },
  ],
  [{ v: 1, count: 1_763_000 }, undefined],
  [{ v: 1, ts: 1_000_000_000 }, undefined],
])('finds the time of %j', (payload, time) => {
  expect(proposeFor({ 'm/x': payload }).subscriptions[0]?.time).toEqual(time)
})

it('proposes only what is not configured yet, under names that are free', () => {
  const { subscriptions } = proposeFor({
    'hall/h-1/climate': { ts: now, t: 21.5, rh: 40, temperature: 7 },
    'hall/h-2/climate': { ts: now, t: 22, rh: 41, temperature: 8 },
  })
  expect(subscriptions).toEqual([
    {
      topic: 'hall/{asset}/climate',
      time: { path: '$.ts', format: 'unix_ms' },
      signals: { rh: { path: '$.rh' }, climate_temperature: { path: '$.temperature' } },
    },
  ])
  const fixed = configure([{ topic: 'x', asset: 'h-1', signals: { rh: { path: '$', type: 'int64' } } }])
  expect(proposeFor({ 'hall/h-1/climate': { rh: 40 } }, fixed).subscriptions[0]?.signals).toEqual({
    rh: { path: '$.rh' },
  })
  expect(proposeFor({ 'hall/h-1': { rh: 40 } }, fixed).subscriptions[0]?.signals).toEqual({
    'h-1_rh': { path: '$.rh' },
  })
  expect(proposeFor({ 'hall/h-1/climate': { ts: now, t: 1 } }).subscriptions).toEqual([])
  const quoted = configure([{ topic: 'x', asset: 'x', signals: { a: { path: "$['t'][ 0 ]['oil temp']" } } }])
  expect(proposeFor({ x: { t: [{ 'oil temp': 1 }] } }, quoted).subscriptions).toEqual([])
  const lines = configure([{ topic: 'x', asset: 'x', payload: 'text', signals: { a: {} } }])
  expect(proposeFor({ x: 5 }, lines).subscriptions).toEqual([])
})

it('reads items by their names, whatever their order and number', () => {
  const payload = {
    timestamp: now,
    values: [
      { id: 'Line1.Press7.Oil temp', v: 51.5, q: true, t: now },
      { id: "it's", v: true, q: true, t: now },
    ],
  }
  const { subscriptions } = proposeFor({ iotgateway: payload })
  expect(subscriptions).toEqual([
    {
      topic: 'iotgateway',
      asset: 'iotgateway',
      time: { path: '$.timestamp', format: 'unix_ms' },
      signals: {
        'Line1.Press7.Oil_temp': { path: "$.values[?@.id=='Line1.Press7.Oil temp'].v" },
        it_s: { path: "$.values[?@.id=='it\\'s'].v", type: 'bool' },
      },
    },
  ])
  const [path] = Object.values(subscriptions[0]!.signals).map((signal) => signal.path)
  expect(compileJsonPath(path!)?.first({ values: payload.values.toReversed() })).toBe(51.5)
  const pasted = configure([subscriptions[0]!])
  expect(proposeFor({ iotgateway: payload }, pasted).subscriptions).toEqual([])
})

describe('what senders write', () => {
  it('says why it proposes nothing for a topic', () => {
    const { found, text } = proposeFor({
      'raw/1': Uint8Array.of(1, 2, 255),
      'spBv1.0/g/NDATA/n': Uint8Array.of(8, 1),
      'none/1': new Uint8Array(),
      'empty/1': {},
    })
    expect(found.proposals).toEqual([])
    expect(found.unread.map(({ why }) => why)).toEqual([
      '3 bytes that are not JSON: 01 02 ff',
      expect.stringContaining('payload: sparkplug_b'),
      'empty',
    ])
    expect(text.split('\n').every((line) => line.trim().startsWith('#'))).toBe(true)
  })

  it('never breaks out of a comment or a name', () => {
    const { text } = proposeFor({
      'a\n- topic: b/x': { 'x y': 'line\nbreak\u2028\u001b[2J', "it's \\": 1, yes: 2, 온도: 3, '#': 4, '2': 5 },
    })
    expect(text).not.toContain('\u001b')
  })

  it('stays bounded on large trees and payloads', () => {
    const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`f${i}`, i]))
    const tree = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`t/${i}/x`, { [`v${i}`]: 1 }]))
    expect(Object.keys(proposeFor({ 'a/b': wide }).subscriptions[0]!.signals)).toHaveLength(200)
    expect(proposeFor(tree).subscriptions).toHaveLength(100)
    let deep: unknown = 1
    for (let i = 0; i < 500; i++) deep = [deep]
    expect(proposeFor({ 'a/b': deep }).subscriptions).toEqual([])
  })
})
