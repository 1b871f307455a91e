import { compileJsonPath } from './json-path.ts'
import type { TimeFormat } from './signal-schema.ts'

/** One value of a JSON payload, as a signal could read it. */
export interface SeenField {
  /** as in the configuration: `$.d[0].value` */
  readonly path: string
  /** member names from the root; array indexes as text */
  readonly steps: readonly string[]
  readonly type: 'float64' | 'int64' | 'uint64' | 'bool' | 'string'
  readonly sample: number | boolean | string
}

/** Where a payload seems to carry its time. */
export interface SeenTime {
  readonly path: string
  readonly format: Extract<TimeFormat, 'unix_s' | 'unix_ms' | 'unix_us' | 'unix_ns' | 'iso8601'>
  /** false: the text says no zone, so one must be stated */
  readonly hasZone: boolean
}

/** Values and time of one payload. */
export interface Shape {
  readonly fields: readonly SeenField[]
  readonly time: SeenTime | undefined
}

/** Values of one payload that are looked at. */
const MOST_FIELDS = 200
/** Elements of one array that are looked at. */
const MOST_ELEMENTS = 16
const DEEPEST = 8
/** A number is taken for a time only where it lies this near to now (ms): half a year, a day without a telling name. */
const NEAR = 183 * 86_400_000
const VERY_NEAR = 86_400_000
/** Members of an item that say what it is, and its value. */
const TAG_NAME = /^(id|tag|name|n|key|signal|metric|tag_?name|node_?id)$/i
const VALUE_NAME = /^(v|val|value)$/i
const TIME_NAME = /^(ts|t|at|time|date|datetime|.*time_?stamp.*|.*_time|.*_ts|.*_at|.*Time)$/i

/** What a JSON document holds; null and empty values say nothing. @param now UnixMs */
export function shapeOf(document: unknown, now: number): Shape {
  const fields: SeenField[] = []
  const times: (SeenTime & { readonly named: boolean })[] = []

  function visit(value: unknown, path: string, steps: readonly string[]): void {
    if (fields.length >= MOST_FIELDS || steps.length > DEEPEST || value === null) return
    const tagged = Array.isArray(value) ? taggedItems(value) : undefined
    if (tagged) {
      for (const { where, tag, key, item } of tagged)
        visit(item, `${path}[?@${where}==${quoted(tag)}]${stepText(key)}`, [...steps.slice(0, -1), tag])
    } else if (Array.isArray(value)) {
      for (const [i, each] of value.slice(0, MOST_ELEMENTS).entries())
        visit(each, `${path}[${i}]`, [...steps, String(i)])
    } else if (typeof value === 'object') {
      for (const [key, each] of Object.entries(value as object)) visit(each, path + stepText(key), [...steps, key])
    } else if (compileJsonPath(path) !== undefined) {
      const sample = value as SeenField['sample']
      const named = TIME_NAME.test(steps.at(-1) ?? '')
      const time = timeOf(sample, now, named)
      if (time) times.push({ path, ...time, named })
      else fields.push({ path, steps, type: typeOf(sample), sample })
    }
  }

  visit(document, '$', [])
  const { named: _, ...time } = times.find(({ named }) => named) ?? times[0] ?? { named: false }
  return { fields, time: 'path' in time ? time : undefined }
}

/** A member name as a step of a path. */
export function stepText(key: string): string {
  if (/^[\p{L}_][\p{L}\p{M}\p{N}_]*$/u.test(key)) return `.${key}`
  return `[${quoted(key)}]`
}

/**
 * Items that say which quantity they are, such as `{ "id": "T1", "v": 21.5 }`: a path by that name holds whatever the
 * order and number of items. Undefined where the array is no list of such.
 */
function taggedItems(
  items: readonly unknown[],
):
  | readonly { readonly where: string; readonly tag: string; readonly key: string; readonly item: unknown }[]
  | undefined {
  const [first] = items
  if (typeof first !== 'object' || first === null) return undefined
  const keys = Object.keys(first)
  const tagKey = keys.find((key) => TAG_NAME.test(key))
  const key = keys.find((each) => VALUE_NAME.test(each))
  if (tagKey === undefined || key === undefined) return undefined
  const found = items.map((item) => {
    const { [tagKey]: tag, [key]: value } = (item ?? {}) as Readonly<Record<string, unknown>>
    return { where: stepText(tagKey), tag, key, item: value }
  })
  const isTagged = (each: (typeof found)[number]): each is (typeof found)[number] & { readonly tag: string } =>
    typeof each.tag === 'string' && each.tag !== ''
  const tagged = found.filter(isTagged)
  return tagged.length === items.length && new Set(tagged.map(({ tag }) => tag)).size === tagged.length
    ? tagged
    : undefined
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function typeOf(sample: SeenField['sample']): SeenField['type'] {
  if (typeof sample === 'boolean') return 'bool'
  if (typeof sample === 'string') return 'string'
  if (!Number.isInteger(sample) || Number.isSafeInteger(sample)) return 'float64'
  return sample < 2 ** 63 ? 'int64' : 'uint64'
}

/** How a value could be a time. */
function timeOf(sample: SeenField['sample'], now: number, named: boolean): Omit<SeenTime, 'path'> | undefined {
  const isNear = (ms: number): boolean => Math.abs(ms - now) <= (named ? NEAR : VERY_NEAR)
  if (typeof sample === 'boolean') return undefined
  if (typeof sample === 'string' && !/^\d{10,19}$/.test(sample)) {
    const m = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?$/.exec(sample)
    return m ? { format: 'iso8601', hasZone: m[1] !== undefined } : undefined
  }
  const number = Number(sample)
  const scales = { unix_s: 1_000, unix_ms: 1, unix_us: 1e-3, unix_ns: 1e-6 } as const
  for (const format of ['unix_s', 'unix_ms', 'unix_us', 'unix_ns'] as const)
    if (isNear(number * scales[format])) return { format, hasZone: true }
  return undefined
}
