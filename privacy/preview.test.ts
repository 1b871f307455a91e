import { describe, expect, it } from 'vitest'
import { contractOf, planOf, policyOf, signalOf } from '../test/support/disclosure.ts'
import { explainPolicy } from './preview.ts'

const oil = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.1 }
const contract = contractOf({
  stream: {
    kind: 'stream',
    grid: '1m',
    columns: {
      oil,
      peak: { ...oil, stat: 'max', window: '5m' },
      unruled: oil,
      state: { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] },
    },
  },
  hourly: {
    kind: 'table',
    window: '1h',
    columns: {
      defects: { ...oil, stat: 'rate', unit: '%', range: [0, 100] },
      humidity: { ...oil, unit: '%' },
    },
  },
})
const fine = { from: '{asset}/oil', range: [0, 100], step: 1 }
const press = { class: 'press', place: 'hall', cycle_time: '10s' }
const signals = [
  signalOf('press-7/secret'),
  signalOf('press-7/oil', { unit: 'Cel' }),
  signalOf('press-7/state', { type: 'bool' }),
  signalOf('press-7/ng', { unit: '{count}' }),
  signalOf('press-7/total', { unit: '{count}' }),
  signalOf('hall/humidity', { unit: '%' }),
  signalOf('press-9/oil', { unit: 'Cel' }),
]
const explained = explainPolicy(
  planOf(
    contract,
    policyOf(
      {
        stream: {
          oil: { ...fine, step: 0.5, accept_risk: 'agreed' },
          peak: fine,
          state: { from: 'press-7/state' },
        },
        hourly: {
          defects: {
            rate: { of: 'press-7/ng', over: 'press-7/total', kind: 'counter', floor: 100 },
            range: [0, 20],
            step: 0.1,
          },
          humidity: { from: '{place}/humidity', range: [0, 100], step: 1 },
        },
      },
      { assets: { 'press-7': press, 'press-8': press } },
    ),
    signals,
    ['press-8/oil'],
  ),
  signals,
)
const becomes = (signal: string) => explained.find((one) => one.signal === signal)?.becomes

describe('a policy explained', () => {
  it('has every known signal in its order, then what only a wildcard can bring', () =>
    expect(explained.map(({ signal }) => signal)).toEqual([...signals.map(({ id }) => id), 'press-8/oil']))

  it('says of what no rule names that it stays inside, and why', () => {
    const withheld = { becomes: [], withheld: 'no rule of the policy names it' }
    expect(explained.filter((one) => one.withheld !== null)).toEqual([
      { signal: 'press-7/secret', ...withheld },
      // an asset that is not listed
      { signal: 'press-9/oil', ...withheld },
    ])
  })

  it('says of a signal all that it becomes, with the risk that was accepted', () => {
    const both = [
      {
        dataset: 'stream',
        column: 'oil',
        stat: 'mean',
        window_ms: 60_000,
        range: ['0', '100'],
        step: '0.5',
        unit: 'Cel',
        accepted_risk: 'agreed',
      },
      {
        dataset: 'stream',
        column: 'peak',
        stat: 'max',
        window_ms: 300_000,
        range: ['0', '100'],
        step: '1',
        unit: 'Cel',
        accepted_risk: null,
      },
    ]
    expect(becomes('press-7/oil')).toEqual(both)
    expect(becomes('press-8/oil')).toEqual(both)
  })

  it('names a column once for a signal that feeds many rows', () =>
    expect(becomes('hall/humidity')).toMatchObject([{ dataset: 'hourly', column: 'humidity', window_ms: 3_600_000 }]))

  it('names a rate with both its counters', () => {
    const rate = [{ dataset: 'hourly', column: 'defects', stat: 'rate', range: ['0', '20'], step: '0.1', unit: '%' }]
    expect(becomes('press-7/ng')).toMatchObject(rate)
    expect(becomes('press-7/total')).toMatchObject(rate)
  })

  it('has neither range, step nor unit for a category', () =>
    expect(becomes('press-7/state')).toEqual([
      {
        dataset: 'stream',
        column: 'state',
        stat: 'last',
        window_ms: 60_000,
        range: null,
        step: null,
        unit: null,
        accepted_risk: null,
      },
    ]))
})
