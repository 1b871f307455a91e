import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import { QUALITY_CODES, qualityOf } from '../core/quality.ts'
import { makeBlockBuilder } from '../core/reading-block.ts'
import type { SignalSpec, Value } from '../core/signal.ts'
import { contractOf, planOf, policyOf, signalOf } from '../test/support/disclosure.ts'
import { LEFT_OUT, makeRoutes, type Route, UNCERTAIN, USE, USED, usableValue } from './route.ts'
import { makeDataset } from './series.ts'

const column = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.1 }
const contract = contractOf({
  stream: {
    kind: 'stream',
    grid: '1m',
    columns: {
      number: column,
      rate: { ...column, stat: 'rate', unit: '%', range: [0, 100] },
      state: { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['idle', 'run', '7', 'toString', 'false'] },
      open: { ...column, stat: 'share_true', unit: '%', range: [0, 100] },
      shut: { ...column, stat: 'share_false', unit: '1', range: [0, 1] },
    },
  },
})
const fine = { range: [0, 100], step: 1 }
const rules = {
  number: { from: 'a/x', ...fine },
  rate: { rate: { of: 'a/ng', over: 'a/total', kind: 'counter', floor: 10 }, ...fine },
  state: { from: 'a/s' },
  open: { from: 'a/o', ...fine },
  shut: { from: 'a/c', range: [0, 1], step: 0.1 },
}
const assets = { a: { class: 'press', cycle_time: '1s' } }
/** As a broker's wildcard brings them: nothing was known of them when the policy was compiled. */
const plan = planOf(
  contract,
  policyOf({ stream: rules }, { assets }),
  [],
  ['a/x', 'a/ng', 'a/total', 'a/s', 'a/o', 'a/c'],
)
const datasets = plan.datasets.map((dataset) => makeDataset(plan, dataset, { since: 0, sealed: 0 }))

function routesOf(signal: SignalSpec): readonly Route[] {
  return makeRoutes(datasets, () => signal)(0)
}

/** What the one column that the signal feeds makes of a reading. */
function used(signal: SignalSpec, value: Value | null): number | string | undefined {
  const builder = makeBlockBuilder()
  builder.add(0, 0, value, 0)
  const route = routesOf(signal)[0]!
  const made = usableValue(route, builder.take(unixMs(0)), 0)
  if (Number.isNaN(made)) return undefined
  return route.kind === 'category' ? ([...route.words.keys()][made] ?? 'another text') : made
}

describe('a column makes of a reading', () => {
  const states = { 0: 'idle', 1: 'run', true: 'run', '-1': 'idle', '18446744073709551615': 'run', on: 'run' }
  it.each<[string, SignalSpec, Value, number | string | undefined]>([
    ['a number in its unit', signalOf('a/x', { unit: 'Cel' }), 21.5, 21.5],
    ['a number in another unit', signalOf('a/x', { unit: '[degF]' }), 212, 100],
    ['a number with another zero', signalOf('a/x', { unit: 'K' }), 273.15, 0],
    ['an integer of 64 bits', signalOf('a/x', { unit: 'Cel', type: 'int64' }), -(2n ** 60n), -(2 ** 60)],
    ['nothing of another dimension', signalOf('a/x', { unit: 'bar' }), 1, undefined],
    ['nothing of a bare number', signalOf('a/x'), 1, undefined],
    ['nothing of a bool', signalOf('a/x', { unit: 'Cel', type: 'bool' }), 1, undefined],
    ['nothing of a text signal', signalOf('a/x', { unit: 'Cel', type: 'string' }), 1, undefined],
    ['nothing of a text where a number was due', signalOf('a/x', { unit: 'Cel' }), '21', undefined],
    ['nothing of a truth where a number was due', signalOf('a/x', { unit: 'Cel' }), true, undefined],
    ['nothing of what is beyond every number', signalOf('a/x', { unit: 'Cel' }), Number.POSITIVE_INFINITY, undefined],
    ['nothing of what is no number', signalOf('a/x', { unit: 'Cel' }), Number.NaN, undefined],
    ['a count, whatever the unit of the rate', signalOf('a/ng', { unit: '{count}' }), 12, 12],
    ['nothing of a counter that measures', signalOf('a/total', { unit: 'Cel' }), 12, undefined],
    ['a text as it is', signalOf('a/s', { type: 'string' }), 'run', 'run'],
    ['a label of a number', signalOf('a/s', { type: 'uint16', labels: states }), 1, 'run'],
    ['a label of a negative number', signalOf('a/s', { type: 'int16', labels: states }), -1, 'idle'],
    ['a label of a truth', signalOf('a/s', { type: 'bool', labels: states }), true, 'run'],
    ['a label of 64 bits', signalOf('a/s', { type: 'uint64', labels: states }), 2n ** 64n - 1n, 'run'],
    ['a label of a text', signalOf('a/s', { type: 'string', labels: states }), 'on', 'run'],
    ['the number itself where it has no label', signalOf('a/s', { type: 'uint16', labels: states }), 7, '7'],
    ['no label that nobody wrote', signalOf('a/s', { type: 'string', labels: states }), 'toString', 'toString'],
    ['a truth as a word', signalOf('a/s', { type: 'bool' }), false, 'false'],
    ['any other text as one that is not shown', signalOf('a/s', { type: 'string' }), 'secret', 'another text'],
    ['a truth that is asked for, in the unit of the share', signalOf('a/o', { type: 'bool' }), true, 100],
    ['a truth that is not asked for', signalOf('a/o', { type: 'bool' }), false, 0],
    ['a share of false', signalOf('a/c', { type: 'bool' }), false, 1],
    ['nothing of a number where a truth was due', signalOf('a/o', { type: 'bool' }), 1, undefined],
    ['nothing of a number signal where a truth was due', signalOf('a/o', { type: 'uint16' }), 1, undefined],
  ])('%s', (_, signal, value, expected) => {
    const made = used(signal, value)
    if (typeof expected === 'number') expect(made).toBeCloseTo(expected, 9)
    else expect(made).toBe(expected)
  })
})

describe('routes', () => {
  it('lead nowhere from a signal that no rule names', () => expect(routesOf(signalOf('a/secret'))).toEqual([]))

  it('know how often readings of a periodic signal are due', () => {
    const every = (cadence: SignalSpec['cadence']) => routesOf(signalOf('a/x', { unit: 'Cel', cadence }))[0]!.every
    expect(every({ kind: 'periodic', every: 500 })).toBe(500)
    expect(every({ kind: 'on_change', heartbeat: 500 })).toBe(0)
    expect(every({ kind: 'event' })).toBe(0)
  })

  it('are looked up once for an index of the dictionary', () => {
    const asked: number[] = []
    const routes = makeRoutes(datasets, (index) => {
      asked.push(index)
      return signalOf(index === 0 ? 'a/x' : 'a/secret', { unit: 'Cel' })
    })
    expect([0, 1, 0, 1].map((index) => routes(index).length)).toEqual([1, 0, 1, 0])
    expect(asked).toEqual([0, 1])
  })
})

describe('the quality of a reading', () => {
  it('decides whether it is used: good, used and marked, or left out', () => {
    const use = { good: USED, uncertain: UNCERTAIN, bad: LEFT_OUT }
    const codes = QUALITY_CODES.map((_, code) => code)
    expect(codes.map((code) => USE[code])).toEqual(codes.map((code) => use[qualityOf(code).quality]))
  })

  it('is left out where a newer version wrote it', () => {
    expect(new Set(USE.subarray(QUALITY_CODES.length))).toEqual(new Set([LEFT_OUT]))
    expect(USE).toHaveLength(256)
  })
})
