import type { Problem } from '../../core/problem.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { SourcePlan } from '../source.ts'
import { addressOf, isBitTable, type Table } from './address.ts'
import { type Deadband, type DeadbandOptions, deadbandOf } from './deadband.ts'
import type { Encoding } from './decode.ts'
import { deviceProblems, sharedUnits } from './device-problems.ts'
import { type LineTime, lineTime } from './line-time.ts'
import { type Place, planReads, type ReadLimits, type Span } from './read-set.ts'
import type { ModbusDeviceConfig, ModbusSignalConfig, ModbusSourceConfig } from './schema.ts'
import { isPlainNumber } from './signal-schema.ts'
import { isTime, registersOf, type SignalType, valueTypeOf } from './signal-type.ts'
import { placeOf } from './transport-schema.ts'

/** A configured signal with everything inherited filled in. */
export interface PlannedSignal extends Place, Encoding {
  /** position in the source's list of signals */
  readonly index: number
  readonly id: string
  /** milliseconds between two reads */
  readonly period: number
  readonly deadband?: Deadband | undefined
}

/** A configured device with its signals. */
export interface PlannedDevice {
  readonly name: string
  readonly asset: string
  readonly unit_id: number
  /** transport and place of its connection: `tcp plc:502` */
  readonly link: string
  readonly limits: ReadLimits
  readonly signals: readonly PlannedSignal[]
}

/** What a configured Modbus source is before it is opened. */
export interface ModbusPlan {
  readonly plan: SourcePlan
  readonly devices: readonly PlannedDevice[]
  /** what the schema cannot see: two signals with one id, ranges and groups that cannot be */
  readonly problems: readonly Problem[]
  /** what is right and may not mean what the operator thinks */
  readonly warnings: readonly Problem[]
}

/** Plans a source. Pure; paths of problems and warnings start at the root of the configuration. */
export function planModbusSource(source: string, config: ModbusSourceConfig): ModbusPlan {
  const signals: SignalSpec[] = []
  const problems: Problem[] = []
  const first = new Map<string, string>()
  const link = `${config.transport} ${placeOf(config).place}`
  const devices = Object.entries(config.devices).map(([device, d]): PlannedDevice => {
    const asset = d.asset ?? device
    const planned = new Map<string, PlannedSignal>()
    const groups = new Map(d.together.flatMap((names, group) => names.map((name) => [name, group] as const)))
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
      const options = deadbandOptions(s, d, config)
      const deadband = options && deadbandOf(options, s.range)
      if (options && !deadband)
        problems.push({
          path: ['sources', source, 'devices', device, 'signals', name],
          message: 'a deadband in percent needs the range of the signal',
          hint: 'add `range: [low, high]`, or a `deadband: { absolute: … }` of its own',
        })
      const signal = { ...planSignal(signals.length, id, s, d, config), group: groups.get(name), deadband }
      planned.set(name, signal)
      signals.push(signalSpec(source, asset, name, signal, s))
    }
    const forbidden = d.forbidden.map(({ table, from, to }): Span => ({ table, from, to: to + 1 }))
    const limits: ReadLimits = {
      max_registers: d.max_registers,
      max_bits: d.max_bits,
      max_gap: config.max_gap,
      uncrossable: forbidden,
      cost: readCost(config),
    }
    const found = deviceProblems({ forbidden, together: d.together, limits, signals: planned })
    problems.push(...found.map((p) => ({ ...p, path: ['sources', source, 'devices', device, ...p.path] })))
    return { name: device, asset, unit_id: d.unit_id, link, limits, signals: [...planned.values()] }
  })
  const assets = [...new Set(devices.map((d) => d.asset))]
  const warnings = sharedUnits(config.devices).map((p) => ({ ...p, path: ['sources', source, ...p.path] }))
  return { plan: { signals, assets, polled: true }, devices, problems, warnings }
}

/** The signal's own deadband, or an inherited one where it is a number. */
function deadbandOptions(
  s: ModbusSignalConfig,
  device: ModbusDeviceConfig,
  source: ModbusSourceConfig,
): DeadbandOptions | undefined {
  const inherits = !isBitTable(addressOf(s).table) && isPlainNumber(s)
  return s.deadband ?? (inherits ? (device.deadband ?? source.deadband) : undefined)
}

type CostOptions = Pick<ModbusSourceConfig, 'cost' | 'transport' | 'baud_rate'>

/** What reading costs on this connection: as configured, else as the transport lets expect. */
export function readCost({ cost, transport, baud_rate = 9_600 }: CostOptions): LineTime {
  const expected = lineTime(transport, baud_rate)
  return {
    request_ms: cost?.request ?? expected.request_ms,
    register_ms: cost?.register ?? expected.register_ms,
  }
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
    cadence: planned.deadband
      ? { kind: 'on_change', heartbeat: planned.deadband.heartbeat }
      : { kind: 'periodic', every: planned.period },
  }
}
