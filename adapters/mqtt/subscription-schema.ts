import { z } from 'zod'
import { name } from '../../core/option.ts'
import { cadence, ENCODINGS, jsonPath, qualitySchema, signalSchema, timeSchema } from './signal-schema.ts'
import { subscriptionProblems } from './subscription-rules.ts'
import { compileTopic } from './topic-filter.ts'

export const PAYLOADS = ['json', 'cbor', 'msgpack', 'text', 'csv', 'binary', 'sparkplug_b'] as const
export const MAPS = ['kepserverex', 'opcua-pubsub', 'opc-publisher', 'umh'] as const

const topic = z.string().superRefine((text, ctx) => {
  const compiled = compileTopic(text)
  if ('message' in compiled)
    ctx.addIssue({ code: 'custom', message: compiled.message, params: { hint: compiled.hint } })
})

const subscription = z.strictObject({
  topic: topic.describe(
    'MQTT filter with + and #; one level may be {asset}. sparkplug_b: spBv1.0/GROUP/+/NODE, or spBv1.0/GROUP/+/NODE/DEVICE',
  ),
  qos: z
    .literal([0, 1], {
      error: (issue) =>
        issue.input === 2
          ? 'QoS 2 loses messages when the agent crashes: write 1, whose redeliveries are recognised'
          : 'expected 0 or 1',
    })
    .default(1)
    .describe('1: the broker keeps each message until it is stored here; 0: at most once'),
  payload: z
    .enum(PAYLOADS)
    .default('json')
    .describe('what the payload is; text is one plain value, csv lines of values, binary bytes at fixed offsets'),
  map: z
    .enum(MAPS)
    .optional()
    .describe(
      'json of a known sender: signals are then named by tag, time and quality are found (KEPServerEX IoT Gateway, OPC UA PubSub, OPC Publisher, United Manufacturing Hub)',
    ),
  each: jsonPath
    .optional()
    .describe('items of a message that holds many readings, such as $.values[*]; paths then may begin with @'),
  tag_path: jsonPath.optional().describe('with each: where an item says which signal it is, such as @.id'),
  quality: qualitySchema.optional().describe('quality in the payload'),
  text_numbers: z
    .enum(['refuse', 'point', 'comma'])
    .optional()
    .describe('numbers as text such as "21.5" (point) or "21,5" (comma); default: refuse, in text and csv point'),
  encoding: z.enum(ENCODINGS).optional().describe('encoding of text, csv and binary strings; default utf-8'),
  separator: z
    .string()
    .regex(/^[^"\r\n]$/, 'is not one character')
    .optional()
    .describe('csv: what stands between values, such as ";" or "\\t"; default ","'),
  skip_lines: z.int().min(0).max(100).optional().describe('csv: heading lines of each message; default 0'),
  rebirth: z
    .enum(['never', 'request'])
    .default('never')
    .describe('sparkplug_b: request publishes Node Control/Rebirth where a birth is missing or the sequence has a gap'),
  asset: name.optional().describe('the asset, where the topic has no {asset}'),
  time: timeSchema.optional().describe('time in the payload; default: when the message arrived'),
  cadence: cadence.default({ kind: 'event' }).describe('how often messages come; signals inherit it'),
  signals: z
    .record(name, signalSchema)
    .refine((signals) => Object.keys(signals).length > 0, 'needs at least one signal')
    .describe('signals by name'),
})

/** One subscription: a topic and how its messages become signals. */
export const subscriptionSchema = subscription.superRefine((s, ctx) => {
  for (const { path, message, hint } of subscriptionProblems(s))
    ctx.addIssue({ code: 'custom', path: [...path], message, params: { hint } })
})

export type MqttSubscription = z.infer<typeof subscription>
