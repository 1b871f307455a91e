import { makeLinear, parseDecimal } from '../../core/decimal.ts'
import { GOOD, qualityCode } from '../../core/quality.ts'
import type { Value, ValueType } from '../../core/signal.ts'
import type { MqttSignal } from './subscription-schema.ts'

const TYPE = qualityCode('bad', 'type')
const NOT_A_NUMBER = qualityCode('bad', 'not_a_number')
const REPORTED = qualityCode('bad', 'reported')

const RANGES: Partial<Record<ValueType, readonly [bigint, bigint]>> = {
  int16: [-(2n ** 15n), 2n ** 15n - 1n],
  uint16: [0n, 2n ** 16n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
}

/**
 * The JSON document (RFC 8259) in a payload, or undefined where it is none.
 * @param exact keeps whole numbers beyond 2^53 as bigint
 */
export function readJson(payload: Uint8Array, exact: boolean): { readonly document: unknown } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(payload)
    // A reviver makes parsing several times slower, so it is used only where a number is long enough to need it.
    return { document: exact && /\d{16}/.test(text) ? JSON.parse(text, keepExact) : JSON.parse(text) }
  } catch {
    return undefined // not UTF-8, or not JSON; which of the two helps nobody
  }
}

function keepExact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source
  return typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
    ? BigInt(source)
    : value
}

/** A decoded value with its quality code; `value` is null exactly where the quality is bad. */
export interface Decoded {
  readonly value: Value | null
  readonly quality: number
}

/**
 * Makes the decoder of one signal's JSON values. A number as text is not a number (`type`), null is a value that the
 * sender itself marks as missing (`reported`), a number too large for a double is `not_a_number`; 0 and 1 are accepted as bool.
 */
export function makeDecoder(signal: Pick<MqttSignal, 'type' | 'scale' | 'offset'>): (raw: unknown) => Decoded {
  const { type } = signal
  const range = RANGES[type]
  const linear =
    signal.scale === undefined && signal.offset === undefined
      ? undefined
      : makeLinear(parseDecimal(signal.scale ?? '1')!, parseDecimal(signal.offset ?? '0')!)

  return (raw) => {
    if (raw === null) return bad(REPORTED)
    if (type === 'string') return typeof raw === 'string' ? good(raw) : bad(TYPE)
    if (type === 'bool') {
      if (typeof raw === 'boolean') return good(raw)
      return raw === 0 || raw === 1 ? good(raw === 1) : bad(TYPE)
    }
    if (typeof raw !== 'number' && typeof raw !== 'bigint') return bad(TYPE)
    if (typeof raw === 'number' && !Number.isFinite(raw)) return bad(NOT_A_NUMBER)
    if (range === undefined) return finite(linear ? linear(Number(raw)) : Number(raw))
    if (typeof raw === 'number' && !Number.isInteger(raw)) return bad(TYPE)
    const whole = BigInt(raw)
    if (whole < range[0] || whole > range[1]) return bad(TYPE)
    if (linear) return finite(linear(Number(raw)))
    return good(Number.isSafeInteger(Number(whole)) ? Number(whole) : whole)
  }
}

function good(value: Value): Decoded {
  return { value, quality: GOOD }
}

function bad(quality: number): Decoded {
  return { value: null, quality }
}

function finite(value: number): Decoded {
  return Number.isFinite(value) ? good(value) : bad(NOT_A_NUMBER)
}
