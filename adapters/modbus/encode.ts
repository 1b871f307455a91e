import type { Value, ValueType } from '../../core/signal.ts'
import { reorder } from './decode.ts'
import type { ByteOrder } from './signal-schema.ts'

/**
 * Registers as a device would hold the value: the inverse of decoding, for simulators and tests.
 * `length` is the number of registers of a string. @throws RangeError where the value does not fit the type.
 */
export function encodeRegisters(value: Value, type: ValueType, order: ByteOrder = 'ABCD', length = 1): number[] {
  const bytes = bigEndian(value, type, length)
  const ordered = Buffer.alloc(bytes.length)
  // Whole texts are never reversed, only the bytes in their words.
  const effective = type !== 'string' ? order : order === 'BADC' || order === 'DCBA' ? 'BADC' : 'ABCD'
  reorder(bytes, 0, bytes.length, effective, ordered)
  return Array.from({ length: ordered.length / 2 }, (_, i) => ordered.readUInt16BE(i * 2))
}

function bigEndian(value: Value, type: ValueType, length: number): Buffer {
  const bytes = Buffer.alloc(type === 'string' ? length * 2 : 8)
  switch (type) {
    case 'bool':
      return bytes.subarray(0, bytes.writeUInt16BE(value ? 1 : 0))
    case 'int16':
      return bytes.subarray(0, bytes.writeInt16BE(Number(value)))
    case 'uint16':
      return bytes.subarray(0, bytes.writeUInt16BE(Number(value)))
    case 'int32':
      return bytes.subarray(0, bytes.writeInt32BE(Number(value)))
    case 'uint32':
      return bytes.subarray(0, bytes.writeUInt32BE(Number(value)))
    case 'int64':
      return bytes.subarray(0, bytes.writeBigInt64BE(BigInt(value)))
    case 'uint64':
      return bytes.subarray(0, bytes.writeBigUInt64BE(BigInt(value)))
    case 'float32':
      return bytes.subarray(0, bytes.writeFloatBE(Number(value)))
    case 'float64':
      return bytes.subarray(0, bytes.writeDoubleBE(Number(value)))
    case 'string': {
      const text = Buffer.from(String(value), 'utf8')
      if (text.length > bytes.length) throw new RangeError(`text of ${text.length} bytes in ${length} registers`)
      text.copy(bytes)
      return bytes
    }
  }
}
