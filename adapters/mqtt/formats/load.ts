import type { MqttSourceConfig } from '../schema.ts'
import type { MqttSubscription } from '../subscription-schema.ts'
import { makeDocumentReader } from './document.ts'
import { type Message, once, type Parsed, type PayloadReader } from './format.ts'
import { parseJson } from './json.ts'

/** Makes the readers of a source's subscriptions, in their order. A format is loaded only where it is configured. */
export async function loadReaders(config: MqttSourceConfig): Promise<readonly PayloadReader[]> {
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

  return Promise.all(config.subscriptions.map(readerOf))
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
