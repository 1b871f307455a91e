import { isUtf8 } from 'node:buffer'

/** What is wrong with the bytes of a file: 1-based place, and the line as far as it can be shown. */
export interface ByteProblem {
  readonly line: number
  readonly column: number
  readonly message: string
  readonly hint: string
  readonly source: string | null
}

/**
 * Text of a configuration file. A UTF-8 byte order mark is dropped. Bytes that are not UTF-8 are named for what they
 * probably are, since editors in Korea and Japan still write CP949 and Shift_JIS.
 */
export function decodeText(
  bytes: Uint8Array,
  file: string,
): { readonly text: string } | { readonly problem: ByteProblem } {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  if (utf16)
    return { problem: wholeFile('the file is UTF-16, not UTF-8', `save it as UTF-8: ${iconv('UTF-16', file)}`) }
  if (!isUtf8(bytes)) return { problem: badByte(bytes, file) }
  if (bytes.includes(0))
    return { problem: wholeFile('the file holds NUL bytes: it is not text', 'save it as UTF-8 text') }
  return { text: new TextDecoder('utf-8').decode(bytes) }
}

function wholeFile(message: string, hint: string): ByteProblem {
  return { line: 1, column: 1, message, hint, source: null }
}

function iconv(encoding: string, file: string): string {
  return `iconv -f ${encoding} -t UTF-8 ${file} > ${file}.utf8`
}

function badByte(bytes: Uint8Array, file: string): ByteProblem {
  // A line feed is never part of a longer character, neither in UTF-8 nor in CP949 nor in Shift_JIS.
  const lines = splitLines(bytes)
  const at = lines.findIndex((line) => !isUtf8(line))
  const bad = lines[at]!
  const good = longestPrefix(bad)
  const guess = guessEncoding(bytes)
  const hex = bad[good.bytes]!.toString(16).padStart(2, '0').toUpperCase()
  return {
    line: at + 1,
    column: [...good.text].length + 1,
    message: `byte 0x${hex} is not UTF-8${guess ? `; the file looks like ${guess.name}` : ''}`,
    hint: `save it as UTF-8${guess ? `: ${iconv(guess.name, file)}` : ' in the editor'}`,
    source: guess ? new TextDecoder(guess.label).decode(bad).replace(/\r$/, '') : null,
  }
}

function splitLines(bytes: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = []
  let start = 0
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, end))
    start = end + 1
  }
  return [...lines, bytes.subarray(start)]
}

/** The longest beginning that is whole UTF-8 characters. */
function longestPrefix(line: Uint8Array): { readonly bytes: number; readonly text: string } {
  let bytes = 0
  for (let end = 1; end <= line.length; end++) if (isUtf8(line.subarray(0, end))) bytes = end
  return { bytes, text: new TextDecoder('utf-8', { ignoreBOM: false }).decode(line.subarray(0, bytes)) }
}

/** Shift_JIS reads nearly all of CP949 as half-width katakana, which hardly anybody writes; so these decide. */
export function guessEncoding(
  bytes: Uint8Array,
): { readonly name: string; readonly label: 'shift_jis' | 'euc-kr' } | undefined {
  const korean = tryDecode(bytes, 'euc-kr')
  const japanese = tryDecode(bytes, 'shift_jis')
  const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0
  const hangul = korean === undefined ? -Infinity : count(korean, /[\uac00-\ud7a3]/g)
  const kana =
    japanese === undefined
      ? -Infinity
      : count(japanese, /[\u3040-\u30ff\u4e00-\u9fff]/g) - count(japanese, /[\uff61-\uff9f]/g)
  if (Math.max(hangul, kana) <= 0) return undefined
  return kana >= hangul ? { name: 'SHIFT_JIS', label: 'shift_jis' } : { name: 'CP949', label: 'euc-kr' }
}

function tryDecode(bytes: Uint8Array, label: string): string | undefined {
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes)
  } catch {
    return undefined // not this encoding, which is the question asked
  }
}
