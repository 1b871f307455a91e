import { formatDuration } from '../../core/option.ts'
import { isBitTable } from './address.ts'
import type { LineTime } from './line-time.ts'
import { planModbusSource, readCost } from './plan.ts'
import { costOf, type PlannedRead, planReads } from './read-set.ts'
import type { ModbusSourceConfig } from './schema.ts'

/** What the signals of one device and period ask of it. */
export interface CycleLoad {
  readonly source: string
  readonly device: string
  readonly unit_id: number
  /** milliseconds from one cycle to the next */
  readonly period: number
  readonly requests: number
  readonly registers: number
  readonly bits: number
  /** milliseconds that a cycle is expected to take */
  readonly cycle_ms: number
  /** share of the time that the connection works for it, above 1 where it cannot */
  readonly load: number
}

/** What is expected of a source before it runs. */
export interface SourceLoad {
  readonly cycles: readonly CycleLoad[]
  /** share of the time that the connection is busy with all its devices */
  readonly load: number
  /** what cannot be kept, for an operator */
  readonly warnings: readonly string[]
}

/** How the requests of a connection follow each other. */
interface Pacing {
  readonly cost: LineTime
  readonly lanes: number
  readonly min_gap: number
  /** milliseconds between two starts */
  readonly spacing: number
}

/** Expected cycle times and load by the cost model; what devices taught is not in it. Pure. */
export function loadOf(source: string, config: ModbusSourceConfig): SourceLoad {
  const pacing: Pacing = {
    cost: readCost(config),
    lanes: config.max_in_flight,
    min_gap: config.min_gap,
    spacing: config.max_requests_per_s === undefined ? 0 : 1_000 / config.max_requests_per_s,
  }
  const perDevice = planModbusSource(source, config).devices.map((device) =>
    [...Map.groupBy(device.signals, (s) => s.period)]
      .toSorted(([a], [b]) => a - b)
      .map(([period, signals]): CycleLoad => {
        const reads = planReads(signals, device.limits)
        const cycle_ms = cycleTime(reads, pacing)
        return {
          ...{ source, device: device.name, unit_id: device.unit_id, period },
          requests: reads.length,
          registers: total(reads.filter((read) => !isBitTable(read.table))),
          bits: total(reads.filter((read) => isBitTable(read.table))),
          ...{ cycle_ms, load: cycle_ms / period },
        }
      }),
  )
  const cycles = perDevice.flat()
  const load = cycles.reduce((sum, cycle) => sum + cycle.load, 0)
  return { cycles, load, warnings: [...perDevice.flatMap(tooSlow), ...tooMuch(source, load, cycles)] }
}

/**
 * Milliseconds that the reads take one after another, or so many at a time, with the pauses between them. No cycle is
 * faster than its slowest read.
 */
function cycleTime(reads: readonly PlannedRead[], { cost, lanes, min_gap, spacing }: Pacing): number {
  const slowest = Math.max(0, ...reads.map((read) => costOf([read], cost)))
  const working = Math.max(costOf(reads, cost) / lanes, slowest) + reads.length * min_gap
  return Math.max(working, reads.length * spacing)
}

/** A device that takes longer than a period: for that period alone, or when all of its signals are due at once. */
function tooSlow(cycles: readonly CycleLoad[]): readonly string[] {
  const late = cycles.filter((cycle) => cycle.cycle_ms > cycle.period)
  if (late.length > 0)
    return late.map(
      ({ source, device, period, cycle_ms }) =>
        `${source}: ${device} takes about ${milliseconds(cycle_ms)} and is to be read every ${formatDuration(period)}: cycles will be skipped; lengthen the period, or read fewer signals`,
    )
  const [fastest] = cycles
  const together = cycles.reduce((sum, cycle) => sum + cycle.cycle_ms, 0)
  if (!fastest || together <= fastest.period) return []
  return [
    `${fastest.source}: ${fastest.device} takes about ${milliseconds(together)} when all its periods fall together, longer than its shortest of ${formatDuration(fastest.period)}: a cycle will be skipped then`,
  ]
}

/** Devices that are fast enough each, and not together. */
function tooMuch(source: string, load: number, cycles: readonly CycleLoad[]): readonly string[] {
  if (load <= 1 || cycles.length < 2) return []
  return [
    `${source}: its devices ask for ${percent(load)} of the time of one connection: cycles will be skipped; lengthen periods, or give devices a connection of their own`,
  ]
}

function total(reads: readonly PlannedRead[]): number {
  return reads.reduce((sum, read) => sum + read.quantity, 0)
}

/** Expected times are estimates: no more digits than that. */
export function milliseconds(ms: number): string {
  if (ms >= 10_000) return `${Math.round(ms / 1_000)} s`
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`
}

/** 0.0512 → `5.1 %`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}
