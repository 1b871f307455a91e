import { makeDecoder } from '../payload.ts'
import type { MqttSubscription } from '../subscription-schema.ts'
import type { Message, Parsed, PayloadReader } from './format.ts'
import { firstNotUtf8 } from './utf8.ts'

/** The text of a payload in the subscription's encoding. */
export function makeTextParser(subscription: MqttSubscription): (payload: Uint8Array) => Parsed<string> {
  const encoding = subscription.encoding ?? 'utf-8'
  const decoder = new TextDecoder(encoding, { fatal: true })
  return (payload) => {
    try {
      return { document: decoder.decode(payload) }
    } catch {
      return {
        reason: 'malformed',
        detail: `not ${encoding}`,
        ...(encoding === 'utf-8' && { byte: firstNotUtf8(payload) }),
      }
    }
  }
}

/** Reads a payload that is one plain value, such as `21.5`, `ON` or `running`. */
export function makeTextReader(subscription: MqttSubscription): PayloadReader {
  const parse = makeTextParser(subscription)
  const [signal] = Object.values(subscription.signals)
  const decode = makeDecoder(signal!, subscription.text_numbers ?? 'point')
  return {
    read(message: Message, sink) {
      const parsed = parse(message.payload)
      if ('reason' in parsed) return parsed
      // An empty payload is how a retained message is deleted (MQTT 5.0 §3.3.1.3).
      if (parsed.document === '') return { reason: 'malformed', detail: 'empty' }
      sink.add(0, undefined, decode(parsed.document))
      return undefined
    },
  }
}
