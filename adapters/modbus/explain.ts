import { isUnusable, makeDecoder } from './decode.ts'
import type { PlannedSignal } from './plan.ts'
import { BYTE_ORDERS, type Byte, type ByteOrder, isTime, rawBits, registersOf, type SignalType } from './signal-type.ts'

/** What the registers of a signal would be under one type. */
export interface Candidate {
  readonly type: SignalType
  /** orders that all give these values, the usual one first */
  readonly byte_orders: readonly ByteOrder[]
  readonly byte?: Byte
  readonly registers: number
  /** of each read, after scale and offset; times in ISO 8601; the reason in brackets where it is none */
  readonly values: readonly string[]
  readonly plausible: boolean
  /** what speaks against it; empty where plausible */
  readonly why: string
}

/** The rule of `plausible`, for an operator. */
export const PLAUSIBLE = [
  'has a value in every read, within `range` and among `labels` where the signal declares them;',
  'without a range: a whole number of up to 500 million (64 bits: 10^15), a decimal of 0 or 0.001 to 10^9,',
  'a time from 2000 to 2050, or a text of at least 3 characters; and it moved by no more than a tenth (or 10) between reads',
] as const

const WHOLE = 5e8 // every float32 from 0.001 on is a larger whole number when read as one
const WHOLE_64 = 1e15
const [SMALL, LARGE] = [1e-3, 1e9]
const [FIRST_TIME, LAST_TIME] = [Date.UTC(2000), Date.UTC(2050)]
const [MOVED_SHARE, MOVED] = [0.1, 10]
const SHORTEST_TEXT = 3

/** Types, the likely ones first. */
const LIKELY: readonly SignalType[] = [
  ...(['float32', 'int32', 'uint32', 'int16', 'uint16', 'float64', 'int64', 'uint64', 'string'] as const),
  ...(['unix32', 'unix64', 'unix64_ms', 'mod10k', 'bcd32', 'bcd16', 'float16', 'uint8', 'int8', 'bool'] as const),
]

/** Registers that explaining a signal looks at: the widest number that may begin there, or all of a longer signal. */
export function registersToExplain(signal: Pick<PlannedSignal, 'size' | 'address'>): number {
  return Math.min(Math.max(4, signal.size), 65_536 - signal.address)
}

/**
 * Every type and order that the registers could be, by width and likelihood. Pure.
 * @param range lowest and highest usual value, where the signal declares one
 * @param reads the registers from the signal's address on, big endian, all of one length; at least one read
 */
export function explain(
  signal: PlannedSignal,
  range: readonly [number, number] | undefined,
  reads: readonly Buffer[],
): readonly Candidate[] {
  const known = reads[0]!.length / 2
  return LIKELY.flatMap((type) => {
    const size = type === 'string' || (type === 'mod10k' && signal.type === type) ? lengthOf(type, signal, known) : 0
    const registers = size || registersOf(type)
    if (registers > known) return []
    const bytes: readonly (Byte | undefined)[] = type === 'int8' || type === 'uint8' ? ['low', 'high'] : [undefined]
    return bytes.flatMap((byte) => candidates(signal, range, reads, { type, registers, byte }))
  }).toSorted((a, b) => a.registers - b.registers)
}

/** The one to configure: as it is where that is plausible, else the same type, the same width, the likeliest. Pure. */
export function bestOf(signal: PlannedSignal, all: readonly Candidate[]): Candidate | undefined {
  const weight = (c: Candidate): number => {
    if (c.type === signal.type) return c.byte_orders.includes(signal.byte_order) && c.byte === ownByte(signal) ? 0 : 1
    return (c.registers === signal.size ? 2 : 3) + LIKELY.indexOf(c.type) / LIKELY.length
  }
  const digits = (c: Candidate): number => c.values.join('').length
  return all.filter((c) => c.plausible).toSorted((a, b) => weight(a) - weight(b) || digits(a) - digits(b))[0]
}

function ownByte(signal: PlannedSignal): Byte | undefined {
  return signal.type === 'string' ? undefined : signal.byte
}

function lengthOf(type: SignalType, signal: PlannedSignal, known: number): number {
  return signal.type === type ? signal.size : known
}

interface Shape {
  readonly type: SignalType
  readonly registers: number
  readonly byte: Byte | undefined
}

/** One type in its orders; those that give the same values are one. */
function candidates(
  signal: PlannedSignal,
  range: readonly [number, number] | undefined,
  reads: readonly Buffer[],
  { type, registers, byte }: Shape,
): readonly Candidate[] {
  const orders = byte ? (['ABCD'] as const) : ordersOf(type, registers, signal.byte_order)
  const read = orders.map((byte_order) => {
    const decoder = makeDecoder(encodingOf(signal, { type, registers, byte }, byte_order))
    const decoded = reads.map((data) => {
      const value = decoder.decode(data, 0)
      return isUnusable(value) ? undefined : value
    })
    const values = decoded.map((v) => (v === undefined ? '-' : isTime(type) ? timeText(Number(v)) : String(v)))
    const why = objection(type, registers, range, decoded, signal)
    return { byte_order, values, why }
  })
  return [...Map.groupBy(read, (r) => r.values.join('\n')).values()].map((same) => ({
    type,
    byte_orders: same.map((s) => s.byte_order),
    ...(byte === undefined ? {} : { byte }),
    registers,
    values: same[0]!.values,
    plausible: same[0]!.why === '',
    why: same[0]!.why,
  }))
}

/** The configured order first; one register, and a text, have only the order of their bytes. */
function ordersOf(type: SignalType, registers: number, configured: ByteOrder): readonly ByteOrder[] {
  const all = registers > 1 && type !== 'string' ? BYTE_ORDERS : (['ABCD', 'BADC'] as const)
  return all.toSorted((a, b) => Number(b === configured) - Number(a === configured))
}

function encodingOf(signal: PlannedSignal, { type, registers, byte }: Shape, byte_order: ByteOrder) {
  const scales = type !== 'string' && type !== 'bool' && !isTime(type)
  const sameBits = signal.type !== 'string' && rawBits(type, registers) === rawBits(signal.type, signal.size)
  return {
    table: signal.table,
    type,
    size: registers,
    byte: byte ?? (type === 'string' && signal.type === type ? signal.byte : undefined),
    encoding: type === 'string' ? signal.encoding : undefined,
    byte_order,
    scale: scales ? signal.scale : undefined,
    offset: scales ? signal.offset : undefined,
    labels: scales ? signal.labels : undefined,
    invalid: sameBits ? signal.invalid : undefined,
  }
}

type Decoded = number | bigint | boolean | string | undefined

/** What speaks against the values of a candidate; empty where nothing does. */
function objection(
  type: SignalType,
  registers: number,
  range: readonly [number, number] | undefined,
  decoded: readonly Decoded[],
  signal: PlannedSignal,
): string {
  if (decoded.includes(undefined)) return 'no value'
  if (type === 'string') return decoded.some((text) => !readable(String(text))) ? 'no text' : ''
  if (signal.labels && (type === 'bool' || isTime(type))) return 'not a label'
  const values = decoded.map(Number)
  if (type === 'bool') return signal.type === 'bool' ? '' : 'not declared' // every register is true or false
  if (isTime(type)) return values.some((ms) => ms < FIRST_TIME || ms > LAST_TIME) ? 'year' : ''
  if (range) {
    const [low, high] = range
    if (values.some((v) => v < low || v > high)) return 'out of range'
  } else if (values.some((v) => !sensible((v - Number(signal.offset ?? 0)) / scaleOf(signal), type, registers)))
    return 'magnitude'
  return steady(values, scaleOf(signal)) ? '' : 'jumps'
}

function scaleOf({ scale = '1' }: PlannedSignal): number {
  return Math.abs(Number(scale))
}

function sensible(value: number, type: SignalType, registers: number): boolean {
  const size = Math.abs(value)
  if (type.startsWith('float')) return size === 0 || (size >= SMALL && size <= LARGE)
  return size <= (registers > 2 ? WHOLE_64 : WHOLE)
}

function steady(values: readonly number[], scale: number): boolean {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return high - low <= Math.max(MOVED * scale, MOVED_SHARE * Math.max(Math.abs(low), Math.abs(high)))
}

function readable(text: string): boolean {
  return text.trim().length >= SHORTEST_TEXT && !/[\p{Cc}\p{Cn}\p{Co}]/u.test(text)
}

function timeText(ms: number): string {
  return new Date(ms).toISOString()
}
