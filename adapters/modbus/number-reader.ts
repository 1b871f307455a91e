import { qualityCode } from '../../core/quality.ts'
import { float16Decimal, float32Decimal } from '../../core/shortest-decimal.ts'
import { type Byte, rawBits, type SignalType } from './signal-type.ts'

/** What lies there is no value: the quality of the reading that says so. */
export interface Unusable {
  readonly quality: number
}

export const NOT_A_NUMBER: Unusable = { quality: qualityCode('bad', 'not_a_number') }
export const BAD_DIGITS: Unusable = { quality: qualityCode('bad', 'digits') }
export const BAD_TIME: Unusable = { quality: qualityCode('bad', 'time') }

/** Reads from bytes in big-endian order (`ABCD…`). @throws RangeError where they are too few */
export type NumberReader = (bytes: Buffer, at: number) => number | bigint | Unusable

export type NumberType = Exclude<SignalType, 'bool' | 'string'>

/** Milliseconds of the last moment of the year 9999. */
const LAST_TIME = 253_402_300_799_999

/** Reader of a numeric type; `registers` is what it takes. A bigint is a whole number outside ±2^53. */
export function numberReader(type: NumberType, registers: number, byte: Byte = 'low'): NumberReader {
  const half = byte === 'high' ? 0 : 1
  switch (type) {
    case 'int8':
      return (bytes, at) => bytes.readInt8(at + half)
    case 'uint8':
      return (bytes, at) => bytes.readUInt8(at + half)
    case 'int16':
      return (bytes, at) => bytes.readInt16BE(at)
    case 'uint16':
      return (bytes, at) => bytes.readUInt16BE(at)
    case 'int32':
      return (bytes, at) => bytes.readInt32BE(at)
    case 'uint32':
      return (bytes, at) => bytes.readUInt32BE(at)
    case 'int64':
      return (bytes, at) => narrowed(bytes.readBigInt64BE(at))
    case 'uint64':
      return (bytes, at) => narrowed(bytes.readBigUInt64BE(at))
    case 'float16':
      return float16Reader()
    case 'float32':
      return (bytes, at) => finite(float32Decimal(bytes.readFloatBE(at)))
    case 'float64':
      return (bytes, at) => finite(bytes.readDoubleBE(at) + 0) // minus zero is zero
    case 'bcd16':
      return (bytes, at) => bcd(bytes.readUInt16BE(at))
    case 'bcd32':
      return bcd32
    case 'mod10k':
      return (bytes, at) => mod10k(bytes, at, registers)
    case 'unix32':
      return (bytes, at) => bytes.readUInt32BE(at) * 1_000
    case 'unix64':
      return (bytes, at) => time(Number(bytes.readBigInt64BE(at)) * 1_000)
    case 'unix64_ms':
      return (bytes, at) => time(Number(bytes.readBigInt64BE(at)))
  }
}

/** Reader of the raw value as an unsigned number, a bigint from 64 bits on: what sentinels are compared with. */
export function rawReader(
  type: NumberType | 'bool',
  registers: number,
  byte: Byte = 'low',
): (bytes: Buffer, at: number) => number | bigint {
  const bits = rawBits(type, registers)
  if (bits === 8) return (bytes, at) => bytes.readUInt8(byte === 'high' ? at : at + 1)
  if (bits === 64) return (bytes, at) => bytes.readBigUInt64BE(at)
  return (bytes, at) => bytes.readUIntBE(at, bits / 8)
}

/** A number where a double holds it exactly, else the bigint. */
export function narrowed(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}

function finite(value: number): number | Unusable {
  return Number.isFinite(value) ? value : NOT_A_NUMBER
}

function time(ms: number): number | Unusable {
  return ms >= 0 && ms <= LAST_TIME ? ms : BAD_TIME
}

/** `Buffer` has no reader of half precision, `DataView` has. */
function float16Reader(): NumberReader {
  const scratch = new DataView(new ArrayBuffer(2))
  return (bytes, at) => {
    scratch.setUint16(0, bytes.readUInt16BE(at))
    return finite(float16Decimal(scratch.getFloat16(0)))
  }
}

/** Four decimal digits, one a nibble. */
function bcd(word: number): number | Unusable {
  const [a, b, c, d] = [word >> 12, (word >> 8) & 15, (word >> 4) & 15, word & 15] as const
  return a > 9 || b > 9 || c > 9 || d > 9 ? BAD_DIGITS : a * 1_000 + b * 100 + c * 10 + d
}

function bcd32(bytes: Buffer, at: number): number | Unusable {
  const high = bcd(bytes.readUInt16BE(at))
  const low = bcd(bytes.readUInt16BE(at + 2))
  return typeof high === 'number' && typeof low === 'number' ? high * 10_000 + low : BAD_DIGITS
}

/** Registers of 0 to 9999 each, four decimal digits a register. */
function mod10k(bytes: Buffer, at: number, registers: number): number | bigint | Unusable {
  let value = 0
  for (let i = 0; i < registers - 1; i++) {
    const digits = bytes.readUInt16BE(at + 2 * i)
    if (digits > 9_999) return BAD_DIGITS
    value = value * 10_000 + digits
  }
  const last = bytes.readUInt16BE(at + 2 * (registers - 1))
  if (last > 9_999) return BAD_DIGITS
  const whole = value * 10_000 + last
  return Number.isSafeInteger(whole) ? whole : narrowed(BigInt(value) * 10_000n + BigInt(last))
}
