import { describe, expect, it } from 'vitest'
import { exampleFacts, type Otherwise } from '../test/support/policy-facts.ts'
import { comparePolicies } from './diff.ts'

const oil = { from: '{asset}/oil', range: [0, 100], step: 0.5, accept_risk: 'agreed on 2026-10-01' }
const press = { class: 'press', place: 'hall', cycle_time: '10s' }
const both = { 'press-7': press, 'press-8': press }
const column = { meaning: 'oil', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.1 }
const stream = (one: object, rest: object = {}) => ({
  stream: {
    kind: 'stream',
    grid: '1m',
    columns: {
      oil: { ...column, ...one },
      state: { meaning: 'state', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] },
    },
    ...rest,
  },
})
const rate = (over: string, floor: number) => ({
  rate: { of: '{asset}/ng', over, kind: 'counter', floor },
  range: [0, 20],
  step: 0.1,
  noise: { epsilon: 0.5 },
})

/** `what changes`, the change, and its lines from the example to it; the way back says the opposite. */
const ways: readonly (readonly [string, Otherwise, readonly string[]])[] = [
  [
    'a finer step',
    { rules: { stream: { oil: { ...oil, step: 0.25 } } } },
    ['looser stream.oil step 0.5 Cel → 0.25 Cel'],
  ],
  [
    'a wider range',
    { rules: { stream: { oil: { ...oil, range: [0, 200] } } } },
    ['looser stream.oil range 0 to 100 Cel → 0 to 200 Cel'],
  ],
  ['a later end', { policy: { expires: '2029-12-31' } }, ['looser policy expires 2028-12-31 → 2029-12-31']],
  [
    'a lower floor',
    { rules: { hourly: { defects: rate('{asset}/total', 50) } } },
    ['looser hourly.defects floor 100 → 50'],
  ],
  ['a looser profile', { policy: { profile: 'ml-stream' } }, ['looser policy profile balanced → ml-stream']],
  ['an asset more', { assets: { ...both, 'press-9': press } }, ['looser assets.press-9 rows ∅ → press']],
  [
    'a column more',
    { rules: { stream: { peak: { from: '{asset}/oil', range: [0, 100], step: 1 } } } },
    ['looser stream.peak column ∅ → max over 5m of press-7/oil, press-8/oil, 0 to 100 Cel in steps of 1 Cel'],
  ],
  [
    'a shorter window',
    { datasets: stream({}, { grid: '30s' }), policy: { profile: 'ml-stream' } },
    [
      'looser policy profile balanced → ml-stream',
      'changed stream slot 1m → 30s',
      'looser stream.oil window 1m → 30s',
      'looser stream.state window 1m → 30s',
    ],
  ],
  [
    'a larger epsilon of a column',
    { rules: { hourly: { defects: { ...rate('{asset}/total', 100), noise: { epsilon: 1 } } } } },
    ['looser hourly.defects noise epsilon 0.5, standard deviation 2.83 % → epsilon 1, standard deviation 1.41 %'],
  ],
  [
    'a larger budget',
    { policy: { budget: { window: '1d', epsilon: 8 } } },
    ['looser policy budget epsilon 4 in any 1d → epsilon 8 in any 1d'],
  ],
  [
    'as large a budget of a shorter span',
    { policy: { budget: { window: '8h', epsilon: 4 } } },
    ['looser policy budget epsilon 4 in any 1d → epsilon 4 in any 8h'],
  ],
  [
    'an accepted risk',
    { rules: { hourly: { defects: { ...rate('{asset}/total', 100), accept_risk: 'why not' } } } },
    ['looser hourly.defects accepted risk ∅ → why not'],
  ],
]

const told = (from: Otherwise, to: Otherwise): readonly string[] =>
  comparePolicies(exampleFacts(from), exampleFacts(to)).map(
    ({ kind, where, what, before, after }) => `${kind} ${where} ${what} ${before ?? '∅'} → ${after ?? '∅'}`,
  )

describe('two policies compared', () => {
  it('finds nothing between a policy and itself', () => expect(told({}, {})).toEqual([]))

  it.each(ways)('says of %s that it is looser', (_, change, lines) => expect(told({}, change)).toEqual(lines))

  it.each(ways)('says of %s on the way back that it is tighter', (_, change) => {
    const kinds = (from: Otherwise, to: Otherwise) => told(from, to).map((line) => line.split(' ')[0])
    const opposite = { looser: 'tighter', changed: 'changed' } as Readonly<Record<string, string>>
    expect(kinds(change, {}).toSorted()).toEqual(
      kinds({}, change)
        .map((kind) => opposite[kind!])
        .toSorted(),
    )
  })

  it('takes a range that moves for looser: values show that were hidden', () =>
    expect(told({}, { rules: { stream: { oil: { ...oil, range: [50, 150] } } } })).toEqual([
      'looser stream.oil range 0 to 100 Cel → 50 to 150 Cel',
    ]))

  it('names the signals that begin and cease to feed a column', () =>
    expect(
      told(
        {},
        {
          rules: { hourly: { humidity: { from: 'press-9/oil', range: [0, 100], step: 1 } } },
          datasets: { hourly: HOURLY_IN_K },
        },
      ),
    ).toEqual([
      'changed hourly.humidity unit 0 to 100 % in steps of 1 → 0 to 100 K in steps of 1',
      'looser hourly.humidity source of press-7 ∅ → press-9/oil',
      'tighter hourly.humidity source of press-7 hall/humidity → ∅',
      'looser hourly.humidity source of press-8 ∅ → press-9/oil',
      'tighter hourly.humidity source of press-8 hall/humidity → ∅',
    ]))

  it('cannot order statistics and units: they are changed', () => {
    expect(told({}, { datasets: stream({ stat: 'max' }) })).toEqual(['changed stream.oil statistic mean → max'])
    expect(told({}, { rules: { hourly: { defects: rate('press-8/total', 100) } } })).toContain(
      'tighter hourly.defects source of press-7 press-7/total → ∅',
    )
  })

  it('says that noise which goes is looser', () => {
    const { noise: _, ...bare } = rate('{asset}/total', 100)
    expect(told({}, { rules: { hourly: { defects: bare } } })).toContain(
      'looser hourly.defects noise epsilon 0.5, standard deviation 2.83 % → ∅',
    )
  })

  it('compares decimals, not their text', () =>
    expect(told({}, { rules: { stream: { oil: { ...oil, step: '0.50', range: ['0.0', '1e2'] } } } })).toEqual([]))
})

const HOURLY_IN_K = {
  kind: 'table',
  window: '1h',
  columns: {
    defects: { meaning: 'defects', stat: 'rate', unit: '%', range: [0, 100], step: 0.1 },
    humidity: { meaning: 'humidity', stat: 'mean', unit: 'K', range: [0, 200], step: 0.1 },
  },
}
