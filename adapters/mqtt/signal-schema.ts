import { z } from 'zod'
import { decimal, duration, unit, zone } from '../../core/option.ts'
import { VALUE_TYPES, type ValueType } from '../../core/signal.ts'
import { compileJsonPath } from './json-path.ts'
import { INTEGER_RANGES } from './payload.ts'

/** What a time in a payload can look like. */
export const TIME_FORMATS = ['unix_ms', 'unix_s', 'unix_us', 'unix_ns', 'iso8601', 'dotnet_ticks', 'filetime'] as const
export type TimeFormat = (typeof TIME_FORMATS)[number]

/** What stands at an offset of a binary payload. */
export const BINARY_TYPES = [
  'uint8',
  'int8',
  'uint16',
  'int16',
  'uint32',
  'int32',
  'uint64',
  'int64',
  'float16',
  'float32',
  'float64',
  'string',
] as const
export type BinaryType = (typeof BINARY_TYPES)[number]

/** Text encodings, by the names that TextDecoder knows. */
export const ENCODINGS = ['utf-8', 'shift_jis', 'euc-kr', 'utf-16le', 'utf-16be', 'windows-1252'] as const

export const jsonPath = z.string().superRefine((text, ctx) => {
  if (compileJsonPath(text) === undefined)
    ctx.addIssue({
      code: 'custom',
      message: `${JSON.stringify(text)} is not a path`,
      params: {
        hint: "write a path from the root, such as $.temperature, $.values[0].v, $['oil temp'] or $.d[?(@.tag=='T1')].value; with each, @.v from the item",
      },
    })
})

export const cadence = z.discriminatedUnion('kind', [
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

const binary = z
  .strictObject({
    byte: z.int().min(0).max(268_435_455).describe('offset of its first byte, from 0'),
    as: z.enum(BINARY_TYPES).describe('what stands there'),
    order: z
      .enum(['big', 'little'])
      .default('big')
      .describe('big: most significant byte first (network order); little: least significant first'),
    bit: z.int().min(0).max(63).optional().describe('one bit of an unsigned integer, 0 being the least significant'),
    length: z.int().min(1).max(65_535).optional().describe('bytes of a string; it ends at the first zero byte'),
  })
  .superRefine((b, ctx) => {
    const say = (key: string, message: string, hint: string) =>
      ctx.addIssue({ code: 'custom', path: [key], message, params: { hint } })
    if (b.as === 'string' && b.length === undefined) say('as', 'a string needs a length', 'add length: BYTES')
    if (b.as !== 'string' && b.length !== undefined)
      say('length', `${b.as} has its own length`, 'remove length, or set as: string')
    if (b.bit === undefined) return
    const bits = /^uint(\d+)$/.exec(b.as)?.[1]
    if (bits === undefined) say('bit', `${b.as} has no bits`, 'set as: uint8, uint16, uint32 or uint64')
    else if (b.bit >= Number(bits)) say('bit', `${b.as} has no bit ${b.bit}`, `write 0 to ${Number(bits) - 1}`)
  })

/** Where something stands in a payload: which of them fits is a matter of the payload. */
const place = {
  path: jsonPath
    .optional()
    .describe('json, cbor, msgpack: RFC 9535 path from the root ($) or, with each, the item (@)'),
  column: z.int().min(1).max(10_000).optional().describe('csv: column, counted from 1'),
  binary: binary.optional().describe('binary: offset and type'),
}

export const timeSchema = z
  .strictObject({
    ...place,
    format: z
      .enum(TIME_FORMATS)
      .describe(
        'Unix time in s, ms, us or ns; ISO 8601; .NET ticks (100 ns since year 1) or OPC UA and Windows ticks (100 ns since 1601)',
      ),
    zone: zone.optional().describe('zone of ISO 8601 times that carry none; without it they must carry one'),
  })
  .superRefine((t, ctx) => {
    if (t.zone !== undefined && t.format !== 'iso8601')
      ctx.addIssue({
        code: 'custom',
        path: ['zone'],
        message: `${t.format} has no zone: it counts in UTC`,
        params: { hint: 'remove zone, or set format: iso8601' },
      })
  })

export const qualitySchema = z.strictObject({
  path: jsonPath.describe('where the quality is; where it is absent the value is good'),
  format: z
    .enum(['bool', 'opc_da', 'opc_ua', 'text'])
    .describe(
      'true or false; OPC DA number (192 good, 64 uncertain, 0 bad); OPC UA StatusCode; text that begins with good, uncertain or bad',
    ),
})

export const signalSchema = z
  .strictObject({
    ...place,
    tag: z.string().min(1).max(1_000).optional().describe('map, tag_path: key of the item that holds the value'),
    metric: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe('sparkplug_b: name of the metric; members of a template as TEMPLATE/MEMBER'),
    type: z.enum(VALUE_TYPES).default('float64').describe('type of the value; integers are exact to 64 bits'),
    unit: unit.optional().describe('UCUM code of the value after scale and offset; default "1" for numbers'),
    scale: decimal.optional().describe('value = raw × scale + offset'),
    offset: decimal.optional().describe('value = raw × scale + offset'),
    labels: z
      .record(z.string().regex(/^-?\d+$/, 'a label belongs to a whole number'), z.string().min(1))
      .optional()
      .describe('names of all whole numbers it can have, such as { 0: idle, 1: run }; any other one is bad'),
    cadence: cadence.optional().describe('how often messages come, where it differs from the subscription'),
  })
  .superRefine((s, ctx) => {
    checkLabels(s, (path, message, hint) =>
      ctx.addIssue({ code: 'custom', path: [...path], message, params: { hint } }),
    )
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

export type MqttSignal = z.infer<typeof signalSchema>
export type MqttTime = z.infer<typeof timeSchema>
export type BinaryPlace = z.infer<typeof binary>

interface Labelled {
  readonly type: ValueType
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly scale?: string | undefined
  readonly offset?: string | undefined
}

/** Labels name all whole numbers that an integer can have, as in Modbus. */
function checkLabels(s: Labelled, report: (path: readonly string[], message: string, hint: string) => void): void {
  if (s.labels === undefined) return
  const range = INTEGER_RANGES[s.type]
  if (range === undefined)
    return report(
      ['labels'],
      `\`labels\` on a ${s.type}`,
      'labels name whole numbers: leave them out, or write an integer type, such as `type: uint16`',
    )
  if (Object.keys(s.labels).length === 0)
    report(['labels'], 'no labels: every reading would be bad', 'name each number, or leave `labels` out')
  for (const key of ['scale', 'offset'] as const)
    if (s[key] !== undefined)
      report([key], `\`${key}\` beside \`labels\``, 'labels name raw numbers: leave one of the two out')
  const [low, high] = range
  for (const label of Object.keys(s.labels))
    if (BigInt(label) < low || BigInt(label) > high)
      report(['labels', label], `${label} can never come`, `write numbers ${low} to ${high}, or another type`)
}
