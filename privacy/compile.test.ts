import { describe, expect, it } from 'vitest'
import type { Contract } from '../core/contract.ts'
import { compile, contractOf, planOf, policyOf, signalOf, toldOf } from '../test/support/disclosure.ts'
import { compilePolicy, isExpired } from './compile.ts'
import { policySchema } from './schema.ts'

const oil = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.1 }
const state = { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] }
const fromOil = { from: '{asset}/oil', range: [0, 100], step: 1 }
const stream = { kind: 'stream', grid: '1m', columns: { oil, state } }
const contract = contractOf({ stream })
const policy = policyOf({ stream: { oil: fromOil } })
const signals = [signalOf('press-7/oil', { unit: 'Cel' }), signalOf('press-7/state', { type: 'bool' })]
const press = { class: 'press' }
const SAY_POOL = 'ask the pool for a right contract'

describe('the head of a policy', () => {
  it.each<[string, Contract, object, readonly string[]]>([
    [
      'of another pool',
      contractOf({ stream }, { pool: 'other' }),
      { ...policy, pool: 'other' },
      ['pool: the policy is for the pool "other"'],
    ],
    [
      'with the contract of another pool',
      contractOf({ stream }, { pool: 'other' }),
      policy,
      ['contract.file: the contract is of the pool "other"'],
    ],
    [
      'with epochs that go back',
      contractOf({ stream }, { epochs: ['2027-01-01', '2026-01-01'] }),
      policy,
      ['contract.file: the epochs of the contract are not ascending'],
    ],
    [
      'with an epoch twice',
      contractOf({ stream }, { epochs: ['2026-01-01', '2026-01-01'] }),
      policy,
      ['contract.file: the epochs of the contract are not ascending'],
    ],
    ['without an asset', contract, { ...policy, assets: {} }, ['assets: no asset is listed']],
    ['without a dataset', contract, { ...policy, datasets: {} }, ['datasets: no dataset is listed']],
    [
      'with a dataset that the contract does not have',
      contract,
      { ...policy, datasets: { stream: { oil: fromOil }, toString: { oil: fromOil } } },
      ['datasets.toString: the contract has no dataset "toString"'],
    ],
  ])('%s', (_, contract, policy, expected) => {
    expect(toldOf(compile(contract, policy as Record<string, unknown>, signals))).toEqual(expected)
  })

  it('says that the contract could not be read', () => {
    const compiled = compilePolicy({
      policy: policySchema.parse(policy),
      contract,
      contract_sha256: '',
      pool: 'krjp',
      known: () => ({ sources: [] }),
    })
    expect(toldOf(compiled)).toEqual(['contract.file: the contract could not be read'])
  })

  it('tells everything that is wrong at once', () => {
    const bad = { ...policyOf({ none: {}, stream: { nothing: fromOil } }), assets: { x: { class: 'robot' } } }
    expect(toldOf(compile(contract, { ...bad, pool: 'other' }, []))).toEqual([
      'pool: the policy is for the pool "other"',
      'contract.file: the contract is of the pool "krjp"',
      'assets.x.class: "robot" is not an asset class of the contract',
      'datasets.none: the contract has no dataset "none"',
      `datasets.stream.nothing: the contract's stream has no column "nothing"`,
    ])
  })
})

describe('an asset', () => {
  const dense = policyOf({ stream: { oil: { ...fromOil, from: 'press-7/oil' } } })
  it.each<[string, object, readonly string[]]>([
    [
      'of a class that is not agreed',
      { a: { class: 'Press' } },
      ['assets.a.class: "Press" is not an asset class of the contract'],
    ],
    ['that differs in case alone', { a: press, A: press }, ['assets.A: "A" and "a" would have one pseudonym']],
    ['that differs in width alone', { r7: press, r７: press }, ['assets.r７: "r７" and "r7" would have one pseudonym']],
    ['in half-width kana', { プレス: press, ﾌﾟﾚｽ: press }, ['assets.ﾌﾟﾚｽ: "ﾌﾟﾚｽ" and "プレス" would have one pseudonym']],
    [
      'that is the third of one name',
      { a: press, A: press, ａ: press },
      ['assets.A: "A" and "a" would have one pseudonym', 'assets.ａ: "ａ" and "A" would have one pseudonym'],
    ],
    ['of another name', { a: press, b: press, constructor: press }, []],
  ])('%s', (_, assets, expected) => {
    expect(toldOf(compile(contract, { ...dense, assets }, signals))).toEqual(expected)
  })
})

describe('a dataset', () => {
  const shapeless = (stream: object): Contract => contractOf({ stream: { kind: 'stream', grid: '1m', ...stream } })
  const table = { kind: 'table', window: '10m' }
  it.each<[string, Contract, readonly string[]]>([
    [
      'with slots of half seconds',
      shapeless({ grid: '1500ms', cadence: '3s', columns: { oil } }),
      ['slots of 1500ms are not whole seconds'],
    ],
    [
      'with slots that do not divide the cadence',
      shapeless({ grid: '10m', cadence: '15m', columns: { oil } }),
      ['slots of 10m do not divide the cadence of 15m'],
    ],
    [
      'with a cadence shorter than a slot',
      shapeless({ grid: '1h', cadence: '1m', columns: { oil } }),
      ['slots of 1h do not divide the cadence of 1m'],
    ],
    [
      'with a cadence that does not divide a day',
      shapeless({ cadence: '7m', columns: { oil } }),
      ['the cadence of 7m does not divide a day'],
    ],
    [
      'with a window that the grid does not divide',
      shapeless({ grid: '10m', columns: { oil: { ...oil, window: '15m' } } }),
      ['column oil: the grid does not divide the window of 15m, or that not a day'],
    ],
    [
      'with a window that does not divide a day',
      shapeless({ columns: { oil: { ...oil, window: '7m' } } }),
      ['column oil: the grid does not divide the window of 7m, or that not a day'],
    ],
    [
      'with a window shorter than the grid',
      shapeless({ columns: { oil: { ...oil, window: '30s' } } }),
      ['column oil: the grid does not divide the window of 30s, or that not a day'],
    ],
    [
      'that is a table with a window of its own in a column',
      contractOf({ stream: { ...table, columns: { oil: { ...oil, window: '1h' } } } }),
      ['column oil has a window of its own in a table'],
    ],
    [
      'with several mistakes',
      shapeless({ grid: '7m', cadence: '25m', columns: { oil: { ...oil, window: '1h' } } }),
      [
        'slots of 7m do not divide the cadence of 25m',
        'the cadence of 25m does not divide a day',
        'column oil: the grid does not divide the window of 1h, or that not a day',
      ],
    ],
    ['that is right', shapeless({ columns: { oil: { ...oil, window: '15m' } } }), []],
    [
      'that is right, and a table',
      contractOf({ stream: { ...table, columns: { oil: { ...oil, window: '10m' } } } }),
      [],
    ],
  ])('%s', (_, contract, messages) => {
    const compiled = compile(contract, policy, signals)
    expect(toldOf(compiled)).toEqual(messages.map((message) => `datasets.stream: ${message}`))
    expect(compiled.problems.map(({ hint }) => hint)).toEqual(messages.map(() => SAY_POOL))
  })

  it.each(['slot', 'asset', 'asset_class', 'window_s', 'q_oil'])('cannot have a column of the name %s', (name) => {
    // The contract's schema refuses these names too; a file must not depend on that alone.
    const columns = { ...contract.datasets.stream!.columns, [name]: contract.datasets.stream!.columns.oil! }
    const taken = { ...contract, datasets: { stream: { ...contract.datasets.stream!, columns } } } as Contract
    expect(toldOf(compile(taken, policy, signals))).toEqual([
      `datasets.stream: column ${name} has a name that is taken`,
    ])
  })

  it('with a rule for a column that it does not have, and one without any rule', () => {
    const { problems } = compile(
      contractOf({ stream, other: stream }),
      policyOf({ stream: { oil: fromOil, valueOf: fromOil }, other: {} }),
      signals,
    )
    expect(problems).toEqual([
      {
        path: ['datasets', 'stream', 'valueOf'],
        message: `the contract's stream has no column "valueOf"`,
        hint: 'it has oil, state',
      },
      { path: ['datasets', 'other'], message: 'no column has a rule', hint: 'write a rule, or remove the dataset' },
    ])
  })
})

describe('a plan', () => {
  it('has what the policy names in the order of the contract, and columns without a rule as they are agreed', () => {
    const all = contractOf({ b: stream, unnamed: stream, a: { ...stream, grid: '10m', cadence: '1h' } })
    const { datasets, ...head } = planOf(
      all,
      policyOf({ a: { oil: fromOil }, b: { oil: fromOil } }, { assets: { z: press, 'press-7': press } }),
      signals,
      ['z/oil'],
    )
    expect(head).toEqual({
      pool: 'krjp',
      budget: null,
      expires: Date.UTC(2028, 11, 31),
      epochs: [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)],
      grace: 30_000,
      max_wait: 600_000,
      assets: [
        { name: 'z', class: 'press' },
        { name: 'press-7', class: 'press' },
      ],
    })
    expect(datasets.map(({ name, slot }) => [name, slot])).toEqual([
      ['b', 60_000],
      ['a', 600_000],
    ])
    const [shown, unruled] = datasets[0]!.columns
    expect(shown).toEqual({
      kind: 'number',
      name: 'oil',
      type: 'float',
      stat: 'mean',
      unit: 'Cel',
      window: 60_000,
      min_share: 0.5,
      range: ['0', '100'],
      step: '1',
      grid: { low: 0, step: 1, power: 1, steps: 100 },
      accepted_risk: null,
      inputs: [
        [{ id: 'z/oil', asset: 'z', sources: ['plc'], hold: 0 }],
        [{ id: 'press-7/oil', asset: 'press-7', sources: ['plc'], hold: 0 }],
      ],
    })
    expect(unruled).toMatchObject({ kind: 'category', name: 'state', vocabulary: ['idle', 'run'], inputs: [] })
  })

  it('is plain data, so that it can be posted to a worker', () => {
    const plan = planOf(contract, policy, signals)
    expect(structuredClone(plan)).toEqual(plan)
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })

  it('holds to the end of the day on which it expires', () => {
    const plan = planOf(contract, policyOf({ stream: { oil: fromOil } }, { expires: '2028-02-29' }), signals)
    const midnight = Date.UTC(2028, 2, 1)
    // A period that ends with the day is of that day.
    expect([midnight - 86_400_000, midnight - 1, midnight, midnight + 1].map((now) => isExpired(plan, now))).toEqual([
      false,
      false,
      false,
      true,
    ])
  })
})
