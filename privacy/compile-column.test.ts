import { describe, expect, it } from 'vitest'
import type { SignalSpec } from '../core/signal.ts'
import {
  compile,
  compileOne,
  contractOf,
  type OneColumn,
  policyOf,
  signalOf,
  toldOf,
} from '../test/support/disclosure.ts'

const mean = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.001 }
const share = { meaning: 'm', stat: 'rate', unit: '1', range: [0, 1], step: 0.0001 }
const states = { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] }
const signals: readonly SignalSpec[] = [
  signalOf('press-7/oil', { unit: 'Cel' }),
  signalOf('press-7/bare'),
  signalOf('press-7/open', { type: 'bool' }),
  signalOf('press-7/ng', { unit: '{count}' }),
  signalOf('press-7/total', { unit: '{count}' }),
  signalOf('press-7/state', { type: 'uint16', labels: { 0: 'idle', 1: 'secret' } }),
]
const fine = { from: '{asset}/oil', range: [0, 100], step: 1 }
const counters = { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor: 10 }

const one = (given: OneColumn) => compileOne(given, signals)
const told = (given: OneColumn) => toldOf(one(given))

describe('a column of numbers', () => {
  it.each<[string, OneColumn, readonly string[]]>([
    ['that is right', [mean, fine], []],
    ['without a range', [mean, { from: '{asset}/oil', step: 5 }], [': "range" is missing']],
    ['without a step', [mean, { from: '{asset}/oil', range: [0, 100] }], [': "step" is missing']],
    [
      'without a step, and off the grid of the contract',
      [mean, { from: '{asset}/oil', range: [0, 100.0005] }],
      [': "step" is missing'],
    ],
    ['with neither', [mean, { from: '{asset}/oil' }], [': "range" is missing', ': "step" is missing']],
    [
      'below the contract',
      [mean, { ...fine, range: [-51, 100], step: 1.51 }],
      ['range: the range is wider than the contract allows'],
    ],
    [
      'above the contract',
      [mean, { ...fine, range: [0, 202], step: 2.02 }],
      ['range: the range is wider than the contract allows'],
    ],
    ['as wide as the contract', [mean, { ...fine, range: [-50, 200], step: 2.5 }], []],
    [
      'finer than the contract',
      [
        { ...mean, step: 2 },
        { ...fine, step: 1 },
      ],
      ['step: the step is finer than the contract allows'],
    ],
    ['as fine as the contract', [{ ...mean, step: 1 }, fine], []],
    ['with its bounds the wrong way round', [mean, { ...fine, range: [100, 0] }], ['range: the range is empty']],
    ['with an empty range', [mean, { ...fine, range: [5, 5] }], ['range: the range is empty']],
    [
      'with a step of zero',
      [mean, { ...fine, step: 0 }],
      [
        'step: the step is not above zero',
        'step: the step is finer than the contract allows',
        'step: the step is finer than balanced allows',
      ],
    ],
    ['not on a grid', [mean, { ...fine, step: 3 }], ['step: the range is not a whole number of steps']],
    [
      'with more digits than a double holds',
      [mean, { ...fine, range: ['0', '100.00000000000000001'], step: '100.00000000000000001' }],
      ['step: range and step have too many digits'],
    ],
    [
      'that is fed as a rate',
      [mean, { rate: counters, range: [0, 100], step: 1 }],
      [
        'rate: the column is not a rate: its statistic is mean',
        'rate.of: "press-7/ng" is in {count}, which cannot be converted to Cel',
        'rate.over: "press-7/total" is in {count}, which cannot be converted to Cel',
      ],
    ],
  ])('%s', (_, given, expected) => expect(told(given)).toEqual(expected))

  it.each<[string, OneColumn, string]>([
    ['a step that fits', [mean, { ...fine, step: 3 }], '3.125 would divide it, or change the range'],
    [
      'a step that fits where the step is wider than the range',
      [mean, { ...fine, step: 101 }],
      '100 would divide it, or change the range',
    ],
    [
      'a step that fits a range of small parts',
      [mean, { ...fine, range: [0.01, 0.32], step: 0.02 }],
      '0.031 would divide it, or change the range',
    ],
    [
      'the step of the profile',
      [mean, { ...fine, step: 0.5 }],
      'write at least 1, or add `accept_risk: "…" with the reason`',
    ],
    ['the step of the contract', [{ ...mean, step: 2 }, fine], 'write at least 2'],
    ['the range of the contract', [mean, { ...fine, range: [0, 300], step: 3 }], 'stay within -50 to 200 Cel'],
  ])('is told %s', (_, given, hint) => expect(one(given).problems.map((problem) => problem.hint)).toEqual([hint]))

  it.each<[string, object, string]>([
    ['no whole number of steps', { step: 3 }, 'in the contract, the range is not a whole number of steps'],
    ['empty', { range: [10, 0] }, 'in the contract, the range is empty'],
    ['without a step', { step: 0 }, 'in the contract, the step is not above zero'],
    ['too fine', { range: [0, '1e-30'], step: '1e-30' }, 'in the contract, range and step have too many digits'],
  ])('without a rule, whose range is %s, is the fault of the contract', (_, wrong, message) => {
    const contract = contractOf({ s: { kind: 'stream', grid: '1m', columns: { x: mean, y: { ...mean, ...wrong } } } })
    expect(compile(contract, policyOf({ s: { x: fine } }), signals).problems).toEqual([
      { path: ['datasets', 's', 'y'], message, hint: 'ask the pool for a right contract' },
    ])
  })
})

describe('the floor of a profile', () => {
  const at = (profile: string, step: number, rest: object = {}): OneColumn => [
    mean,
    { ...fine, step, ...rest },
    { profile },
  ]
  const hundredth = { ...share, step: 0.00001 }
  const rate = (profile: string, range: readonly number[], step: number, column: object = hundredth): OneColumn => [
    column,
    { rate: counters, range, step },
    { profile },
  ]
  const percent = { ...hundredth, unit: '%', range: [0, 100] }
  it.each<[string, OneColumn, string | undefined]>([
    ['balanced: a hundredth of the range', at('balanced', 1), undefined],
    ['balanced: finer', at('balanced', 0.8), 'write at least 1'],
    ['balanced: of a narrow range', at('balanced', 0.1, { range: [20, 30] }), undefined],
    [
      'balanced: finer than a hundredth of a narrow range',
      at('balanced', 0.08, { range: [20, 28.08] }),
      'write at least 0.0808',
    ],
    ['ml-stream: two thousandths', at('ml-stream', 0.2), undefined],
    ['ml-stream: finer', at('ml-stream', 0.1), 'write at least 0.2'],
    ['balanced: a rate in thousandths of 1, whatever its range', rate('balanced', [0, 0.01], 0.001), undefined],
    [
      'balanced: a finer rate, though a hundredth of its range',
      rate('balanced', [0, 0.05], 0.0005),
      'write at least 0.001',
    ],
    ['balanced: a rate in percent', rate('balanced', [0, 20], 0.1, percent), undefined],
    ['balanced: a finer rate in percent', rate('balanced', [0, 20], 0.05, percent), 'write at least 0.1'],
    ['ml-stream: a rate in two thousandths of its range', rate('ml-stream', [0, 0.1], 0.0002), undefined],
    ['ml-stream: a finer rate', rate('ml-stream', [0, 0.1], 0.0001), 'write at least 0.0002'],
  ])('%s', (_, given, hint) => {
    const profile = given[2]!.profile
    expect(one(given).problems).toEqual(
      hint === undefined
        ? []
        : [
            {
              path: ['datasets', 's', 'x', 'step'],
              message: `the step is finer than ${profile} allows`,
              hint: `${hint}, or add \`accept_risk: "…" with the reason\``,
            },
          ],
    )
  })

  it.each<[string, object, object, string, string, string | undefined]>([
    ['balanced: a minute', mean, fine, 'balanced', '1m', undefined],
    ['balanced: less', mean, fine, 'balanced', '30s', 'the window of 30s is shorter than balanced allows (1m)'],
    ['balanced: a longer window on a fine grid', { ...mean, window: '1m' }, fine, 'balanced', '10s', undefined],
    ['ml-stream: ten seconds', mean, fine, 'ml-stream', '10s', undefined],
    ['ml-stream: less', mean, fine, 'ml-stream', '5s', 'the window of 5s is shorter than ml-stream allows (10s)'],
    [
      'balanced: states',
      states,
      { from: '{asset}/state' },
      'balanced',
      '30s',
      'the window of 30s is shorter than balanced allows (1m)',
    ],
  ])('is a window too, %s', (_, column, rule, profile, grid, message) => {
    const assets = { 'press-7': { class: 'press', cycle_time: '1s' } }
    expect(told([column, rule, { profile, grid, assets }])).toEqual(message === undefined ? [] : [`: ${message}`])
  })

  it.each<[string, OneColumn]>([
    ['of the step', [mean, { ...fine, step: 0.1, accept_risk: 'agreed' }]],
    ['of the window', [mean, { ...fine, accept_risk: 'agreed' }, { grid: '1s' }]],
    ['of states', [states, { from: '{asset}/state', accept_risk: 'agreed' }, { grid: '1s' }]],
  ])('%s may be accepted as a risk, which the plan then shows', (_, given) => {
    expect(told(given)).toEqual([])
    expect(one(given).plan?.datasets[0]?.columns[0]?.accepted_risk).toBe('agreed')
  })

  it.each<[string, object, string]>([
    ['the range of the contract', { range: [0, 1000], step: 10 }, 'range: the range is wider than the contract allows'],
    ['the step of the contract', { step: 0.0005 }, 'step: the step is finer than the contract allows'],
  ])('is all that can be accepted as a risk: not %s', (_, rest, problem) =>
    expect(told([mean, { ...fine, ...rest, accept_risk: 'agreed' }])).toEqual([problem]),
  )
})

describe('a rate', () => {
  const rule = { rate: counters, range: [0, 0.2], step: 0.001 }
  it.each<[string, OneColumn, readonly string[]]>([
    ['that is right', [share, rule], []],
    ['without counters', [share, { ...rule, rate: undefined, from: '{asset}/bare' }], ['from: the column is a rate']],
    [
      'in a unit of something',
      [
        { ...share, unit: 'kg' },
        { ...rule, range: [0, 1], step: 0.01 },
      ],
      [': a rate cannot be given in kg'],
    ],
    [
      'of what does not count',
      [share, { ...rule, rate: { ...counters, of: '{asset}/oil', over: '{asset}/open' } }],
      [
        'rate.of: "press-7/oil" is in Cel, which cannot be converted to 1',
        'rate.over: "press-7/open" is a bool, and the column holds numbers',
      ],
    ],
    [
      'of signals that are not there',
      [share, { ...rule, rate: { ...counters, of: '{asset}/of', over: '{asset}/over' } }],
      ['rate.of: there is no signal "press-7/of"', 'rate.over: there is no signal "press-7/over"'],
    ],
  ])('%s', (_, given, expected) => expect(told(given)).toEqual(expected))

  it('knows the factor from 1 to its unit, its floor and both inputs', () => {
    const { plan } = one([
      { ...share, unit: '%', range: [0, 100] },
      { rate: counters, range: [0, 20], step: 0.1 },
    ])
    expect(plan?.datasets[0]?.columns[0]).toMatchObject({
      stat: 'rate',
      factor: 100,
      floor: 10,
      inputs: [[{ id: 'press-7/ng' }, { id: 'press-7/total' }]],
    })
  })
})
