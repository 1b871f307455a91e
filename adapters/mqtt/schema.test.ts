import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { planMqttSource } from './plan.ts'
import { mqttSourceSchema } from './schema.ts'

const subscription = { topic: 'hall/{asset}/climate', signals: { temperature: { path: '$.t', unit: 'Cel' } } }
const source = { kind: 'mqtt', url: 'mqtt://broker:1883', subscriptions: [subscription] }
const withSubscription = (change: object) => ({ ...source, subscriptions: [{ ...subscription, ...change }] })
const withBinary = (binary: object) => withSubscription({ payload: 'binary', signals: { t: { binary } } })
const sparkplug = (topic: string) =>
  withSubscription({ topic, payload: 'sparkplug_b', signals: { t: { metric: 'T' } } })
const withSignal = (change: object) => withSubscription({ signals: { t: { path: '$.t', ...change } } })

it('takes the smallest source and fills in defaults', () => {
  expect(mqttSourceSchema.parse(source)).toMatchObject({
    protocol: '5',
    keepalive: 30_000,
    session_expiry: 604_800_000,
    ack_within: 100,
    window: 20,
    max_assets: 1_000,
    max_payload: 262_144,
    subscriptions: [
      { qos: 1, payload: 'json', cadence: { kind: 'event' }, signals: { temperature: { type: 'float64' } } },
    ],
  })
})

it('takes a version as YAML reads it, without quotes', () => {
  expect(mqttSourceSchema.parse({ ...source, protocol: 5 }).protocol).toBe('5')
})

const s = 'subscriptions.0'
it.each<[string, object, string, RegExp]>([
  ['another scheme', { ...source, url: 'http://broker' }, 'url', /not the address of a broker/],
  ['no host', { ...source, url: 'mqtt://' }, 'url', /not the address/],
  ['bare host', { ...source, url: 'broker:1883' }, 'url', /not the address/],
  ['a port out of range', { ...source, url: 'mqtt://broker:70000' }, 'url', /not the address/],
  ['credentials in url', { ...source, url: 'mqtt://u:hunter2@broker' }, 'url', /credentials do not belong/],
  ['a path in url', { ...source, url: 'mqtt://broker/mqtt' }, 'url', /path/],
  ['tls without mqtts', { ...source, tls: { ca: 'x' } }, 'tls', /mqtts/],
  ['cert without key', { ...source, url: 'mqtts://b', tls: { cert: 'x' } }, 'tls.cert', /needs key/],
  ['key without cert', { ...source, url: 'mqtts://b', tls: { key: 'x' } }, 'tls.key', /needs cert/],
  ['password alone in 3.1.1', { ...source, protocol: '3.1.1', password: 'x' }, 'password', /username/],
  ['another version', { ...source, protocol: 4 }, 'protocol', /3\.1\.1/],
  ['keepalive out of range', { ...source, keepalive: '1s' }, 'keepalive', /out of range/],
  ['window of zero', { ...source, window: 0 }, 'window', /./],
  ['no subscriptions', { ...source, subscriptions: [] }, 'subscriptions', /./],
  ['an unknown key', { ...source, broker: 'x' }, '', /broker/],
  ['a bad filter', withSubscription({ topic: 'a/#/{asset}' }), `${s}.topic`, /"#"/],
  ['{asset} twice', withSubscription({ topic: '{asset}/{asset}' }), `${s}.topic`, /twice/],
  ['neither {asset} nor asset', withSubscription({ topic: 'hall/+/t' }), `${s}.topic`, /which asset/],
  ['both {asset} and asset', withSubscription({ asset: 'hall-2' }), `${s}.asset`, /already says/],
  ['QoS 2', withSubscription({ qos: 2 }), `${s}.qos`, /QoS 2 loses messages/],
  ['QoS 3', withSubscription({ qos: 3 }), `${s}.qos`, /expected 0 or 1/],
  ['no signals', withSubscription({ signals: {} }), `${s}.signals`, /at least one/],
  ['a signal name with a slash', withSubscription({ signals: { 'a/b': { path: '$' } } }), `${s}.signals.a/b`, /./],
  ['a bad time path', withSubscription({ time: { path: 'ts', format: 'unix_ms' } }), `${s}.time.path`, /not a path/],
  ['a bad time format', withSubscription({ time: { path: '$.ts', format: 'unix' } }), `${s}.time.format`, /./],
  [
    'zone of Unix time',
    withSubscription({ time: { path: '$', format: 'unix_s', zone: 'UTC' } }),
    `${s}.time.zone`,
    /no zone/,
  ],
  [
    'an unknown zone',
    withSubscription({ time: { path: '$', format: 'iso8601', zone: 'KST9' } }),
    `${s}.time.zone`,
    /time zone/,
  ],
  ['time without a place', withSubscription({ time: { format: 'unix_s' } }), `${s}.time`, /path is missing/],
  ['a signal without a place', withSignal({ path: undefined }), `${s}.signals.t`, /path is missing/],
  ['a column in json', withSignal({ column: 2 }), `${s}.signals.t.column`, /no meaning with payload: json/],
  [
    'a path in csv',
    withSubscription({ payload: 'csv' }),
    `${s}.signals.temperature.path`,
    /no meaning with payload: csv/,
  ],
  ['no column in csv', withSubscription({ payload: 'csv' }), `${s}.signals.temperature`, /column is missing/],
  ['a column of zero', withSignal({ column: 0 }), `${s}.signals.t.column`, /./],
  ['another payload', withSubscription({ payload: 'xml' }), `${s}.payload`, /./],
  ['another map', withSubscription({ map: 'kepware' }), `${s}.map`, /./],
  ['a map of cbor', withSubscription({ map: 'umh', payload: 'cbor' }), `${s}.map`, /no meaning with payload: cbor/],
  ['a map with a path', withSubscription({ map: 'umh' }), `${s}.signals.temperature`, /tag is missing/],
  [
    'a map with a time',
    withSubscription({ map: 'umh', time: { path: '$.t', format: 'unix_s' } }),
    `${s}.time`,
    /already says time/,
  ],
  ['@ without each', withSignal({ path: '@.v' }), `${s}.signals.t.path`, /item of each/],
  ['@ in each', withSubscription({ each: '@.d[*]' }), `${s}.each`, /item of each/],
  ['tag_path without each', withSubscription({ tag_path: '$.id' }), `${s}.tag_path`, /needs each/],
  ['tag_path of many', withSubscription({ each: '$[*]', tag_path: '@.*' }), `${s}.tag_path`, /several values/],
  [
    'tag_path without tags',
    withSubscription({ each: '$[*]', tag_path: '@.id' }),
    `${s}.signals.temperature`,
    /tag is missing/,
  ],
  ['a separator in json', withSubscription({ separator: ';' }), `${s}.separator`, /no meaning/],
  ['a long separator', withSubscription({ payload: 'csv', separator: '||' }), `${s}.separator`, /one character/],
  ['two plain values', withSubscription({ payload: 'text', signals: { a: {}, b: {} } }), `${s}.signals`, /one signal/],
  ['a string without length', withBinary({ byte: 0, as: 'string' }), `${s}.signals.t.binary.as`, /needs a length/],
  [
    'a bit of an integer with sign',
    withBinary({ byte: 0, as: 'int16', bit: 1 }),
    `${s}.signals.t.binary.bit`,
    /no bits/,
  ],
  ['a bit too high', withBinary({ byte: 0, as: 'uint8', bit: 8 }), `${s}.signals.t.binary.bit`, /no bit 8/],
  ['rebirth in json', withSubscription({ rebirth: 'request' }), `${s}.rebirth`, /sparkplug_b/],
  ['a Sparkplug topic of data alone', sparkplug('spBv1.0/g/DDATA/n/{asset}'), `${s}.topic`, /without births/],
  ['a Sparkplug topic that is none', sparkplug('spAv1.0/g/+/n/{asset}'), `${s}.topic`, /not a Sparkplug/],
  ['a Sparkplug topic with #', sparkplug('spBv1.0/{asset}/+/#'), `${s}.topic`, /not a Sparkplug/],
  ['a shared Sparkplug topic', sparkplug('$share/g/spBv1.0/g/+/{asset}'), `${s}.topic`, /shared/],
  ['a path with match()', withSignal({ path: "$[?match(@.a, 'x')]" }), `${s}.signals.t.path`, /not a path/],
  ['a bad path', withSignal({ path: 't' }), `${s}.signals.t.path`, /not a path/],
  ['an unknown unit', withSignal({ unit: '℃' }), `${s}.signals.t.unit`, /unknown unit/],
  ['a unit of text', withSignal({ type: 'string', unit: 'Cel' }), `${s}.signals.t.unit`, /no unit/],
  ['a scaled bool', withSignal({ type: 'bool', scale: 2 }), `${s}.signals.t.scale`, /no scale/],
  ['a bad scale', withSignal({ scale: 'half' }), `${s}.signals.t.scale`, /decimal/],
  ['labels of a float', withSignal({ labels: { 0: 'idle' } }), `${s}.signals.t.labels`, /on a float64/],
  ['labels of a bool', withSignal({ type: 'bool', labels: { 0: 'off' } }), `${s}.signals.t.labels`, /on a bool/],
  ['labels of text', withSignal({ type: 'string', labels: { 0: 'off' } }), `${s}.signals.t.labels`, /on a string/],
  ['no labels', withSignal({ type: 'uint16', labels: {} }), `${s}.signals.t.labels`, /every reading would be bad/],
  ['a label of a word', withSignal({ type: 'uint16', labels: { run: 'x' } }), `${s}.signals.t.labels.run`, /./],
  ['a label of 1.5', withSignal({ type: 'uint16', labels: { 1.5: 'x' } }), `${s}.signals.t.labels.1.5`, /./],
  [
    'a label out of range',
    withSignal({ type: 'uint16', labels: { '-1': 'x' } }),
    `${s}.signals.t.labels.-1`,
    /never come/,
  ],
  [
    'labels of a scaled number',
    withSignal({ type: 'int16', scale: 2, labels: { 0: 'x' } }),
    `${s}.signals.t.scale`,
    /beside `labels`/,
  ],
  ['a bad cadence', withSignal({ cadence: { kind: 'periodic' } }), `${s}.signals.t.cadence.every`, /./],
])('refuses %s', (_, input, path, message) => {
  const issues = mqttSourceSchema.safeParse(input).error?.issues ?? []
  const here = issues.filter((issue) => issue.path.join('.') === path)
  expect(here.map((issue) => issue.message).join('\n')).toMatch(message)
  expect(JSON.stringify(issues)).not.toContain('hunter2')
})

it('takes labels of whole numbers', () => {
  const labels = { 0: 'idle', '-1': 'fault' }
  expect(mqttSourceSchema.safeParse(withSignal({ type: 'int64', labels })).error).toBeUndefined()
})

it('describes every option, for the generated reference', () => {
  const undescribed: string[] = []
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, value] of Object.entries(node)) {
      if (key === 'properties')
        for (const [name, option] of Object.entries(value as Record<string, { description?: string }>)) {
          if (!option.description && name !== 'kind') undescribed.push(`${path}.${name}`)
        }
      walk(value, `${path}.${key}`)
    }
  }
  walk(z.toJSONSchema(mqttSourceSchema, { io: 'input', unrepresentable: 'any' }), '')
  expect(undescribed).toEqual([])
})

describe('plan', () => {
  const plan = (subscriptions: object[]) =>
    planMqttSource('climate', mqttSourceSchema.parse({ ...source, subscriptions }))
  const fixed = { topic: 'hall/2', asset: 'hall-2', signals: { t: { path: '$.t', unit: 'Cel' } } }
  const captured = {
    topic: '{asset}/x',
    signals: { t: { path: '$.v', unit: 'Cel' }, state: { path: '$.s', type: 'string' } },
  }

  it('knows the signals of fixed assets and the possible ones of captured assets', () => {
    const {
      plan: known,
      problems,
      mayProvide,
    } = plan([fixed, { ...captured, time: { path: '$.ts', format: 'unix_ms' } }])
    expect(problems).toEqual([])
    expect(known.signals).toEqual([
      {
        id: 'hall-2/t',
        asset: 'hall-2',
        name: 't',
        source: 'climate',
        type: 'float64',
        unit: 'Cel',
        cadence: { kind: 'event' },
      },
    ])
    expect(known.assets).toEqual(['hall-2'])
    expect(known.polled).toBe(false)
    expect(['hall-2/t', 'press-7/t', 'press-7/state', 'press-7/x', 'no name/t', 't'].map(mayProvide)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ])
  })

  it('is like polled where everything is stamped on arrival', () => {
    expect(plan([fixed, captured]).plan.polled).toBe(true)
  })

  it.each([
    ['one asset twice', [fixed, { ...fixed, topic: 'other' }], /hall-2\/t is already given/],
    [
      'two meanings',
      [captured, { ...captured, topic: '{asset}/y', signals: { t: { path: '$.t', unit: 'K' } } }],
      /another type, unit/,
    ],
    [
      'a captured and a fixed meaning',
      [fixed, { ...captured, signals: { t: { path: '$', unit: 'K' } } }],
      /another type, unit/,
    ],
  ])('finds %s', (_, subscriptions, message) => {
    const { problems } = plan(subscriptions)
    expect(problems).toHaveLength(1)
    expect(problems[0]!.path).toEqual(['subscriptions', 1, 'signals', 't'])
    expect(problems[0]!.message).toMatch(message)
  })

  it('lets two topics give the same signal of one captured asset', () => {
    expect(plan([captured, { ...captured, topic: '{asset}/y' }]).problems).toEqual([])
  })
})
