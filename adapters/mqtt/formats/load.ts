import type { MqttSourceConfig } from '../schema.ts'
import type { MqttSubscription } from '../subscription-schema.ts'
import { makeDocumentReader } from './document.ts'
import { type Message, once, type Parsed, type PayloadReader } from './format.ts'
import { parseJson } from './json.ts'
import type { makeSparkplugNodes } from './sparkplug-nodes.ts'

/** What it takes to follow Sparkplug nodes. */
export interface SparkplugFormat {
  readonly makeNodes: typeof makeSparkplugNodes
  encodeRebirth(at: number): Uint8Array
}

/** What a source needs to read its messages. */
export interface Formats {
  /** of the subscriptions, in their order */
  readonly readers: readonly PayloadReader[]
  readonly sparkplug?: SparkplugFormat
}

/** Makes the readers of a source's subscriptions. A format and its library are loaded only where it is configured. */
export async function loadFormats(config: MqttSourceConfig): Promise<Formats> {
  const isExact = config.subscriptions.some(needsExact)
  const json = once((payload) => parseJson(payload, isExact))
  const parsers = {
    json: async () => json,
    cbor: memo(async () => once((await import('./cbor.ts')).parseCbor)),
    msgpack: memo(async () => once((await import('./msgpack.ts')).parseMessagePack)),
  }

  async function readerOf(s: MqttSubscription): Promise<PayloadReader> {
    if (s.map !== undefined) return (await import('./maps.ts')).makeMapReader(s, s.map, json)
    switch (s.payload) {
      case 'json':
      case 'cbor':
      case 'msgpack':
        return makeDocumentReader(s, await parsers[s.payload]())
      case 'text':
        return (await import('./text.ts')).makeTextReader(s)
      case 'csv':
        return (await import('./csv.ts')).makeCsvReader(s)
      case 'binary':
        return (await import('./binary.ts')).makeBinaryReader(s)
      case 'sparkplug_b':
        return (await import('./sparkplug.ts')).makeSparkplugReader(s)
    }
  }

  const readers = await Promise.all(config.subscriptions.map(readerOf))
  if (config.subscriptions.every((s) => s.payload !== 'sparkplug_b')) return { readers }
  const { makeSparkplugNodes } = await import('./sparkplug-nodes.ts')
  const { encodeRebirth } = await import('./sparkplug-payload.ts')
  return { readers, sparkplug: { makeNodes: makeSparkplugNodes, encodeRebirth } }
}

type Parse = (message: Message) => Parsed<unknown>

function memo(load: () => Promise<Parse>): () => Promise<Parse> {
  let loaded: Promise<Parse> | undefined
  return () => (loaded ??= load())
}

/** Whole numbers beyond 2^53 must stay exact: 64-bit integers, and ticks of 100 ns. */
function needsExact(s: MqttSubscription): boolean {
  return (
    s.time?.format === 'dotnet_ticks' ||
    s.time?.format === 'filetime' ||
    Object.values(s.signals).some(({ type }) => type === 'int64' || type === 'uint64')
  )
}
