import { isUtf8 } from 'node:buffer'
import { guessEncoding } from './bytes.ts'

/** Encodings in which tables are read, as `--encoding` takes them. */
export const TABLE_ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'shift_jis', 'euc-kr', 'windows-1252'] as const
export type TableEncoding = (typeof TABLE_ENCODINGS)[number]

/**
 * Text of a table as spreadsheets save it, and in what encoding it was. A byte order mark is dropped. Where nothing says
 * the encoding it is guessed, which can go wrong with a few characters: show it.
 */
export function decodeTable(
  bytes: Uint8Array,
  told?: TableEncoding,
): { readonly text: string; readonly encoding: TableEncoding } | { readonly message: string; readonly hint: string } {
  const encoding = told ?? encodingOf(bytes)
  if (encoding === undefined)
    return { message: 'the encoding is not known', hint: `name it: --encoding ${TABLE_ENCODINGS.join(' | ')}` }
  try {
    return { text: new TextDecoder(encoding, { fatal: true }).decode(bytes), encoding }
  } catch {
    return { message: `the file is not ${encoding}`, hint: `try --encoding ${TABLE_ENCODINGS.join(' | ')}` }
  }
}

function encodingOf(bytes: Uint8Array): TableEncoding | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  if (isUtf8(bytes) && !bytes.includes(0)) return 'utf-8'
  if (bytes.includes(0)) return bytes[0] === 0 ? 'utf-16be' : 'utf-16le'
  if (isWestern(bytes)) return 'windows-1252'
  const guess = guessEncoding(bytes)
  return guess?.label
}

/** The bytes of `°`, `²`, `µ`, `ä` and the like between plain letters, as no Korean or Japanese text has them. */
function isWestern(bytes: Uint8Array): boolean {
  const western = (byte: number): boolean =>
    byte >= 0xe0 || [0xb0, 0xb2, 0xb3, 0xb5, 0xb7, 0xc4, 0xd6, 0xd7, 0xd8, 0xdc, 0xdf].includes(byte)
  return bytes.every(
    (byte, i) => byte < 0x80 || (western(byte) && (bytes[i - 1] ?? 0) < 0x80 && (bytes[i + 1] ?? 0) < 0x80),
  )
}
