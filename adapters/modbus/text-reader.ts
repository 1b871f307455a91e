import { qualityCode } from '../../core/quality.ts'
import { decodeCp949 } from './cp949.ts'
import type { Unusable } from './number-reader.ts'
import type { Byte, TextEncoding } from './signal-type.ts'

export const NOT_TEXT: Unusable = { quality: qualityCode('bad', 'encoding') }

/**
 * Reader of a text in `registers` registers, first character first. It ends before the first NUL, as devices leave old
 * characters behind it, and without the spaces that fill it up. With `byte` each register holds one byte of it.
 */
export function textReader(
  registers: number,
  encoding: TextEncoding = 'utf-8',
  byte?: Byte,
): (bytes: Buffer, at: number) => string | Unusable {
  const decode = textDecoder(encoding)
  const end = encoding === 'utf-16' ? endOfUnits : endOfBytes
  if (byte === undefined)
    return (bytes, at) => {
      const text = bytes.subarray(at, at + registers * 2)
      if (text.length < registers * 2) throw new RangeError('response shorter than the signal')
      return decode(text.subarray(0, end(text)))
    }
  const half = byte === 'high' ? 0 : 1
  const text = Buffer.alloc(registers)
  return (bytes, at) => {
    for (let i = 0; i < registers; i++) text[i] = bytes.readUInt8(at + 2 * i + half)
    return decode(text.subarray(0, end(text)))
  }
}

function textDecoder(encoding: TextEncoding): (text: Buffer) => string | Unusable {
  // The platform's "ascii" is a code page that takes every byte.
  if (encoding === 'ascii') return (text) => (text.every((b) => b < 0x80) ? text.toString('latin1') : NOT_TEXT)
  if (encoding === 'euc-kr') return (text) => decodeCp949(text) ?? NOT_TEXT
  const decoder = new TextDecoder(encoding === 'utf-16' ? 'utf-16be' : encoding, { fatal: true, ignoreBOM: true })
  return (text) => {
    try {
      return decoder.decode(text)
    } catch {
      return NOT_TEXT // not valid in the encoding: becomes a bad reading with that reason
    }
  }
}

/** NUL and space are no part of a longer character in any of the encodings of bytes. */
function endOfBytes(text: Buffer): number {
  const nul = text.indexOf(0)
  let end = nul < 0 ? text.length : nul
  while (end > 0 && text[end - 1] === 0x20) end--
  return end
}

function endOfUnits(text: Buffer): number {
  let end = 0
  while (end < text.length && text.readUInt16BE(end) !== 0) end += 2
  while (end > 0 && text.readUInt16BE(end - 2) === 0x20) end -= 2
  return end
}
