import { makeExactLinear, makeLinear, parseDecimal } from '../../core/decimal.ts'
import { GOOD, qualityCode } from '../../core/quality.ts'
import { float32Decimal } from '../../core/shortest-decimal.ts'
import type { Value, ValueType } from '../../core/signal.ts'
import type { MqttSignal } from './signal-schema.ts'

const TYPE = qualityCode('bad', 'type')
const NOT_A_NUMBER = qualityCode('bad', 'not_a_number')
const NO_LABEL = qualityCode('bad', 'label')
const REPORTED = qualityCode('bad', 'reported')

/** Lowest and highest value of the integer types. */
export const INTEGER_RANGES: Partial<Record<ValueType, readonly [bigint, bigint]>> = {
  int16: [-(2n ** 15n), 2n ** 15n - 1n],
  uint16: [0n, 2n ** 16n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
}

/** A decoded value with its quality code; `value` is null exactly where the quality is bad. */
export interface Decoded {
  readonly value: Value | null
  readonly quality: number
}

/** Whether text may stand for a number or a bool, and what its decimal mark is. */
export type TextNumbers = 'refuse' | 'point' | 'comma'

/**
 * Makes the decoder of one signal's raw values. null is a value that the sender itself marks as missing (`reported`), a
 * number too large for a double is `not_a_number`, one outside its type `type`; 0 and 1 are accepted as bool. Text is a
 * number or bool only where `texts` says so, and then empty text is missing too. Whole numbers are scaled exactly,
 * and one that none of the signal's labels names is `label`; a float32 gets its shortest decimal (0.1, not 0.10000000149011612).
 */
export function makeDecoder(
  signal: Pick<MqttSignal, 'type' | 'scale' | 'offset' | 'labels'>,
  texts: TextNumbers = 'refuse',
): (raw: unknown) => Decoded {
  const { type } = signal
  const range = INTEGER_RANGES[type]
  const isScaled = signal.scale !== undefined || signal.offset !== undefined
  const terms = [parseDecimal(signal.scale ?? '1')!, parseDecimal(signal.offset ?? '0')!] as const
  const linear = isScaled ? makeLinear(...terms) : undefined
  const exact = isScaled ? makeExactLinear(...terms) : undefined
  const known = signal.labels && new Set(Object.keys(signal.labels).map((key) => narrowed(BigInt(key))))
  const isWide = type === 'int64' || type === 'uint64'

  return (given) => {
    if (given === null) return bad(REPORTED)
    if (type === 'string') return typeof given === 'string' ? good(given) : bad(TYPE)
    const raw = texts !== 'refuse' && typeof given === 'string' ? fromText(given, type, texts) : given
    if (raw === null) return bad(REPORTED)
    if (type === 'bool') {
      if (typeof raw === 'boolean') return good(raw)
      return raw === 0 || raw === 1 ? good(raw === 1) : bad(TYPE)
    }
    if (typeof raw !== 'number' && typeof raw !== 'bigint') return bad(TYPE)
    if (typeof raw === 'number' && !Number.isFinite(raw)) return bad(NOT_A_NUMBER)
    if (range === undefined) {
      const number = type === 'float32' ? single(Number(raw)) : Number(raw)
      return number === undefined ? bad(TYPE) : finite(linear ? linear(number) : number)
    }
    if (typeof raw === 'number' && !Number.isInteger(raw)) return bad(TYPE)
    const whole = BigInt(raw)
    if (whole < range[0] || whole > range[1]) return bad(TYPE)
    const number = narrowed(whole)
    if (known && !known.has(number)) return bad(NO_LABEL)
    if (!exact) return good(number)
    const value = exact(number)
    return typeof value === 'bigint' && isWide ? good(value) : finite(Number(value))
  }
}

/** A number where it holds the whole one exactly. */
function narrowed(whole: bigint): number | bigint {
  const near = Number(whole)
  return Number.isSafeInteger(near) ? near : whole
}

/** What a float32 means by this number, or undefined where it is too large for one. */
function single(number: number): number | undefined {
  const nearest = Math.fround(number)
  if (nearest === number) return float32Decimal(number)
  return Number.isFinite(nearest) || !Number.isFinite(number) ? number : undefined
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i
const WORDS: Readonly<Record<string, boolean>> = { true: true, false: false, on: true, off: false }

/** What text says: a number, a bool, NaN, null for nothing at all, or the text itself where it is neither. */
function fromText(text: string, type: ValueType, texts: TextNumbers): unknown {
  const bare = text.trim()
  if (bare === '') return null
  if (type === 'bool') {
    const word = bare.toLowerCase()
    return Object.hasOwn(WORDS, word) ? WORDS[word] : bare === '1' ? 1 : bare === '0' ? 0 : text
  }
  if (/^[+-]?(nan|inf(inity)?)$/i.test(bare)) return Number.NaN
  const point = texts === 'comma' ? (bare.includes('.') ? 'x' : bare.replace(',', '.')) : bare
  if (!NUMBER.test(point)) return text
  const number = Number(point)
  return /^[+-]?\d{16,25}$/.test(point) && !Number.isSafeInteger(number) ? BigInt(point.replace('+', '')) : number
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
