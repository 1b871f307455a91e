import { GOOD, qualityCode } from '../../../core/quality.ts'
import type { MqttSubscription } from '../subscription-schema.ts'

export const REPORTED_BAD = qualityCode('bad', 'reported')
export const REPORTED_UNCERTAIN = qualityCode('uncertain', 'reported')

/** How a payload says the quality of a value. */
export type QualityFormat = NonNullable<MqttSubscription['quality']>['format']

/**
 * The quality code for what a sender wrote: absent is good, as OPC UA leaves out a good StatusCode (Part 6 §5.4.2.12);
 * what cannot be understood is uncertain.
 */
export function readQuality(format: QualityFormat, raw: unknown): number {
  if (raw === undefined || raw === null) return GOOD
  switch (format) {
    case 'bool':
      return raw === true || raw === 1 ? GOOD : raw === false || raw === 0 ? REPORTED_BAD : REPORTED_UNCERTAIN
    case 'opc_da':
      return typeof raw === 'number' ? ofTopBits((raw >> 6) & 3, 3) : readQuality('text', raw)
    case 'opc_ua': {
      if (typeof raw === 'number') return ofTopBits((raw >>> 30) & 3, 0)
      if (typeof raw !== 'object') return readQuality('text', raw)
      const { Code, Symbol: symbol } = raw as { readonly Code?: unknown; readonly Symbol?: unknown }
      return typeof Code === 'number' ? ofTopBits((Code >>> 30) & 3, 0) : readQuality('text', symbol)
    }
    case 'text': {
      const word = typeof raw === 'string' ? /^(good|uncertain|bad)/i.exec(raw)?.[1]?.toLowerCase() : undefined
      return word === 'good' ? GOOD : word === 'bad' ? REPORTED_BAD : REPORTED_UNCERTAIN
    }
  }
}

/** 01 is uncertain in both; OPC DA has good as 11 and bad as 00, OPC UA good as 00 and bad as 10. */
function ofTopBits(bits: number, good: number): number {
  return bits === good ? GOOD : bits === 1 ? REPORTED_UNCERTAIN : REPORTED_BAD
}
