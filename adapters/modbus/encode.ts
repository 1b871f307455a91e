import type { Value } from '../../core/signal.ts'
import { effectiveOrder, reorder } from './decode.ts'
import { type Byte, type ByteOrder, registersOf, type SignalType, type TextEncoding } from './signal-type.ts'

/**
 * Registers as a device would hold the value: the inverse of decoding, for simulators and tests.
 * `length` is the number of registers of a string or mod10k; `more` the encoding of a text (not those of East Asia, which
 * the platform only reads) and the byte that int8 and uint8 take, the low one where absent.
 * @throws RangeError where the value does not fit the type.
 */
export function encodeRegisters(
  value: Value,
  type: SignalType,
  order: ByteOrder = 'ABCD',
  length?: number,
  more: { readonly encoding?: TextEncoding; readonly byte?: Byte } = {},
): number[] {
  const size = registersOf(type, length)
  const bytes = type === 'string' ? text(String(value), size, more.encoding) : bigEndian(value, type, size, more.byte)
  const ordered = Buffer.alloc(bytes.length)
  reorder(bytes, 0, bytes.length, effectiveOrder(type, size, order), ordered)
  return Array.from({ length: size }, (_, i) => ordered.readUInt16BE(i * 2))
}

function bigEndian(value: Value, type: Exclude<SignalType, 'string'>, size: number, byte: Byte = 'low'): Buffer {
  const bytes = Buffer.alloc(size * 2)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const half = byte === 'high' ? 0 : 1
  switch (type) {
    case 'bool':
      bytes.writeUInt16BE(value ? 1 : 0)
      break
    case 'int8':
      bytes.writeInt8(Number(value), half)
      break
    case 'uint8':
      bytes.writeUInt8(Number(value), half)
      break
    case 'int16':
      bytes.writeInt16BE(Number(value))
      break
    case 'uint16':
      bytes.writeUInt16BE(Number(value))
      break
    case 'int32':
      bytes.writeInt32BE(Number(value))
      break
    case 'uint32':
      bytes.writeUInt32BE(Number(value))
      break
    case 'int64':
      bytes.writeBigInt64BE(BigInt(value))
      break
    case 'uint64':
      bytes.writeBigUInt64BE(BigInt(value))
      break
    case 'float16':
      view.setFloat16(0, Number(value))
      break
    case 'float32':
      bytes.writeFloatBE(Number(value))
      break
    case 'float64':
      bytes.writeDoubleBE(Number(value))
      break
    case 'bcd16':
    case 'bcd32':
      bytes.write(digits(value, size * 4), 'hex')
      break
    case 'mod10k':
      digits(value, size * 4)
        .match(/.{4}/g)!
        .forEach((four, i) => void bytes.writeUInt16BE(Number(four), i * 2))
      break
    case 'unix32':
      bytes.writeUInt32BE(Number(value) / 1_000)
      break
    case 'unix64':
      bytes.writeBigInt64BE(BigInt(Number(value) / 1_000))
      break
    case 'unix64_ms':
      bytes.writeBigInt64BE(BigInt(value))
      break
  }
  return bytes
}

function digits(value: Value, count: number): string {
  const text = BigInt(value).toString().padStart(count, '0')
  if (text.length > count || !/^\d+$/.test(text)) throw new RangeError(`${value} in ${count} decimal digits`)
  return text
}

function text(value: string, registers: number, encoding: TextEncoding = 'utf-8'): Buffer {
  if (encoding === 'shift_jis' || encoding === 'euc-kr') throw new RangeError(`cannot write ${encoding}`)
  const written =
    encoding === 'utf-16'
      ? Buffer.from(value, 'utf16le').swap16()
      : Buffer.from(value, encoding === 'ascii' ? 'latin1' : 'utf8')
  if (written.length > registers * 2) throw new RangeError(`text of ${written.length} bytes in ${registers} registers`)
  return Buffer.concat([written], registers * 2)
}
