import { describe, expect, it } from 'vitest'
import type { Cadence, SignalSpec } from '../core/signal.ts'
import {
  compile,
  compileOne,
  contractOf,
  type OneColumn,
  planOf,
  policyOf,
  signalOf,
  toldOf,
} from '../test/support/disclosure.ts'

const column = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.001 }
const std = { ...column, stat: 'std' }
const share = { ...column, stat: 'share_true', unit: '%', range: [0, 100] }
const rate = { ...column, stat: 'rate', unit: '1', range: [-1, 1] }
const delta = { ...column, stat: 'delta', unit: '{count}', range: [-100, 1000] }
const mode = { meaning: 'm', type: 'category', stat: 'mode', vocabulary: ['idle', 'run'] }
const signals: readonly SignalSpec[] = [
  signalOf('press-7/oil', { unit: 'Cel' }),
  signalOf('press-7/open', { type: 'bool' }),
  signalOf('press-7/ng', { unit: '{count}' }),
  signalOf('press-7/total', { unit: '{count}', type: 'uint16' }),
  signalOf('press-7/tens', { unit: '{count}', type: 'uint16', scale: '10' }),
  signalOf('press-7/state', { type: 'uint16', labels: { 0: 'idle', 1: 'run' } }),
]
const oil = { from: '{asset}/oil', range: [0, 100], step: 1 }
const open = { from: '{asset}/open', range: [0, 100], step: 1 }
const made = { from: '{asset}/total', range: [0, 1000], step: 50 }
const counters = { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor: 10 }
const rates = { rate: counters, range: [0, 1], step: 0.1 }

const told = (given: OneColumn) => toldOf(compileOne(given, signals))

describe('the statistic of a column', () => {
  it.each<[string, OneColumn, readonly string[]]>([
    ['may be a standard deviation', [std, oil], []],
    ['may be a share', [share, open], []],
    ['may be a share of false', [{ ...share, stat: 'share_false' }, open], []],
    ['may be a delta', [delta, made], []],
    ['may be a mode', [mode, { from: '{asset}/state' }], []],
    [
      'is never below zero: a standard deviation',
      [std, { ...oil, range: [-10, 90] }],
      ['range: the range begins below zero, and a std is never there'],
    ],
    [
      'is never below zero: a share',
      [
        { ...share, range: [-50, 50] },
        { ...open, range: [-50, 50] },
      ],
      ['range: the range begins below zero, and a share_true is never there'],
    ],
    [
      'is never below zero: a rate',
      [rate, { ...rates, range: [-1, 1] }],
      ['range: the range begins below zero, and a rate is never there'],
    ],
    [
      'is never below zero: a delta',
      [delta, { ...made, range: [-100, 900] }],
      ['range: the range begins below zero, and a delta is never there'],
    ],
    [
      'is never above all: a share',
      [
        { ...share, range: [0, 200] },
        { ...open, range: [0, 200], step: 2 },
      ],
      ['range: the range ends above 100, and a share_true is never there'],
    ],
    [
      'is given in no unit of something: a share',
      [{ ...share, unit: 'kg' }, open],
      [': a share cannot be given in kg'],
    ],
    [
      'is one of bools: a share',
      [share, { ...open, from: '{asset}/total' }],
      ['from: "press-7/total" is a uint16, and a share_true is one of a bool'],
    ],
    [
      'is none of bools: a delta',
      [delta, { ...made, from: '{asset}/open' }],
      ['from: "press-7/open" is a bool, and the column holds numbers'],
    ],
    [
      'needs a zero to count from: a delta',
      [
        { ...delta, unit: 'K' },
        { ...made, from: '{asset}/oil' },
      ],
      ['from: "press-7/oil" is in Cel, whose zero is not that of K'],
    ],
    [
      'is of two counters: a rate',
      [rate, { ...rates, rate: { ...counters, of: '{asset}/total' } }],
      ['rate.over: a counter divided by itself is always 1'],
    ],
    ['has no shape of numbers: a mode', [mode, { from: '{asset}/state', wrap: 8 }], ['wrap: a category has no wrap']],
  ])('%s', (_, given, expected) => expect(told(given)).toEqual(expected))

  it('of categories has a vocabulary in which no word stands twice', () => {
    const twice = { ...mode, vocabulary: ['run', 'run'] }
    expect(() => contractOf({ s: { kind: 'stream', grid: '1m', columns: { x: twice } } })).toThrow(
      'a word stands there twice',
    )
  })
})

describe('a wrap', () => {
  it.each<[string, OneColumn, readonly string[]]>([
    ['may be that of the type', [delta, { ...made, wrap: 65_536 }], []],
    ['may be before that of the type', [delta, { ...made, wrap: 10_000 }], []],
    ['may be that of both counters of a rate', [rate, { ...rates, wrap: 1_000 }], []],
    [
      'is not beyond what the type holds',
      [delta, { ...made, wrap: 65_537 }],
      ['from: "press-7/total" is a uint16, which wraps before 65537'],
    ],
    [
      'may be beyond what the type holds before it is scaled',
      [delta, { ...made, from: '{asset}/tens', wrap: 655_360 }],
      [],
    ],
    ['is above zero', [delta, { ...made, wrap: 0 }], ['wrap: a counter wraps above zero']],
    [
      'is one of counters',
      [column, { ...oil, wrap: 256 }],
      ['wrap: nothing wraps in a column whose statistic is mean'],
    ],
  ])('%s', (_, given, expected) => expect(told(given)).toEqual(expected))

  it.each<[string, OneColumn, number]>([
    ['as it is written', [delta, { ...made, wrap: '65536' }], 65_536],
    ['none where none is written: a step back is a reset', [delta, made], 0],
    ['of a rate', [rate, { ...rates, wrap: 256 }], 256],
  ])('is in the plan %s', (_, given, wrap) =>
    expect(compileOne(given, signals).plan?.datasets[0]?.columns[0]).toMatchObject({ wrap }),
  )
})

describe('the floor of a profile', () => {
  const cycles = (cycle_time?: string) => ({ assets: { 'press-7': { class: 'press', cycle_time } } })
  const shown: readonly (readonly [string, object, object])[] = [
    ['shares', share, open],
    ['counts', delta, made],
    ['states', mode, { from: '{asset}/state' }],
  ]
  it.each(shown)('for %s is a window longer than a cycle', (shown, column, rule) => {
    const window = `: the window of 1m is not longer than a cycle of "press-7": the ${shown} show its cycles`
    expect(told([column, rule, cycles('1m')])).toEqual([window])
    expect(told([column, rule, cycles('59s')])).toEqual([])
    expect(told([column, { ...rule, accept_risk: 'agreed' }, cycles('1m')])).toEqual([])
  })

  it.each(shown)('for %s needs the time of a cycle', (shown, column, rule) =>
    expect(told([column, rule, cycles()])).toEqual([
      `assets.press-7: column x shows ${shown}, and "press-7" has no cycle_time`,
    ]),
  )

  it.each(['mean', 'std', 'rate'])('asks for no cycle time of a %s', (stat) => {
    const [spec, rule] = stat === 'rate' ? [rate, rates] : [{ ...column, stat }, oil]
    expect(told([spec, rule, cycles()])).toEqual([])
  })

  it.each<[string, number, number]>([
    ['balanced', 50, 40],
    ['ml-stream', 10, 8],
  ])('for a delta is a coarse step: of 1000 %s allows %d, not %d', (profile, step, finer) => {
    const withStep = (step: number) => told([delta, { ...made, step }, { profile }])
    expect(withStep(step)).toEqual([])
    expect(withStep(finer)).toEqual([`step: the step is finer than ${profile} allows`])
  })
})

describe('what a value weighs', () => {
  const HOUR = 3_600_000
  const holds = (cadence: Cadence, spec: object = column, grid = '1m'): number | undefined => {
    const from = 'stat' in spec && spec.stat === 'delta' ? made : oil
    const counter = { unit: 'stat' in spec && spec.stat === 'delta' ? '{count}' : 'Cel' }
    const rows = [signalOf('press-7/oil', { ...counter, cadence }), signalOf('press-7/total', { ...counter, cadence })]
    return compileOne([spec, from, { grid }], rows).plan?.datasets[0]?.columns[0]?.inputs[0]?.[0]?.hold
  }
  it('is the time until the next where it is stored on change, at most its heartbeat, at most an hour or a window', () => {
    expect(holds({ kind: 'on_change', heartbeat: 600_000 })).toBe(600_000)
    expect(holds({ kind: 'on_change', heartbeat: 86_400_000 })).toBe(HOUR)
    const day = { kind: 'stream', grid: '1m', columns: { x: { ...column, window: '1d' } } }
    const rows = [signalOf('press-7/oil', { unit: 'Cel', cadence: { kind: 'on_change', heartbeat: 86_400_000 } })]
    const plan = planOf(contractOf({ s: day }), policyOf({ s: { x: oil } }), rows)
    expect(plan.datasets[0]!.columns[0]!.inputs[0]![0]!.hold).toBe(24 * HOUR)
  })

  it('is one reading where it is periodic, comes with an event, or counts', () => {
    expect(holds({ kind: 'periodic', every: 1_000 })).toBe(0)
    expect(holds({ kind: 'event' })).toBe(0)
    expect(holds({ kind: 'on_change', heartbeat: 600_000 }, delta)).toBe(0)
  })
})

describe('two columns that show the same', () => {
  const columns = { x: column, y: { ...column, unit: 'K', range: [0, 500] }, z: column }
  const contract = contractOf({
    a: { kind: 'stream', grid: '1m', columns },
    b: { kind: 'table', window: '1m', columns },
    c: { kind: 'table', window: '1h', columns },
  })
  const shifted = { ...oil, range: [0.5, 100.5] }
  const problem = (path: string, first: string) =>
    `datasets.${path}: ${first} shows the same on another grid: both together are finer than either`
  it.each<[string, object, readonly string[]]>([
    ['on one grid', { a: { x: oil, z: oil } }, []],
    ['on grids that are shifted', { a: { x: oil, z: shifted } }, [problem('a.z', 'a.x')]],
    ['on grids of two datasets', { a: { x: oil }, b: { z: shifted } }, [problem('b.z', 'a.x')]],
    ['in two units', { a: { x: oil, y: { ...oil, range: [273, 373] } } }, [problem('a.y', 'a.x')]],
    ['over two windows', { a: { x: oil }, c: { x: shifted } }, []],
    ['where the risk is accepted', { a: { x: oil, z: { ...shifted, accept_risk: 'agreed' } } }, []],
    ['where the first is accepted as one', { a: { x: { ...oil, accept_risk: 'agreed' }, z: shifted } }, []],
  ])('%s', (_, rules, expected) =>
    expect(toldOf(compile(contract, policyOf(rules as Record<string, unknown>), signals))).toEqual(expected),
  )

  it('are a share and the share that is left', () => {
    const shares = { t: share, f: { ...share, stat: 'share_false' } }
    const both = contractOf({ a: { kind: 'stream', grid: '1m', columns: shares } })
    const rules = { a: { t: open, f: { ...open, step: 2 } } }
    const assets = { 'press-7': { class: 'press', cycle_time: '1s' } }
    expect(toldOf(compile(both, policyOf(rules, { assets }), signals))).toEqual([problem('a.f', 'a.t')])
  })
})
