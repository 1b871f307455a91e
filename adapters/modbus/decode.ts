import { makeLinear, parseDecimal } from '../../core/decimal.ts'
import { qualityCode } from '../../core/quality.ts'
import type { Value, ValueType } from '../../core/signal.ts'
import { isBitTable, type Table } from './address.ts'
import { float32Decimal } from './float32.ts'
import type { ByteOrder } from './signal-schema.ts'

/** What it takes to decode a signal from a response. */
export interface Encoding {
  readonly table: Table
  readonly type: ValueType
  /** one bit of a register, 0 the least significant */
  readonly bit?: number | undefined
  /** registers it takes, or 1 for a coil or discrete input */
  readonly size: number
  readonly byte_order: ByteOrder
  readonly scale?: string | undefined
  readonly offset?: string | undefined
}

export interface Decoder {
  /**
   * The value at `at` registers (bits, for coils and discrete inputs) into the data of a response, or null where what
   * lies there is no value. @throws RangeError where the data is too short (a bug: the filter checks lengths).
   */
  decode(data: Buffer, at: number): Value | null
  /** quality of a null */
  readonly unusable: number
}

const NOT_A_NUMBER = qualityCode('bad', 'not_a_number')
const NOT_TEXT = qualityCode('bad', 'encoding')

/** Makes the decoder of one signal; it is kept, so everything that can be decided once is decided here. */
export function makeDecoder(encoding: Encoding): Decoder {
  const { type, bit } = encoding
  if (isBitTable(encoding.table)) {
    return { decode: (data, at) => (data.readUInt8(at >> 3) & (1 << (at & 7))) !== 0, unusable: NOT_A_NUMBER }
  }
  const word = wordReader(encoding.byte_order)
  if (bit !== undefined)
    return { decode: (data, at) => (word(data, at * 2) & (1 << bit)) !== 0, unusable: NOT_A_NUMBER }
  if (type === 'bool') return { decode: (data, at) => word(data, at * 2) !== 0, unusable: NOT_A_NUMBER }
  if (type === 'string') return { decode: textReader(encoding.size, encoding.byte_order), unusable: NOT_TEXT }

  const raw = numberReader(type, encoding.byte_order)
  if (encoding.scale === undefined && encoding.offset === undefined) {
    return {
      decode(data, at) {
        const value = raw(data, at * 2)
        return typeof value === 'bigint' || Number.isFinite(value) ? value : null
      },
      unusable: NOT_A_NUMBER,
    }
  }
  const linear = makeLinear(parseDecimal(encoding.scale ?? '1')!, parseDecimal(encoding.offset ?? '0')!)
  return {
    decode(data, at) {
      const value = linear(Number(raw(data, at * 2)))
      return Number.isFinite(value) ? value : null
    },
    unusable: NOT_A_NUMBER,
  }
}

/**
 * Writes the bytes of a value in big-endian order (`ABCD…`) as the order says, or back: each order is its own inverse.
 * CDAB reverses the words of a value, BADC the bytes of each word, DCBA both; `n` is even.
 */
export function reorder(from: Buffer, start: number, n: number, order: ByteOrder, to: Buffer): void {
  const words = order === 'CDAB' || order === 'DCBA'
  const bytes = order === 'BADC' || order === 'DCBA'
  for (let i = 0; i < n; i += 2) {
    const source = start + (words ? n - 2 - i : i)
    to[i] = from[bytes ? source + 1 : source]!
    to[i + 1] = from[bytes ? source : source + 1]!
  }
}

function wordReader(order: ByteOrder): (data: Buffer, byte: number) => number {
  return order === 'ABCD' || order === 'CDAB'
    ? (data, byte) => data.readUInt16BE(byte)
    : (data, byte) => data.readUInt16LE(byte)
}

type NumberType = Exclude<ValueType, 'bool' | 'string'>

function numberReader(type: NumberType, order: ByteOrder): (data: Buffer, byte: number) => number | bigint {
  const read = bigEndianReader(type)
  if (order === 'ABCD') return read
  const size = BYTES[type]
  const scratch = Buffer.alloc(size)
  return (data, byte) => {
    if (byte + size > data.length) throw new RangeError('response shorter than the signal')
    reorder(data, byte, size, order, scratch)
    return read(scratch, 0)
  }
}

const BYTES = { int16: 2, uint16: 2, int32: 4, uint32: 4, float32: 4, int64: 8, uint64: 8, float64: 8 } as const

function bigEndianReader(type: NumberType): (data: Buffer, byte: number) => number | bigint {
  switch (type) {
    case 'int16':
      return (data, byte) => data.readInt16BE(byte)
    case 'uint16':
      return (data, byte) => data.readUInt16BE(byte)
    case 'int32':
      return (data, byte) => data.readInt32BE(byte)
    case 'uint32':
      return (data, byte) => data.readUInt32BE(byte)
    case 'int64':
      return (data, byte) => exact(data.readBigInt64BE(byte))
    case 'uint64':
      return (data, byte) => exact(data.readBigUInt64BE(byte))
    case 'float32':
      return (data, byte) => float32Decimal(data.readFloatBE(byte))
    case 'float64':
      return (data, byte) => data.readDoubleBE(byte) + 0 // minus zero is zero
  }
}

function exact(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}

/** Text in UTF-8 (which ASCII is); only the order of the bytes in a word matters, devices never reverse whole texts. */
function textReader(size: number, order: ByteOrder): (data: Buffer, at: number) => string | null {
  const swap: ByteOrder = order === 'ABCD' || order === 'CDAB' ? 'ABCD' : 'BADC'
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const scratch = Buffer.alloc(size * 2)
  return (data, at) => {
    reorder(data, at * 2, size * 2, swap, scratch)
    let end = scratch.length
    while (end > 0 && (scratch[end - 1] === 0x00 || scratch[end - 1] === 0x20)) end--
    try {
      return decoder.decode(scratch.subarray(0, end))
    } catch {
      return null // not UTF-8: becomes a bad reading with reason `encoding`
    }
  }
}
