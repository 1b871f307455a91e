import type { UnixMs } from '../../../core/brand.ts'
import { GOOD } from '../../../core/quality.ts'
import { makeDecoder, type TextNumbers } from '../payload.ts'
import type { MqttSignal } from '../signal-schema.ts'
import type { MqttSubscription } from '../subscription-schema.ts'
import { makeTimeReader } from '../time.ts'
import { withQuality } from './document.ts'
import type { Message, Parsed, PayloadProblem, PayloadReader } from './format.ts'
import { readQuality } from './quality.ts'

/** One value of a known sender's message. */
interface Item {
  /** what signals may call it, any of them; none where the sender gives it no name */
  readonly tags: readonly string[]
  readonly value: unknown
  /** as the sender wrote it; undefined: none */
  readonly time: unknown
  /** quality code */
  readonly quality: number
}

type MapName = NonNullable<MqttSubscription['map']>
type Json = Readonly<Record<string, unknown>>

/** An item without a name or value: no signal can want it, so it is counted with those that none names. */
const NAMELESS: Item = { tags: [], value: null, time: undefined, quality: GOOD }

const readUnixMs = makeTimeReader('unix_ms')
const readIso = makeTimeReader('iso8601', 'UTC') // OPC UA times are UTC even where they do not say so

/** Reads the messages of a known sender; signals name their values by tag. */
export function makeMapReader(
  subscription: MqttSubscription,
  map: MapName,
  parse: (message: Message) => Parsed<unknown>,
): PayloadReader {
  const fields = new Map<string, { readonly index: number; readonly decode: ReturnType<typeof makeDecoder> }[]>()
  for (const [index, signal] of Object.values(subscription.signals).entries())
    fields.set(signal.tag!, [
      ...(fields.get(signal.tag!) ?? []),
      { index, decode: makeItemDecoder(signal, map, subscription.text_numbers) },
    ])
  return {
    read(message, sink) {
      const parsed = parse(message)
      if ('reason' in parsed) return parsed
      const items = MAPS[map](parsed.document, message.topic)
      if (!items) return { reason: 'no_signal', detail: `not a message of ${map}` }
      let problem: PayloadProblem | undefined
      let passed = 0
      for (const [i, item] of items.entries()) {
        const tag = item.tags.find((t) => fields.has(t))
        if (tag === undefined) {
          passed++
          continue
        }
        const at = timeOf(item.time)
        if (at === 'bad') {
          problem ??= { reason: 'bad_time', detail: `no time as ${map} writes it`, item: i }
          continue
        }
        for (const { index, decode } of fields.get(tag)!) {
          // A bad value is often left out.
          const decoded = decode(item.value === undefined ? null : item.value)
          sink.add(index, at, item.quality === GOOD ? decoded : withQuality(decoded, item.quality))
        }
      }
      if (passed > 0) sink.pass(passed)
      return problem
    },
  }
}

/** OPC UA writes 64-bit integers as strings (OPC 10000-6 §5.4.2.3), often without their type beside them. */
function makeItemDecoder(signal: MqttSignal, map: MapName, texts?: TextNumbers): ReturnType<typeof makeDecoder> {
  const decode = makeDecoder(signal, texts)
  const is64 = signal.type === 'int64' || signal.type === 'uint64'
  if (!is64 || (map !== 'opcua-pubsub' && map !== 'opc-publisher')) return decode
  return (raw) => decode(wholeText(raw))
}

/** Digits as the whole number they are; anything else as it is. */
function wholeText(raw: unknown): unknown {
  return typeof raw === 'string' && /^-?\d{1,20}$/.test(raw) ? BigInt(raw) : raw
}

function timeOf(raw: unknown): UnixMs | undefined | 'bad' {
  if (raw === undefined || raw === null) return undefined
  return (typeof raw === 'string' ? readIso(raw) : readUnixMs(raw)) ?? 'bad'
}

/** The values in a message, or undefined for one that is not of this sender. */
const MAPS: Readonly<Record<MapName, (document: unknown, topic: string) => readonly Item[] | undefined>> = {
  kepserverex: kepware,
  'opcua-pubsub': (document) => pubSub(document),
  'opc-publisher': (document) => pubSub(document) ?? samples(document),
  umh: unifiedNamespace,
}

/** KEPServerEX IoT Gateway, standard template: `{timestamp, values: [{id, v, q, t}]}`, times in Unix ms. */
function kepware(document: unknown): readonly Item[] | undefined {
  if (!isObject(document) || !Array.isArray(document.values)) return undefined
  return document.values.map((item: unknown) =>
    isObject(item) && typeof item.id === 'string'
      ? {
          tags: [item.id],
          value: item.v,
          time: item.t ?? document.timestamp,
          quality: readQuality(typeof item.q === 'number' && item.q > 1 ? 'opc_da' : 'bool', item.q),
        }
      : NAMELESS,
  )
}

/**
 * OPC UA PubSub JSON (OPC 10000-14 §7.2.5): a network message with `Messages`, or its data set messages alone where the
 * headers are switched off. Fields are DataValues, variants or plain values; a tag is FIELD, or WRITER/FIELD where several
 * writers have a field of one name.
 */
function pubSub(document: unknown): readonly Item[] | undefined {
  const isNetwork = isObject(document) && 'Messages' in document
  // Metadata, status and keep-alive come on the topics of data as well, and hold none.
  if (isObject(document) && /^ua-(?!data$)/.test(String(document.MessageType)) && !isObject(document.Payload)) return []
  const messages = (isNetwork ? list(document.Messages) : list(document)).filter(isObject)
  const sets = messages.filter((m) => isObject(m.Payload))
  if (sets.length === 0) return messages.some((m) => m.MessageType === 'ua-keepalive') ? [] : undefined
  return sets.flatMap((set) => {
    const status = readQuality('opc_ua', set.Status)
    const writers = [set.DataSetWriterName, set.DataSetWriterId].filter(
      (w) => typeof w === 'string' || typeof w === 'number',
    )
    return Object.entries(set.Payload as Json).map(([field, value]) =>
      dataValue([...writers.map((writer) => `${writer}/${field}`), field], value, set.Timestamp, status),
    )
  })
}

/** OPC Publisher in samples mode: `{NodeId, DisplayName, Timestamp, Value: {Value, SourceTimestamp, StatusCode}}`, one or a list. */
function samples(document: unknown): readonly Item[] | undefined {
  const items = list(document).map((item) => {
    if (!isObject(item) || !('Value' in item)) return NAMELESS
    const tags = [item.NodeId, item.DisplayName].filter((tag) => typeof tag === 'string')
    return tags.length > 0 ? dataValue(tags, item.Value, item.Timestamp, GOOD) : NAMELESS
  })
  return items.every((item) => item === NAMELESS) ? undefined : items
}

function dataValue(tags: readonly string[], field: unknown, time: unknown, outer: number): Item {
  const isData =
    isObject(field) && ['Value', 'SourceTimestamp', 'StatusCode', 'ServerTimestamp'].some((k) => k in field)
  if (!isData) return { tags, value: variant(field), time, quality: outer }
  const own = readQuality('opc_ua', field.StatusCode ?? field.Status)
  return {
    tags,
    value: variant('UaType' in field ? field : field.Value),
    time: field.SourceTimestamp ?? field.ServerTimestamp ?? time,
    quality: own === GOOD ? outer : own,
  }
}

/**
 * A variant (OPC 10000-6 §5.4.2.17): `{Type, Body}` to 1.04, `{UaType, Value}` from 1.05, where a DataValue has both as
 * members of its own; 64-bit integers are strings.
 */
function variant(field: unknown): unknown {
  if (!isObject(field)) return field
  const type = field.Type ?? field.UaType
  const body = 'Body' in field ? field.Body : field.Value
  return type === 8 || type === 9 ? wholeText(body) : body
}

/**
 * United Manufacturing Hub: `umh/v1/LOCATION…/_CONTRACT[/FOLDER…]/TAG` with `{timestamp_ms, value}`, and the older
 * `{timestamp_ms, TAG: value, GROUP: {TAG: value}}`. A tag is what follows the contract: `motor/temperature`.
 */
function unifiedNamespace(document: unknown, topic: string): readonly Item[] | undefined {
  const levels = topic.split('/')
  const contract = levels.findIndex((level, i) => i >= 2 && level.startsWith('_'))
  if (!isObject(document) || contract < 0 || !('timestamp_ms' in document)) return undefined
  const below = levels.slice(contract + 1)
  const time = document.timestamp_ms
  const items: Item[] = []
  const add = (path: readonly string[], value: unknown): void => {
    if (isObject(value) && path.length < 20)
      for (const [key, inner] of Object.entries(value)) add([...path, key], inner)
    else items.push({ tags: [path.join('/')], value, time, quality: GOOD })
  }
  for (const [key, value] of Object.entries(document))
    if (key !== 'timestamp_ms') add(key === 'value' && below.length > 0 ? below : [...below, key], value)
  return items
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
