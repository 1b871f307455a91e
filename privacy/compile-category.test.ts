import { describe, expect, it } from 'vitest'
import type { SignalSpec } from '../core/signal.ts'
import {
  compileOne,
  contractOf,
  type OneColumn,
  planOf,
  policyOf,
  signalOf,
  toldOf,
} from '../test/support/disclosure.ts'

const mean = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.1 }
const states = { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] }
const counters = { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor: 10 }
const signals: readonly SignalSpec[] = [
  signalOf('press-7/oil', { unit: 'Cel' }),
  signalOf('press-7/open', { type: 'bool' }),
  signalOf('press-7/text', { type: 'string' }),
  signalOf('press-7/ng', { unit: '{count}' }),
  signalOf('press-7/total', { unit: '{count}' }),
  signalOf('press-7/state', { type: 'uint16', labels: { 0: 'idle', 1: 'secret' } }),
  signalOf('press-7/alien', { type: 'uint16', labels: { 0: 'Idle', 1: 'secret' } }),
  signalOf('press-7/code', { type: 'uint16' }),
]
const told = (given: OneColumn) => toldOf(compileOne(given, signals))

describe('a column of states', () => {
  const rule = { from: '{asset}/state' }
  const cycles = (cycle_time: string | undefined) => ({ assets: { a: { class: 'press', cycle_time } } })
  const fixed = { from: 'press-7/state' }
  it.each<[string, OneColumn, readonly string[]]>([
    ['that is right', [states, rule], []],
    [
      'with the shape of a number',
      [states, { ...rule, range: [0, 1], step: 1 }],
      ['range: a category has no range', 'step: a category has no step'],
    ],
    [
      'fed as a rate',
      [states, { rate: counters }],
      [
        'rate: a category has no rate',
        'rate.of: "press-7/ng" is a float64, and the column holds categories',
        'rate.over: "press-7/total" is a float64, and the column holds categories',
      ],
    ],
    [
      'of a machine whose cycle is not known',
      [states, fixed, cycles(undefined)],
      ['assets.a: column x shows states, and "a" has no cycle_time'],
    ],
    [
      'of a machine whose cycle is not known, whatever is accepted',
      [states, { ...fixed, accept_risk: 'agreed' }, cycles(undefined)],
      ['assets.a: column x shows states, and "a" has no cycle_time'],
    ],
    [
      'with a window of one cycle',
      [states, fixed, cycles('1m')],
      [': the window of 1m is not longer than a cycle of "a": the states show its cycles'],
    ],
    ['with a window just longer than a cycle', [states, fixed, cycles('59999ms')], []],
    [
      'with labels of which none is agreed',
      [states, { from: '{asset}/alien' }],
      ['from: none of the labels of "press-7/alien" is in the contract\'s vocabulary: idle, run'],
    ],
    [
      'of a measured value',
      [states, { from: '{asset}/oil' }],
      ['from: "press-7/oil" is a float64, and the column holds categories'],
    ],
    ['of a bool', [states, { from: '{asset}/open' }], []],
    ['of texts', [states, { from: '{asset}/text' }], []],
    ['of codes without labels', [states, { from: '{asset}/code' }], []],
  ])('%s', (_, given, expected) => expect(told(given)).toEqual(expected))

  it('needs no cycle time where no rule fills it', () => {
    const contract = contractOf({ s: { kind: 'stream', grid: '1m', columns: { x: mean, y: states } } })
    const [, y] = planOf(contract, policyOf({ s: { x: { from: '{asset}/oil', range: [0, 100], step: 1 } } }), signals)
      .datasets[0]!.columns
    expect(y).toMatchObject({ name: 'y', inputs: [], accepted_risk: null })
  })
})
