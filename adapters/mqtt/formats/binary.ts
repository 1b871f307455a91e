import { qualityCode } from '../../../core/quality.ts'
import { float32Decimal } from '../../../core/shortest-decimal.ts'
import { makeDecoder } from '../payload.ts'
import type { BinaryPlace } from '../signal-schema.ts'
import type { MqttSubscription } from '../subscription-schema.ts'
import { makeTimeReader } from '../time.ts'
import type { PayloadReader } from './format.ts'

const ENCODING = qualityCode('bad', 'encoding')

/** Bytes of what stands in a binary payload. */
const SIZES = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  uint64: 8,
  int64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
} as const

/** What a place may hold that no type takes. */
const NOT_TEXT = Symbol('not text in the stated encoding')

/** Reads values at fixed offsets; a place behind the end of a message has no reading. */
export function makeBinaryReader(subscription: MqttSubscription): PayloadReader {
  const decoder = new TextDecoder(subscription.encoding ?? 'utf-8', { fatal: true })
  const { time } = subscription
  const readTime = time && makeTimeReader(time.format, time.zone)
  const fields = Object.values(subscription.signals).map((signal) => ({
    place: signal.binary!,
    decode: makeDecoder(signal),
  }))

  function valueAt(view: DataView, place: BinaryPlace): unknown {
    if (place.as !== 'string') return numberAt(view, place)
    const length = place.length!
    if (place.byte + length > view.byteLength) return undefined
    const bytes = new Uint8Array(view.buffer, view.byteOffset + place.byte, length)
    const wide = subscription.encoding?.startsWith('utf-16')
    const end = wide ? endOfWide(bytes) : bytes.indexOf(0)
    try {
      return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end))
    } catch {
      return NOT_TEXT
    }
  }

  return {
    read({ payload }, sink) {
      const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
      const at = time && readTime!(valueAt(view, time.binary!))
      if (time && at === undefined)
        return { reason: 'bad_time', detail: `no time that is ${time.format}`, byte: time.binary!.byte }
      let found = 0
      for (const [index, { place, decode }] of fields.entries()) {
        const raw = valueAt(view, place)
        if (raw === undefined) continue
        sink.add(index, at, raw === NOT_TEXT ? { value: null, quality: ENCODING } : decode(raw))
        found++
      }
      return found === 0
        ? { reason: 'no_signal', detail: 'shorter than every offset', byte: payload.byteLength }
        : undefined
    },
  }
}

/** The number or bit at a place, or undefined where the payload ends before it. */
function numberAt(view: DataView, { byte, as, order, bit }: BinaryPlace): number | bigint | undefined {
  if (as === 'string' || byte + SIZES[as] > view.byteLength) return undefined
  const little = order === 'little'
  const raw = readNumber(view, byte, as, little)
  return bit === undefined ? raw : Number((BigInt(raw) >> BigInt(bit)) & 1n)
}

function readNumber(view: DataView, byte: number, as: keyof typeof SIZES, little: boolean): number | bigint {
  switch (as) {
    case 'uint8':
      return view.getUint8(byte)
    case 'int8':
      return view.getInt8(byte)
    case 'uint16':
      return view.getUint16(byte, little)
    case 'int16':
      return view.getInt16(byte, little)
    case 'uint32':
      return view.getUint32(byte, little)
    case 'int32':
      return view.getInt32(byte, little)
    case 'uint64':
      return view.getBigUint64(byte, little)
    case 'int64':
      return view.getBigInt64(byte, little)
    case 'float16':
      return view.getFloat16(byte, little)
    case 'float32':
      return float32Decimal(view.getFloat32(byte, little))
    case 'float64':
      return view.getFloat64(byte, little)
  }
}

function endOfWide(bytes: Uint8Array): number {
  for (let i = 0; i + 1 < bytes.length; i += 2) if (bytes[i] === 0 && bytes[i + 1] === 0) return i
  return -1
}
