import type { Problem } from '../../core/problem.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { SourcePlan } from '../source.ts'
import { addressOf, isBitTable, TABLES, type Table } from './address.ts'
import type { Encoding } from './decode.ts'
import type { ModbusDeviceConfig, ModbusSignalConfig, ModbusSourceConfig } from './schema.ts'
import { isTime, registersOf, type SignalType, valueTypeOf } from './signal-type.ts'

/** A run of registers or bits in one table of one unit. */
export interface Place {
  readonly table: Table
  /** on the wire, from 0 */
  readonly address: number
  /** registers, or bits for coils and discrete inputs */
  readonly size: number
}

/** One request and the signals it feeds, in order of address. */
export interface PlannedRead<S extends Place = Place> {
  readonly table: Table
  readonly address: number
  readonly quantity: number
  readonly signals: readonly S[]
}

/** How large a read may be and how much it may waste. */
export interface ReadLimits {
  readonly max_registers: number
  readonly max_bits: number
  /** unused registers or bits between two signals that one read may bridge */
  readonly max_gap: number
}

/**
 * The reads that cover these signals of one unit: contiguous, overlapping, nested and duplicate places share a read,
 * no signal is split over two, holes up to `max_gap` are bridged, no read exceeds the limits.
 */
export function planReads<S extends Place>(signals: readonly S[], limits: ReadLimits): PlannedRead<S>[] {
  const reads: PlannedRead<S>[] = []
  for (const table of TABLES) {
    const max = isBitTable(table) ? limits.max_bits : limits.max_registers
    const sorted = signals.filter((s) => s.table === table).toSorted((a, b) => a.address - b.address || b.size - a.size)
    let group: S[] = []
    let start = 0
    let end = 0
    const close = (): void => {
      if (group.length > 0) reads.push({ table, address: start, quantity: end - start, signals: group })
      group = []
    }
    for (const s of sorted) {
      const reach = Math.max(end, s.address + s.size)
      if (group.length === 0 || s.address - end > limits.max_gap || reach - start > max) {
        close()
        start = s.address
        end = s.address + s.size
      } else end = reach
      group.push(s)
    }
    close()
  }
  return reads
}

/** One read for each distinct place of a read: what is left when the device refuses the whole. */
export function splitRead<S extends Place>(read: PlannedRead<S>): PlannedRead<S>[] {
  const places = Map.groupBy(read.signals, (s) => `${s.address}+${s.size}`)
  return [...places.values()].map((signals) => ({
    table: read.table,
    address: signals[0]!.address,
    quantity: signals[0]!.size,
    signals,
  }))
}

/** A configured signal with everything inherited filled in. */
export interface PlannedSignal extends Place, Encoding {
  /** position in the source's list of signals */
  readonly index: number
  readonly id: string
  /** milliseconds between two reads */
  readonly period: number
}

/** A configured device with its signals. */
export interface PlannedDevice {
  readonly name: string
  readonly asset: string
  readonly unit_id: number
  readonly limits: ReadLimits
  readonly signals: readonly PlannedSignal[]
}

/** What a configured Modbus source is before it is opened. */
export interface ModbusPlan {
  readonly plan: SourcePlan
  readonly devices: readonly PlannedDevice[]
  /** what the schema cannot see: two signals with one id */
  readonly problems: readonly Problem[]
}

/** Plans a source. Pure; paths of problems start at the root of the configuration. */
export function planModbusSource(source: string, config: ModbusSourceConfig): ModbusPlan {
  const signals: SignalSpec[] = []
  const problems: Problem[] = []
  const first = new Map<string, string>()
  const devices = Object.entries(config.devices).map(([device, d]): PlannedDevice => {
    const asset = d.asset ?? device
    const planned: PlannedSignal[] = []
    for (const [name, s] of Object.entries(d.signals)) {
      const id = `${asset}/${name}`
      const taken = first.get(id)
      if (taken !== undefined) {
        problems.push({
          path: ['sources', source, 'devices', device, 'signals', name],
          message: `signal ${id} is configured twice: device ${taken} has it too`,
          hint: 'give it another name, or the device another asset',
        })
        continue
      }
      first.set(id, device)
      const signal = planSignal(signals.length, id, s, d, config)
      planned.push(signal)
      signals.push(signalSpec(source, asset, name, signal, s))
    }
    const { max_registers, max_bits } = d
    return {
      name: device,
      asset,
      unit_id: d.unit_id,
      limits: { max_registers, max_bits, max_gap: config.max_gap },
      signals: planned,
    }
  })
  const assets = [...new Set(devices.map((d) => d.asset))]
  return { plan: { signals, assets, polled: true }, devices, problems }
}

/** One request of `sluice plan`. */
export interface RequestRow {
  readonly source: string
  readonly unit_id: number
  readonly table: Table
  readonly address: number
  readonly quantity: number
  readonly signals: readonly string[]
  /** milliseconds from one to the next */
  readonly period: number
}

/** The requests of a source, those of a device and period together. Pure. */
export function describeReads(source: string, config: ModbusSourceConfig): RequestRow[] {
  return planModbusSource(source, config).devices.flatMap((device) =>
    [...Map.groupBy(device.signals, (s) => s.period)]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([, signals]) => planReads(signals, device.limits))
      .map(({ table, address, quantity, signals }) => ({
        source,
        unit_id: device.unit_id,
        table,
        address,
        quantity,
        signals: signals.map((s) => s.id),
        period: signals[0]!.period,
      })),
  )
}

function planSignal(
  index: number,
  id: string,
  s: ModbusSignalConfig,
  device: ModbusDeviceConfig,
  source: ModbusSourceConfig,
): PlannedSignal {
  const { table, address } = addressOf(s)
  const type: SignalType = isBitTable(table) ? 'bool' : (s.type ?? 'uint16')
  return {
    index,
    id,
    table,
    address,
    size: isBitTable(table) ? 1 : registersOf(type, s.length),
    type,
    bit: s.bit,
    bits: s.bits,
    byte: s.byte,
    encoding: s.encoding,
    byte_order: s.byte_order ?? device.byte_order ?? source.byte_order,
    scale: s.scale,
    offset: s.offset,
    invalid: s.invalid,
    labels: s.labels,
    period: s.period ?? device.period ?? source.period,
  }
}

function signalSpec(
  source: string,
  asset: string,
  name: string,
  planned: PlannedSignal,
  config: ModbusSignalConfig,
): SignalSpec {
  const type = planned.bit === undefined ? valueTypeOf(planned.type) : 'bool'
  const unit = isTime(planned.type) ? 'ms' : type === 'bool' || type === 'string' ? undefined : (config.unit ?? '1')
  return {
    id: planned.id,
    asset,
    name,
    source,
    type,
    ...(unit === undefined ? {} : { unit }),
    ...(config.scale === undefined ? {} : { scale: config.scale }),
    ...(config.offset === undefined ? {} : { offset: config.offset }),
    ...(config.labels === undefined ? {} : { labels: config.labels }),
    cadence: { kind: 'periodic', every: planned.period },
  }
}
