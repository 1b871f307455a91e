import { GOOD, qualityCode } from '../../../core/quality.ts'
import { makeDecoder } from '../payload.ts'
import type { MqttSubscription } from '../subscription-schema.ts'
import { withQuality } from './document.ts'
import type { PayloadReader } from './format.ts'

const OFFLINE = qualityCode('bad', 'offline')

/** Reads what a message says about one node or device, by the names of metrics. A death is a bad value of each signal. */
export function makeSparkplugReader(subscription: MqttSubscription): PayloadReader {
  const fields = new Map<string, { readonly index: number; readonly decode: ReturnType<typeof makeDecoder> }[]>()
  const signals = Object.values(subscription.signals)
  for (const [index, signal] of signals.entries())
    fields.set(signal.metric!, [...(fields.get(signal.metric!) ?? []), { index, decode: makeDecoder(signal) }])
  return {
    read({ part }, sink) {
      if (!part) return { reason: 'malformed', detail: 'not a message of a Sparkplug node' }
      if (part.isDeath) {
        for (const index of signals.keys()) sink.add(index, part.at, { value: null, quality: OFFLINE })
        return undefined
      }
      let found = 0
      for (const { name, value, at, quality, isHistorical } of part.values) {
        const named = fields.get(name) ?? []
        for (const { index, decode } of named) {
          const decoded = decode(value)
          sink.add(
            index,
            at,
            quality === GOOD || decoded.quality !== GOOD ? decoded : withQuality(decoded, quality),
            isHistorical,
          )
        }
        found += named.length > 0 ? 1 : 0
      }
      if (part.values.length > found) sink.pass(part.values.length - found)
      if (part.badTimes > 0) return { reason: 'bad_time', detail: 'a metric whose time is not Unix milliseconds' }
      if (part.unborn > 0 && found === 0)
        return { reason: 'no_signal', detail: 'no birth has said yet what these metrics are' }
      return undefined
    },
  }
}
