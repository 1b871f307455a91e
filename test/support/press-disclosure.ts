import type { SignalSpec } from '../../core/signal.ts'
import type { Disclosed } from '../../privacy/disclosed.ts'
import { cellsOf, contractOf, MINUTE, planOf, policyOf, type Row, signalOf, T0, type Written } from './disclosure.ts'

export const SECOND = 1000
export const OIL = 0
export const NG = 1
export const TOTAL = 2
export const STATE = 3
export const SECRET = 4
export const HUMIDITY = 5
export const signals: readonly SignalSpec[] = [
  signalOf('press-7/oil', { unit: 'Cel' }),
  signalOf('press-7/ng', { unit: '{count}' }),
  signalOf('press-7/total', { unit: '{count}' }),
  signalOf('press-7/state', { type: 'uint16', labels: { 0: 'idle', 1: 'run', 2: 'hidden' } }),
  signalOf('press-7/secret'),
  signalOf('hall/humidity', { unit: '%', source: 'broker' }),
]
export const oil = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.1 }
export const rules = {
  oil: { from: '{asset}/oil', range: [0, 100], step: 1 },
  rate: { rate: { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor: 10 }, range: [0, 0.5], step: 0.01 },
  state: { from: '{asset}/state' },
  humidity: { from: '{place}/humidity', range: [0, 100], step: 1 },
  slow: { from: '{asset}/oil', range: [0, 100], step: 1 },
}
export const assets = { 'press-7': { class: 'press', place: 'hall', cycle_time: '10s' } }

/** A stream of one minute a slot and batch, with these columns and rules. */
export function plan(columns: Readonly<Record<string, object>>, only: readonly (keyof typeof rules)[] = ['oil']) {
  const contract = contractOf({ stream: { kind: 'stream', grid: '1m', cadence: '1m', columns } })
  const chosen = Object.fromEntries(only.map((name) => [name, rules[name]]))
  return planOf(contract, policyOf({ stream: chosen }, { assets }), signals)
}

export const means = plan({ oil })

/** A block of the PLC, which has nothing older to come than `complete` (default: its arrival). */
export function block(arrival: number, rows: readonly Row[] = [], complete: number | null = arrival): Written {
  return { arrival, rows, complete: complete === null ? {} : { plc: { 'press-7': complete } } }
}

export function cells(periods: readonly Disclosed[], column: string): unknown {
  return periods.flatMap((period) =>
    cellsOf(period, column).map(([value, q], i) => [(period.slots[i]! - T0) / MINUTE, value, q]),
  )
}
