import { z } from 'zod'
import { decimal, duration, name, unit } from '../../core/option.ts'
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

/** One subscription: a topic and how its messages become signals. */
export const subscriptionSchema = z
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

export type MqttSubscription = z.infer<typeof subscriptionSchema>
export type MqttSignal = MqttSubscription['signals'][string]

function isZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false
  }
}
