import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { float32Decimal } from '../../../core/shortest-decimal.ts'
import type { Parsed } from './format.ts'

/** A metric as it is on the wire (Sparkplug 3.0 §6.4.9). */
export interface Metric {
  name: string | undefined
  /** decimal text: an alias has 64 bits */
  alias: string | undefined
  /** UnixMs as the sender wrote it */
  timestamp: number | undefined
  /** undefined: data messages leave it to the birth */
  datatype: number | undefined
  isHistorical: boolean
  isNull: boolean
  /** the `Quality` property */
  quality: number | undefined
  wire: WireValue
  /** of a template */
  members: readonly Metric[]
}

/** A value before its datatype is known: integers come without a sign. */
export type WireValue =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'long'; readonly value: bigint }
  | { readonly kind: 'plain'; readonly value: number | boolean | string }
  | { readonly kind: 'other' }

/** A Sparkplug B payload. */
export interface SparkplugPayload {
  timestamp: number | undefined
  seq: number | undefined
  metrics: Metric[]
}

/** A value of a datatype that is neither number, bool nor text; no signal takes it. */
export const OTHER = Symbol('neither number, bool nor text')

/** Templates in templates that are looked into. */
const MOST_LEVELS = 8

/** Sparkplug 3.0 §6.4.16; what is not here is of no signal. */
const INTEGER_BITS: Readonly<Record<number, number>> = { 1: -8, 2: -16, 3: -32, 4: -64, 5: 8, 6: 16, 7: 32, 8: 64 }
const DATE_TIME = 13
const BOOLEAN = 11

/**
 * The protobuf message in a payload. The library reads the wire format alone; the few fields that matter are picked here,
 * so that nothing is generated and what is unknown is skipped.
 */
export function parseSparkplug(payload: Uint8Array): Parsed<SparkplugPayload> {
  const reader = new BinaryReader(payload)
  try {
    return { document: readPayload(reader) }
  } catch {
    return { reason: 'malformed', detail: 'not a Sparkplug B payload', byte: Math.min(reader.pos, payload.length) }
  }
}

function readPayload(reader: BinaryReader): SparkplugPayload {
  const payload: SparkplugPayload = { timestamp: undefined, seq: undefined, metrics: [] }
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === 1) payload.timestamp = Number(uint64(reader, type))
    else if (field === 2) payload.metrics.push(readMetric(part(reader, type), MOST_LEVELS))
    else if (field === 3) payload.seq = Number(uint64(reader, type) & 0xffn)
    else reader.skip(type, field)
  }
  return payload
}

function readMetric(reader: BinaryReader, levels: number): Metric {
  const metric: Metric = {
    name: undefined,
    alias: undefined,
    timestamp: undefined,
    datatype: undefined,
    isHistorical: false,
    isNull: false,
    quality: undefined,
    wire: { kind: 'other' },
    members: [],
  }
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    switch (field) {
      case 1:
        metric.name = text(reader, type)
        break
      case 2:
        metric.alias = String(uint64(reader, type))
        break
      case 3:
        metric.timestamp = Number(uint64(reader, type))
        break
      case 4:
        metric.datatype = uint32(reader, type)
        break
      case 5:
        metric.isHistorical = uint64(reader, type) !== 0n
        break
      case 7:
        metric.isNull = uint64(reader, type) !== 0n
        break
      case 9:
        metric.quality = readQualityProperty(part(reader, type))
        break
      case 10:
        metric.wire = { kind: 'int', value: uint32(reader, type) }
        break
      case 11:
        metric.wire = { kind: 'long', value: uint64(reader, type) }
        break
      case 12:
        expectType(type, WireType.Bit32)
        metric.wire = { kind: 'plain', value: float32Decimal(reader.float()) }
        break
      case 13:
        expectType(type, WireType.Bit64)
        metric.wire = { kind: 'plain', value: reader.double() }
        break
      case 14:
        metric.wire = { kind: 'plain', value: uint64(reader, type) !== 0n }
        break
      case 15:
        metric.wire = { kind: 'plain', value: text(reader, type) }
        break
      case 18: {
        const template = part(reader, type)
        if (levels > 0) metric.members = readMembers(template, levels - 1)
        break
      }
      default:
        reader.skip(type, field)
    }
  }
  return metric
}

function readMembers(reader: BinaryReader, levels: number): readonly Metric[] {
  const members: Metric[] = []
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === 2) members.push(readMetric(part(reader, type), levels))
    else reader.skip(type, field)
  }
  return members
}

/** The property `Quality` of a PropertySet: its keys and values stand in two lists of the same order. */
function readQualityProperty(reader: BinaryReader): number | undefined {
  const keys: string[] = []
  const values: (number | undefined)[] = []
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === 1) keys.push(text(reader, type))
    else if (field === 2) values.push(readWholeProperty(part(reader, type)))
    else reader.skip(type, field)
  }
  return values[keys.indexOf('Quality')]
}

function readWholeProperty(reader: BinaryReader): number | undefined {
  let value: number | undefined
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === 3) value = uint32(reader, type)
    else if (field === 4) value = Number(uint64(reader, type))
    else reader.skip(type, field)
  }
  return value
}

/**
 * The value of a metric by its datatype, or undefined where integers cannot be read because no birth has said what they
 * are: as data messages leave the datatype out, -5 and 4294967291 look the same.
 */
export function metricValue(wire: WireValue, datatype: number | undefined): unknown {
  if (wire.kind === 'other') return OTHER
  if (wire.kind === 'plain') return wire.value
  if (datatype === undefined) return undefined
  if (datatype === DATE_TIME) return Number(wire.value)
  const bits = INTEGER_BITS[datatype]
  if (bits === undefined) return OTHER
  const whole = BigInt(wire.value)
  const value = bits < 0 ? BigInt.asIntN(-bits, whole) : BigInt.asUintN(bits, whole)
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/** The command by which a host asks a node for its births (Sparkplug 3.0 §6.4.25). */
export function encodeRebirth(at: number): Uint8Array {
  const metric = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string('Node Control/Rebirth')
    .tag(3, WireType.Varint)
    .uint64(at)
    .tag(4, WireType.Varint)
    .uint32(BOOLEAN)
    .tag(14, WireType.Varint)
    .bool(true)
    .finish()
  return new BinaryWriter().tag(1, WireType.Varint).uint64(at).tag(2, WireType.LengthDelimited).bytes(metric).finish()
}

function expectType(type: WireType, expected: WireType): void {
  if (type !== expected) throw new RangeError('another wire type than the field has')
}

function part(reader: BinaryReader, type: WireType): BinaryReader {
  expectType(type, WireType.LengthDelimited)
  return new BinaryReader(reader.bytes())
}

function text(reader: BinaryReader, type: WireType): string {
  expectType(type, WireType.LengthDelimited)
  return reader.string(true)
}

function uint32(reader: BinaryReader, type: WireType): number {
  expectType(type, WireType.Varint)
  return reader.uint32()
}

function uint64(reader: BinaryReader, type: WireType): bigint {
  expectType(type, WireType.Varint)
  return BigInt(reader.uint64())
}
