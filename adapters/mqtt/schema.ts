import { z } from 'zod'
import { byteSize, decimal, duration, name, secret, unit } from '../../core/option.ts'
import { VALUE_TYPES } from '../../core/signal.ts'
import { compileJsonPath } from './json-path.ts'
import { compileTopic } from './topic-filter.ts'

/** What a time in a payload can look like. */
export const TIME_FORMATS = ['unix_ms', 'unix_s', 'unix_us', 'unix_ns', 'iso8601'] as const
export type TimeFormat = (typeof TIME_FORMATS)[number]

const jsonPath = z.string().superRefine((text, ctx) => {
  if (compileJsonPath(text) === undefined)
    ctx.addIssue({
      code: 'custom',
      message: `${JSON.stringify(text)} is not a path`,
      params: { hint: "write a path from the root, such as $.temperature, $.values[0].v or $['oil temp']" },
    })
})

const zone = z.string().superRefine((text, ctx) => {
  if (!isZone(text))
    ctx.addIssue({
      code: 'custom',
      message: `"${text}" is not a time zone`,
      params: { hint: 'write a name such as Asia/Seoul, Asia/Tokyo or UTC, or an offset such as +09:00' },
    })
})

const topic = z.string().superRefine((text, ctx) => {
  const compiled = compileTopic(text)
  if ('message' in compiled)
    ctx.addIssue({ code: 'custom', message: compiled.message, params: { hint: compiled.hint } })
})

const cadence = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('periodic').describe('the sender sends at a fixed interval'),
    every: duration({ min: '1ms' }).describe('the interval'),
  }),
  z.strictObject({
    kind: z.literal('on_change').describe('the sender sends when the value changes: the last value holds'),
    heartbeat: duration({ min: '1ms' }).describe('how long the last value holds without a new message'),
  }),
  z.strictObject({ kind: z.literal('event').describe('nothing is known about when messages come') }),
])

const time = z
  .strictObject({
    path: jsonPath.describe('where the time of the readings is in the payload'),
    format: z
      .enum(TIME_FORMATS)
      .describe('how the time is written: Unix time in s, ms, us or ns as number or digits, or ISO 8601'),
    zone: zone.optional().describe('zone of ISO 8601 times that carry none; without it they must carry one'),
  })
  .superRefine((t, ctx) => {
    if (t.zone !== undefined && t.format !== 'iso8601')
      ctx.addIssue({
        code: 'custom',
        path: ['zone'],
        message: `${t.format} has no zone: it counts from 1970 UTC`,
        params: { hint: 'remove zone, or set format: iso8601' },
      })
  })

const signal = z
  .strictObject({
    path: jsonPath.describe('where the value is in the payload; where it is absent there is no reading'),
    type: z
      .enum(VALUE_TYPES)
      .default('float64')
      .describe('type of the value; a number as text is not a number, integers are exact to 64 bits'),
    unit: unit.optional().describe('UCUM code of the value after scale and offset; default "1" for numbers'),
    scale: decimal.optional().describe('value = raw × scale + offset'),
    offset: decimal.optional().describe('value = raw × scale + offset'),
    labels: z
      .record(z.string(), z.string().min(1))
      .optional()
      .describe('names of enumerated raw values, such as { "0": idle, "1": run }'),
    cadence: cadence.optional().describe('how often messages come, where it differs from the subscription'),
  })
  .superRefine((s, ctx) => {
    if (s.type !== 'bool' && s.type !== 'string') return
    for (const key of ['unit', 'scale', 'offset'] as const)
      if (s[key] !== undefined)
        ctx.addIssue({
          code: 'custom',
          path: [key],
          message: `a ${s.type} has no ${key}`,
          params: { hint: `remove ${key}, or set a numeric type` },
        })
  })

const subscription = z
  .strictObject({
    topic: topic.describe('MQTT filter with + and #; one level may be {asset}'),
    qos: z
      .literal([0, 1], {
        error: (issue) =>
          issue.input === 2
            ? 'QoS 2 loses messages when the agent crashes: write 1, whose redeliveries are recognised'
            : 'expected 0 or 1',
      })
      .default(1)
      .describe('1: the broker keeps each message until it is stored here; 0: at most once'),
    payload: z.literal('json').default('json').describe('what the payload is'),
    asset: name.optional().describe('the asset, where the topic has no {asset}'),
    time: time.optional().describe('time in the payload; default: when the message arrived'),
    cadence: cadence.default({ kind: 'event' }).describe('how often messages come; signals inherit it'),
    signals: z
      .record(name, signal)
      .refine((signals) => Object.keys(signals).length > 0, 'needs at least one signal')
      .describe('signals by name'),
  })
  .superRefine((s, ctx) => {
    const compiled = compileTopic(s.topic)
    if ('message' in compiled) return
    if (compiled.pattern.captures && s.asset !== undefined) {
      ctx.addIssue({
        code: 'custom',
        path: ['asset'],
        message: 'the topic already says the asset with {asset}',
        params: { hint: 'remove asset, or write "+" for {asset} in the topic' },
      })
    } else if (!compiled.pattern.captures && s.asset === undefined) {
      ctx.addIssue({
        code: 'custom',
        path: ['topic'],
        message: 'nothing says which asset the messages are about',
        params: { hint: 'write {asset} for the level that names it, or add asset: NAME beside the topic' },
      })
    }
  })

const tls = z
  .strictObject({
    ca: secret
      .optional()
      .describe('PEM of the authority that signed the broker, as { file: path }; default: public ones'),
    cert: secret.optional().describe('PEM of the client certificate, as { file: path }'),
    key: secret.optional().describe('PEM of the key of the client certificate, as { file: path }'),
    servername: z
      .string()
      .min(1)
      .optional()
      .describe('name in the broker’s certificate, where it is not the host of url'),
  })
  .superRefine((t, ctx) => {
    if ((t.cert === undefined) === (t.key === undefined)) return
    const [has, lacks] = t.cert === undefined ? (['key', 'cert'] as const) : (['cert', 'key'] as const)
    ctx.addIssue({
      code: 'custom',
      path: [has],
      message: `${has} needs ${lacks} beside it`,
      params: { hint: `add ${lacks}: { file: path }` },
    })
  })

/** A `kind: mqtt` source: one connection to a broker. */
export const mqttSourceSchema = z
  .strictObject({
    kind: z.literal('mqtt').describe('an MQTT broker'),
    url: z.string().superRefine(checkUrl).describe('mqtt://host[:1883], or mqtts://host[:8883] for TLS'),
    protocol: z
      .literal(['3.1.1', '5', 5])
      .default('5')
      .transform((version) => (version === 5 ? '5' : version)) // YAML reads an unquoted 5 as a number
      .describe('version of MQTT that is spoken with the broker: 3.1.1 or 5'),
    client_id: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('name of the session at the broker; default: made from the source and the data folder'),
    username: z.string().min(1).optional().describe('user at the broker'),
    password: secret.optional().describe('password at the broker, as { file: path } or { env: NAME }'),
    tls: tls.optional().describe('certificates for mqtts://'),
    keepalive: duration({ min: '5s', max: '18h' })
      .default(30_000)
      .describe('a link on which nothing is heard for 1.5 times this is given up; whole seconds'),
    connect_timeout: duration({ min: '100ms', max: '5m' })
      .default(4_000)
      .describe('deadline for connection, TLS and login together'),
    session_expiry: duration({ min: '1m', max: '3650d' })
      .default(604_800_000)
      .describe('how long the broker keeps messages while the agent is away (MQTT 5; with 3.1.1 the broker decides)'),
    ack_within: duration({ max: '10s' })
      .default(100)
      .describe('longest time a message waits for its commit and acknowledgement; 1s spares flash'),
    window: z
      .int()
      .min(1)
      .max(65_535)
      .default(20)
      .describe('messages the broker sends ahead of acknowledgement (its max_inflight_messages); half of it commits'),
    max_assets: z
      .int()
      .min(1)
      .max(100_000)
      .default(1_000)
      .describe('assets that {asset} may create; messages of further ones are refused and counted'),
    max_payload: byteSize({ min: '1KiB' }).default(262_144).describe('longer payloads are refused and counted'),
    subscriptions: z.array(subscription).min(1).describe('what is subscribed and how it becomes signals'),
  })
  .superRefine((source, ctx) => {
    if (source.tls !== undefined && !source.url.startsWith('mqtts:'))
      ctx.addIssue({
        code: 'custom',
        path: ['tls'],
        message: 'tls is set but url is not mqtts://',
        params: { hint: 'write mqtts:// in url (port 8883 unless stated), or remove tls' },
      })
    if (source.password !== undefined && source.username === undefined && source.protocol === '3.1.1')
      ctx.addIssue({
        code: 'custom',
        path: ['password'],
        message: 'MQTT 3.1.1 has no password without a username',
        params: { hint: 'add username' },
      })
  })

export type MqttSourceConfig = z.infer<typeof mqttSourceSchema>
export type MqttSubscription = MqttSourceConfig['subscriptions'][number]
export type MqttSignal = MqttSubscription['signals'][string]

function checkUrl(text: string, ctx: z.RefinementCtx<string>): void {
  const problem = urlProblem(text)
  if (problem) ctx.addIssue({ code: 'custom', message: problem[0], params: { hint: problem[1] } })
}

function urlProblem(text: string): readonly [message: string, hint: string] | undefined {
  const url = URL.parse(text)
  // A password that stands before an "@" must not come back in the message.
  if (!url || !['mqtt:', 'mqtts:'].includes(url.protocol) || url.hostname === '')
    return [
      `${JSON.stringify(text.replace(/^.*@/s, '…@'))} is not the address of a broker`,
      'write mqtt://host:1883 or mqtts://host:8883',
    ]
  if (url.username !== '' || url.password !== '')
    return ['credentials do not belong in url', 'write username and password: { file: path } beside it']
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '')
    return ['url has a path', 'write scheme, host and port only']
  return undefined
}

function isZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false
  }
}
