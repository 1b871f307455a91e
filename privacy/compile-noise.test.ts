import { describe, expect, it } from 'vitest'
import { compile, contractOf, planOf, policyOf, signalOf, toldOf } from '../test/support/disclosure.ts'

const number = { meaning: 'm', unit: 'Cel', range: [-50, 200], step: 0.1 }
const columns = {
  mean: { ...number, stat: 'mean' },
  max: { ...number, stat: 'max' },
  last: { ...number, stat: 'last' },
  rate: { ...number, stat: 'rate', unit: '%', range: [0, 100], step: 0.1 },
  state: { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] },
}
const contract = contractOf({ s: { kind: 'stream', grid: '1h', columns }, t: { kind: 'table', window: '1h', columns } })
const periodic = (every: number) => ({ cadence: { kind: 'periodic', every } as const })
const signals = [
  signalOf('press-7/oil', { unit: 'Cel', ...periodic(10_000) }),
  signalOf('press-7/odd', { unit: 'Cel', ...periodic(7_000) }),
  signalOf('press-7/event', { unit: 'Cel' }),
  signalOf('press-7/ng', { unit: '{count}' }),
  signalOf('press-7/total', { unit: '{count}', type: 'uint32' }),
  signalOf('press-7/dozens', { unit: '10*3' }),
  signalOf('press-7/state', { type: 'bool' }),
  signalOf('hall/oil', { unit: 'Cel', ...periodic(40_000) }),
]
const noise = { epsilon: 0.5 }
const budget = { window: '8h', epsilon: 4 }
const oil = { from: '{asset}/oil', range: [0, 120], step: 1.2, noise }
const rate = {
  rate: { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor: 1000 },
  range: [0, 20],
  step: 0.2,
  noise,
}

type Rules = Readonly<Record<string, object>>
function told(s: Rules, rest: object = { budget }, t?: Rules) {
  const assets = { 'press-7': { class: 'press', place: 'hall', cycle_time: '40s' } }
  const policy = policyOf({ s, ...(t ? { t } : {}) }, { assets, ...rest })
  return toldOf(compile(contract, policy, signals, ['press-7/wild']))
}

describe('noise of a column', () => {
  const noiseIn = (rules: Rules, name: string) => {
    const { datasets } = planOf(contract, policyOf({ s: rules }, { budget }), signals)
    return datasets[0]!.columns.find((one) => one.name === name)!.noise
  }

  it('of a mean follows from how many readings are due', () => {
    expect(noiseIn({ mean: { ...oil, step: 1.2 } }, 'mean')).toEqual({
      epsilon: '0.5',
      micro: 500_000,
      sensitivity: 1, // of 360 readings one moves the mean by a third of a step
      scale: { t: 2, s: 1 },
      unit: 'one reading',
      readings: { 'press-7/oil': 360 },
    })
    const fine = { ...oil, step: 0.1, accept_risk: 'agreed' }
    expect(noiseIn({ mean: fine }, 'mean')).toMatchObject({ sensitivity: 4, scale: { t: 8, s: 1 } })
  })

  it('of an extreme is as wide as the range', () => {
    expect(noiseIn({ max: oil }, 'max')).toMatchObject({ sensitivity: 100, scale: { t: 200, s: 1 }, readings: {} })
  })

  it('of a rate follows from the floor, in its own unit', () => {
    expect(noiseIn({ rate }, 'rate')).toMatchObject({ sensitivity: 1, unit: 'one part from good to bad' })
    const low = { ...rate, rate: { ...rate.rate, floor: 99 } }
    expect(noiseIn({ rate: low }, 'rate')).toMatchObject({ sensitivity: 6 }) // 100 % ÷ (99 · 0.2 %) = 5.05
  })

  it('is computed for the asset of which fewest readings are due', () => {
    const assets = { 'press-7': { class: 'press' }, hall: { class: 'oven' } }
    const rules = { mean: { ...oil, step: 0.1, accept_risk: 'agreed' } }
    const { datasets } = planOf(contract, policyOf({ s: rules }, { assets, budget }), signals)
    expect(datasets[0]!.columns[0]).toMatchObject({
      noise: { sensitivity: 14, readings: { 'press-7/oil': 360, 'hall/oil': 90 } },
    })
  })
})

describe('a signal that several assets share', () => {
  const assets = Object.fromEntries(
    ['press-7', 'press-8', 'press-9'].map((name) => [name, { class: 'press', place: 'hall' }]),
  )
  const counters = ['press-7/ng', 'press-8/ng', 'press-9/ng', 'hall/total'].map((id) =>
    signalOf(id, { unit: '{count}' }),
  )
  const told = (rule: object, most: number) =>
    toldOf(
      compile(contract, policyOf({ s: rule }, { assets, budget: { window: '8h', epsilon: most } }), [
        ...signals,
        ...counters,
      ]),
    )
  const shared = { rate: { ...rate, rate: { ...rate.rate, over: '{place}/total' }, noise: { epsilon: 1 } } }

  it('is charged for the draw of each, as the run does', () => {
    expect(told(shared, 2.9)).toEqual([
      'budget.epsilon: windows of s.rate together charge "hall/total" with 3, more than this budget',
    ])
    expect(told(shared, 3)).toEqual([])
  })

  it('is charged once where they share all that feeds the column', () => {
    expect(told({ mean: { ...oil, from: '{place}/oil', noise: { epsilon: 1 } } }, 1)).toEqual([])
  })
})

describe('a policy with noise', () => {
  const risk = { accept_risk: 'agreed' }
  const strict = { profile: 'strict', budget: { window: '1d', epsilon: 1 } }
  const coarse = { ...oil, step: 2.4 }
  it.each<[string, Rules, object, Rules | undefined, readonly string[]]>([
    ['without a budget', { mean: oil }, {}, undefined, ['s.mean.noise: noise needs a budget']],
    [
      'that asks for more than its budget in one window',
      { mean: { ...oil, noise: { epsilon: 4.1 } } },
      { budget },
      undefined,
      ['s.mean.noise.epsilon: one window is charged with 4.1, more than the budget of 4'],
    ],
    [
      'whose columns together ask for more than its budget',
      { mean: { ...oil, noise: { epsilon: 2.5 } }, max: { ...oil, noise: { epsilon: 1 } } },
      { budget },
      { mean: oil },
      [],
    ],
    [
      'whose columns together ask for a millionth more',
      { mean: { ...oil, noise: { epsilon: 2.5 } }, max: { ...oil, noise: { epsilon: 1.000001 } } },
      { budget },
      { mean: oil },
      [
        'budget.epsilon: windows of s.mean, s.max, t.mean together charge "press-7/oil" with 4.000001, more than this budget',
      ],
    ],
    [
      'that publishes a signal without noise as well',
      { mean: oil },
      { budget },
      { max: { from: 'press-7/oil', range: [0, 120], step: 1.2 } },
      ['t.max: "press-7/oil" has noise in s.mean, and would be published here without'],
    ],
    [
      'that publishes the lower counter of a rate without noise',
      { rate, state: { from: '{asset}/total' } },
      { budget },
      undefined,
      ['s.state: "press-7/total" has noise in s.rate, and would be published here without'],
    ],
    [
      'on a statistic that cannot have it',
      { last: oil, state: { from: '{asset}/state', noise } },
      { budget },
      undefined,
      ['s.last.noise: a column of last cannot have noise', 's.state.noise: a category has no noise'],
    ],
    [
      'on a mean of what is not periodic',
      { mean: { ...oil, from: '{asset}/event' }, max: { ...oil, from: '{asset}/event' } },
      { budget },
      undefined,
      [
        's.mean.noise: "press-7/event" is not known to be periodic, so how far one reading moves a mean is not known either',
      ],
    ],
    [
      'on a mean of what a wildcard may bring',
      { mean: { ...oil, from: '{asset}/wild' } },
      { budget },
      undefined,
      [
        's.mean.noise: "press-7/wild" is not known to be periodic, so how far one reading moves a mean is not known either',
      ],
    ],
    [
      'on a mean of what comes at odd times',
      { mean: { ...oil, from: '{asset}/odd' } },
      { budget },
      undefined,
      ['s.mean.noise: "press-7/odd" comes every 7s, which does not divide the window of 1h'],
    ],
    [
      'on a rate whose counter does not count single parts',
      { rate: { ...rate, rate: { ...rate.rate, of: '{asset}/dozens' } } },
      { budget },
      undefined,
      ['s.rate.rate.of: "press-7/dozens" is in 10*3, so one part does not count one'],
    ],
    [
      'on a rate whose counters wrap',
      { rate: { ...rate, wrap: 65_536 } },
      { budget },
      undefined,
      ['s.rate.wrap: a rate with noise counts no wrap: its upper counter only counts forward'],
    ],
    [
      'that cannot be drawn exactly',
      { max: { ...oil, range: [0, 100], step: 0.00001, ...risk, noise: { epsilon: 0.000001 } } },
      { budget },
      undefined,
      [
        's.max.step: the step is finer than the contract allows',
        's.max.noise: range, step and epsilon are too fine for noise that is drawn exactly',
      ],
    ],
    ['under strict', { mean: coarse }, strict, undefined, []],
    [
      'under strict, but not everywhere',
      { mean: coarse, state: { from: '{asset}/state' }, last: { ...coarse, from: '{asset}/event', noise: undefined } },
      strict,
      undefined,
      ['s.last: strict needs noise', 's.state: strict needs noise'],
    ],
    [
      'under strict, with the reason of what has none',
      { mean: coarse, state: { from: '{asset}/state', ...risk } },
      strict,
      undefined,
      [],
    ],
    [
      'under strict, with a budget for more than 1 a day',
      { mean: coarse },
      { ...strict, budget: { window: '7h', epsilon: 0.5 } },
      undefined,
      ['budget.epsilon: this budget lets 2 a day be spent on a signal, and strict allows 1'],
    ],
  ])('%s', (_, s, rest, t, expected) => {
    expect(told(s, rest, t).map((one) => one.replace('datasets.', ''))).toEqual(expected)
  })

  it.each(['0', '-1', '0.0000001', '1001'])('does not take an epsilon of %s', (epsilon) => {
    expect(() => told({ mean: { ...oil, noise: { epsilon } } })).toThrow('cannot be counted as an epsilon')
  })
})
