import { makeExactLinear, makeLinear, parseDecimal } from '../../core/decimal.ts'
import { qualityCode } from '../../core/quality.ts'
import type { Value } from '../../core/signal.ts'
import { isBitTable, type Table } from './address.ts'
import { NOT_A_NUMBER, type NumberReader, narrowed, numberReader, rawReader, type Unusable } from './number-reader.ts'
import { type Byte, type ByteOrder, type SignalType, type TextEncoding, valueTypeOf } from './signal-type.ts'
import { textReader } from './text-reader.ts'

/** What it takes to decode a signal from a response. */
export interface Encoding {
  readonly table: Table
  /** of the registers: a bit or bits of two registers have type uint32 */
  readonly type: SignalType
  /** one bit of the registers as a bool, 0 the least significant */
  readonly bit?: number | undefined
  /** first and last bit of a number within the registers */
  readonly bits?: readonly [number, number] | undefined
  /** the one byte of each register that counts, after byte order */
  readonly byte?: Byte | undefined
  /** of a text; utf-8 where absent */
  readonly encoding?: TextEncoding | undefined
  /** registers it takes, or 1 for a coil or discrete input */
  readonly size: number
  readonly byte_order: ByteOrder
  readonly scale?: string | undefined
  readonly offset?: string | undefined
  /** raw values that mean "no value", as unsigned whole numbers */
  readonly invalid?: readonly string[] | undefined
  /** names by whole number; any other number is unusable */
  readonly labels?: Readonly<Record<string, string>> | undefined
}

export interface Decoder {
  /**
   * What lies at `at` registers (bits, for coils and discrete inputs) into the data of a response.
   * @throws RangeError where the data is too short (a bug: the filter checks lengths)
   */
  decode(data: Buffer, at: number): Value | Unusable
}

/** Whether what was decoded is no value. */
export function isUnusable(decoded: Value | Unusable): decoded is Unusable {
  return typeof decoded === 'object'
}

const SENTINEL: Unusable = { quality: qualityCode('bad', 'sentinel') }
const NO_LABEL: Unusable = { quality: qualityCode('bad', 'label') }

/** Reads from bytes that are in big-endian order. */
type Read = (bytes: Buffer, at: number) => Value | Unusable

/** Makes the decoder of one signal; it is kept, so everything that can be decided once is decided here. */
export function makeDecoder(encoding: Encoding): Decoder {
  if (isBitTable(encoding.table)) return { decode: (data, at) => (data.readUInt8(at >> 3) & (1 << (at & 7))) !== 0 }
  return { decode: inOrder(encoding, unlessInvalid(encoding, interpreted(encoding))) }
}

/** The decoder of each signal; those that are encoded alike share one, as thousands of a device may. */
export function makeDecoders<S extends Encoding>(signals: readonly S[]): ReadonlyMap<S, Decoder> {
  const known = new Map<string, Decoder>()
  return new Map(
    signals.map((signal) => {
      const key = keyOf(signal)
      const decoder = known.get(key) ?? makeDecoder(signal)
      known.set(key, decoder)
      return [signal, decoder]
    }),
  )
}

/** Everything that tells one decoder from another; the type keeps it complete. */
function keyOf(signal: Encoding): string {
  const { table, type, size, bit, bits, byte, encoding, byte_order, scale, offset, invalid, labels } = signal
  const all: { readonly [K in keyof Encoding]-?: Encoding[K] } = {
    ...{ table, type, size, bit, bits, byte, encoding, byte_order, scale, offset, invalid, labels },
  }
  return JSON.stringify(all)
}

/** Brings the bytes in order: `at` counts registers from here on outwards. */
function inOrder({ type, size, byte_order }: Encoding, read: Read): Read {
  const order = effectiveOrder(type, size, byte_order)
  if (order === 'ABCD') return (data, at) => read(data, at * 2)
  const scratch = Buffer.alloc(size * 2)
  return (data, at) => {
    if ((at + size) * 2 > data.length) throw new RangeError('response shorter than the signal')
    reorder(data, at * 2, scratch.length, order, scratch)
    return read(scratch, 0)
  }
}

/** One word has no order of words, and no device reverses the words of a text. */
export function effectiveOrder(type: SignalType, size: number, order: ByteOrder): ByteOrder {
  if (size > 1 && type !== 'string') return order
  return order === 'ABCD' || order === 'CDAB' ? 'ABCD' : 'BADC'
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

function unlessInvalid({ type, size, byte, invalid }: Encoding, read: Read): Read {
  if (invalid === undefined || type === 'string') return read
  const raw = rawReader(type, size, byte)
  const sentinels = new Set<number | bigint>(invalid.map((text) => (size < 4 ? Number(text) : BigInt(text))))
  return (bytes, at) => (sentinels.has(raw(bytes, at)) ? SENTINEL : read(bytes, at))
}

function interpreted(encoding: Encoding): Read {
  const { type, size, bit, bits, byte, scale, offset, labels } = encoding
  if (type === 'string') return textReader(size, encoding.encoding, byte)
  const number = numberReader(type === 'bool' ? 'uint16' : type, size, byte)
  if (bit !== undefined) return bitReader(number, bit)
  if (type === 'bool') return (bytes, at) => number(bytes, at) !== 0
  const raw = bits === undefined ? number : bitsReader(number, bits)
  if (labels !== undefined) return labelReader(raw, labels)
  return scale === undefined && offset === undefined ? raw : scaled(raw, type, scale, offset)
}

function bitReader(number: NumberReader, bit: number): Read {
  const read = bitsReader(number, [bit, bit])
  return (bytes, at) => read(bytes, at) !== 0
}

/** The number within the bits `first` to `last`. Division by a power of two is exact, shifts end at 32 bits. */
function bitsReader(number: NumberReader, [first, last]: readonly [number, number]): NumberReader {
  const count = last - first + 1
  const [below, span] = [2 ** first, 2 ** count]
  const [shift, mask] = [BigInt(first), (1n << BigInt(count)) - 1n]
  return (bytes, at) => {
    const word = number(bytes, at)
    if (typeof word === 'number') return Math.floor(word / below) % span
    return typeof word === 'bigint' ? narrowed((word >> shift) & mask) : word
  }
}

function labelReader(number: NumberReader, labels: Readonly<Record<string, string>>): Read {
  const known = new Set<number | bigint>(Object.keys(labels).map((key) => narrowed(BigInt(key))))
  return (bytes, at) => {
    const value = number(bytes, at)
    return isUnusable(value) || known.has(value) ? value : NO_LABEL
  }
}

function scaled(number: NumberReader, type: SignalType, scale = '1', offset = '0'): Read {
  const [a, b] = [parseDecimal(scale)!, parseDecimal(offset)!]
  const linear = isFloat(type) ? makeLinear(a, b) : makeExactLinear(a, b)
  const wide = valueTypeOf(type).endsWith('64')
  return (bytes, at) => {
    const raw = number(bytes, at)
    if (isUnusable(raw)) return raw
    const value = linear(raw as number)
    if (typeof value === 'bigint') return wide ? value : Number(value)
    return Number.isFinite(value) ? value : NOT_A_NUMBER
  }
}

function isFloat(type: SignalType): boolean {
  return type === 'float16' || type === 'float32' || type === 'float64'
}
