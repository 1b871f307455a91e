import type { SignalSpec } from '../../core/signal.ts'
import { describePolicy, type PolicyFacts } from '../../privacy/facts.ts'
import { policySchema } from '../../privacy/schema.ts'
import { contractOf, planOf, policyOf, signalOf } from './disclosure.ts'

type Json = Readonly<Record<string, unknown>>

const measure = { meaning: 'oil', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.1 }
const DATASETS = {
  stream: {
    kind: 'stream',
    grid: '1m',
    columns: {
      oil: measure,
      peak: { ...measure, stat: 'max', window: '5m' },
      state: { meaning: 'state', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] },
    },
  },
  hourly: {
    kind: 'table',
    window: '1h',
    columns: {
      defects: { meaning: 'defects', stat: 'rate', unit: '%', range: [0, 100], step: 0.1 },
      humidity: { ...measure, meaning: 'humidity', unit: '%' },
    },
  },
}
const RULES = {
  stream: {
    oil: { from: '{asset}/oil', range: [0, 100], step: 0.5, accept_risk: 'agreed on 2026-10-01' },
    state: { from: '{asset}/state' },
  },
  hourly: {
    defects: {
      rate: { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor: 100 },
      range: [0, 20],
      step: 0.1,
      noise: { epsilon: 0.5 },
    },
    humidity: { from: '{place}/humidity', range: [0, 100], step: 1 },
  },
}
const press = { class: 'press', place: 'hall', cycle_time: '10s' }
const ASSETS = { 'press-7': press, 'press-8': press }

/** Signals of the presses and their hall: oil in kelvin, states, counts, humidity. */
export const EXAMPLE_SIGNALS: readonly SignalSpec[] = [
  ...['press-7', 'press-8', 'press-9'].flatMap((asset) => [
    signalOf(`${asset}/oil`, { unit: 'K' }),
    signalOf(`${asset}/state`, { type: 'bool' }),
    signalOf(`${asset}/ng`, { unit: '{count}' }),
    signalOf(`${asset}/total`, { unit: '{count}' }),
  ]),
  signalOf('hall/humidity', { unit: '%' }),
]

/** What another policy, or another contract, says; rules of a dataset are put beside those of the example. */
export interface Otherwise {
  readonly rules?: Readonly<Record<string, Json>>
  readonly datasets?: Json
  readonly assets?: Json
  readonly policy?: Json
  readonly contract?: Json
}

/** A stream and a table of two presses, as the facts of a policy tell it, with changes. */
export function exampleFacts({
  rules = {},
  datasets,
  assets = ASSETS,
  policy = {},
  contract = {},
}: Otherwise = {}): PolicyFacts {
  const agreed = contractOf({ ...DATASETS, ...datasets }, contract)
  const merged = Object.fromEntries(
    Object.entries(RULES).map(([name, columns]) => [name, withoutGone({ ...columns, ...rules[name] })]),
  )
  const document = policyOf(merged, { assets, budget: { window: '1d', epsilon: 4 }, ...policy })
  return describePolicy({
    plan: planOf(agreed, document, EXAMPLE_SIGNALS),
    policy: policySchema.parse(document),
    contract: agreed,
    contract_sha256: 'a'.repeat(64),
    document,
  })
}

function withoutGone(rules: Json): Json {
  return Object.fromEntries(Object.entries(rules).filter(([, rule]) => rule !== undefined))
}
