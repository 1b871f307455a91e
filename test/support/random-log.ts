import fc from 'fast-check'
import type { SignalSpec } from '../../core/signal.ts'
import { contractOf, MINUTE, planOf, policyOf, type Row, signalOf, T0, type Written } from './disclosure.ts'

/** Signals, plans and logs of a hall in which everything goes wrong, for property tests of the disclosure. */

export const signals: readonly SignalSpec[] = [
  signalOf('press-7/oil', { unit: 'Cel', cadence: { kind: 'periodic', every: 10_000 } }),
  signalOf('press-8/oil', { unit: 'Cel' }),
  signalOf('hall/humidity', { unit: '%', source: 'broker' }),
  signalOf('press-7/ng', { unit: '{count}', source: 'broker' }),
  signalOf('press-7/total', { unit: '{count}', source: 'broker' }),
  signalOf('press-8/ng', { unit: '{count}', source: 'broker' }),
  signalOf('press-8/total', { unit: '{count}', source: 'broker' }),
  signalOf('press-7/state', { type: 'uint16', labels: { 0: 'idle', 1: 'run', 2: 'hidden' } }),
  signalOf('press-8/state', { type: 'uint16', labels: { 0: 'idle', 1: 'run' } }),
  signalOf('press-7/secret'),
  signalOf('press-7/level', { unit: 'Cel', cadence: { kind: 'on_change', heartbeat: 150_000 } }),
  signalOf('press-8/level', { unit: 'Cel', cadence: { kind: 'on_change', heartbeat: 1_800_000 } }),
  signalOf('press-7/open', { type: 'bool', cadence: { kind: 'on_change', heartbeat: 600_000 } }),
  signalOf('press-8/open', { type: 'bool', cadence: { kind: 'periodic', every: 10_000 } }),
  signalOf('press-7/mode', { type: 'uint16', cadence: { kind: 'on_change', heartbeat: 400_000 } }),
  signalOf('press-8/mode', { type: 'uint16', source: 'broker' }),
]
const BOOLS = [12, 13]
const WORDS = [7, 8, 14, 15]
const column = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.1 }
const rate = { meaning: 'm', stat: 'rate', unit: '1', range: [0, 1], step: 0.001 }
const contract = contractOf(
  {
    stream: {
      kind: 'stream',
      grid: '1m',
      cadence: '10m',
      columns: {
        oil: column,
        slow_max: { ...column, stat: 'max', window: '5m' },
        slow_rate: { ...rate, window: '5m' },
        state: { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] },
      },
    },
    hourly: {
      kind: 'table',
      window: '20m',
      cadence: '1h',
      columns: { humidity: { ...column, unit: '%' }, defects: rate, empty: column },
    },
  },
  { grace: '30s', max_wait: '10m' },
)
const counters = { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor: 20 }
const press = { class: 'press', place: 'hall', cycle_time: '10s' }
const assets = { 'press-7': press, 'press-8': press }
const hourly = {
  humidity: { from: '{place}/humidity', range: [0, 100], step: 1 },
  defects: { rate: counters, range: [0, 1], step: 0.01 },
}
const stream = {
  oil: { from: '{asset}/oil', range: [0, 100], step: 1 },
  slow_max: { from: '{asset}/oil', range: [0, 100], step: 2 },
  slow_rate: { rate: counters, range: [0, 0.5], step: 0.01 },
  state: { from: '{asset}/state' },
}
/** Every statistic that the others have not, of what is periodic, stored on change, and neither. */
const held = contractOf(
  {
    stream: {
      kind: 'stream',
      grid: '1m',
      cadence: '10m',
      columns: {
        level: column,
        spread: { ...column, stat: 'std', range: [0, 100] },
        slow_spread: { ...column, stat: 'std', range: [0, 100], window: '5m' },
        lowest: { ...column, stat: 'min', window: '5m' },
        latest: { ...column, stat: 'last' },
        oil_spread: { ...column, stat: 'std', range: [0, 100] },
        open: { ...rate, stat: 'share_true' },
        shut: { ...rate, stat: 'share_false', unit: '%', range: [0, 100], window: '5m' },
        mode: { meaning: 'm', type: 'category', stat: 'mode', vocabulary: ['1', '0'] },
        mode_last: { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['1', '0'] },
        made: { ...rate, stat: 'delta', unit: '{count}', range: [0, 500], window: '5m' },
      },
    },
    hourly: {
      kind: 'table',
      window: '20m',
      cadence: '1h',
      columns: { level: column, made: { ...rate, stat: 'delta', unit: '{count}', range: [0, 500] } },
    },
  },
  { grace: '30s', max_wait: '10m' },
)
const level = { from: '{asset}/level', range: [0, 100], step: 1 }
const spread = { ...level, range: [0, 50], step: 0.5 }
const made = { from: '{asset}/total', range: [0, 500], step: 25 }
const heldRules = {
  stream: {
    level,
    spread,
    slow_spread: { ...spread, step: 1 },
    lowest: level,
    latest: level,
    oil_spread: { ...spread, from: '{asset}/oil' },
    open: { from: '{asset}/open', range: [0, 1], step: 0.01 },
    shut: { from: '{asset}/open', range: [0, 80], step: 1 },
    mode: { from: '{asset}/mode' },
    mode_last: { from: '{asset}/mode' },
    made: { ...made, wrap: 131 },
  },
  hourly: { level, made },
}
export const plans = fc.constantFrom(
  planOf(held, policyOf(heldRules, { assets }), signals),
  planOf(contract, policyOf({ stream, hourly }, { assets }), signals),
  planOf(contract, policyOf({ hourly }, { assets }), signals),
)

/** Three hours of readings that come late, early, out of order, from the future and under a broken clock. */
export const logs = fc
  .constantFrom(1, 12)
  .chain((mostRows) =>
    fc.array(
      fc.record({
        wait: fc.oneof({ arbitrary: fc.integer({ min: 1, max: 90 }), weight: 12 }, fc.integer({ min: 90, max: 1500 })),
        back: fc.oneof({ arbitrary: fc.constant(0), weight: 15 }, fc.integer({ min: 1, max: 300 })),
        sane: fc.oneof({ arbitrary: fc.constant(true), weight: 15 }, fc.constant(false)),
        plc: fc.option(fc.integer({ min: -400, max: 10 }), { nil: undefined, freq: 8 }),
        broker: fc.option(fc.integer({ min: -400, max: 10 }), { nil: undefined, freq: 4 }),
        rows: fc.array(
          fc.record({
            signal: fc.nat(signals.length - 1),
            lag: fc.oneof(
              { arbitrary: fc.integer({ min: 0, max: 40 }), weight: 8 },
              fc.integer({ min: -30, max: 600 }),
              fc.integer({ min: -500, max: 5000 }),
            ),
            value: fc.oneof({ arbitrary: fc.integer({ min: 0, max: 130 }), weight: 9 }, fc.constant(Number.NaN)),
            quality: fc.oneof({ arbitrary: fc.constant(0), weight: 8 }, fc.constantFrom(1, 2, 5)),
          }),
          { maxLength: mostRows, size: 'max' },
        ),
      }),
      { minLength: 1, maxLength: 120, size: 'max' },
    ),
  )
  .map((steps) => {
    let now = T0 - 5 * MINUTE
    return steps.map(({ wait, back, sane, plc, broker, rows }): Written => {
      now += wait * 1000
      const arrival = now - back * 1000
      const said = (lag: number | undefined, assets: readonly string[]) =>
        lag === undefined ? {} : Object.fromEntries(assets.map((asset) => [asset, arrival + Math.min(lag, 10) * 1000]))
      return {
        arrival,
        sane,
        complete: {
          plc: said(plc === undefined ? undefined : Math.max(plc, -5), ['press-7', 'press-8']),
          broker: said(broker, ['press-7', 'press-8', 'hall']),
        },
        rows: rows.map(({ signal, lag, value, quality }): Row => {
          const at = arrival - lag * 1000
          if (BOOLS.includes(signal)) return [signal, at, value % 2 === 0, quality]
          return [signal, at, WORDS.includes(signal) ? (Number.isNaN(value) ? 2 : value % 3) : value, quality]
        }),
      }
    })
  })
