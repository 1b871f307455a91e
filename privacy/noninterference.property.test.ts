import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  contractOf,
  logOf,
  MINUTE,
  planOf,
  policyOf,
  publishLog,
  type Row,
  signalOf,
  T0,
} from '../test/support/disclosure.ts'

const ASSETS = ['press-7', 'press-8', 'press-9'] as const
const NUMBERS = ['oil', 'heat', 'force'] as const
const TEXTS = ['state', 'lot'] as const
const signals = ASSETS.flatMap((asset) => [
  ...NUMBERS.map((name) => signalOf(`${asset}/${name}`)),
  ...TEXTS.map((name) => signalOf(`${asset}/${name}`, { type: 'string' })),
])
const numeric = { meaning: 'm', unit: '1', range: [-100, 1_000], step: 0.1 }
const contract = contractOf(
  {
    stream: {
      kind: 'stream',
      grid: '1m',
      cadence: '10m',
      columns: {
        mean: { ...numeric, stat: 'mean' },
        slow: { ...numeric, stat: 'max', window: '5m' },
        state: { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] },
      },
    },
    table: { kind: 'table', window: '20m', cadence: '1h', columns: { least: { ...numeric, stat: 'min' } } },
  },
  { grace: '30s', max_wait: '5m' },
)

/** A policy of some assets and columns, each fed by a signal of its own choice. */
const plans = fc
  .record({
    assets: fc.subarray([...ASSETS], { minLength: 1 }),
    mean: fc.constantFrom(...NUMBERS),
    slow: fc.option(fc.constantFrom(...NUMBERS)),
    state: fc.option(fc.constantFrom(...TEXTS)),
    least: fc.option(fc.constantFrom(...NUMBERS)),
  })
  .map(({ assets, mean, slow, state, least }) => {
    const rule = (name: string) => ({ from: `{asset}/${name}`, range: [0, 1_000], step: 10 })
    const stream = {
      mean: rule(mean),
      ...(slow && { slow: rule(slow) }),
      ...(state && { state: { from: `{asset}/${state}` } }),
    }
    const listed = Object.fromEntries(assets.map((asset) => [asset, { class: 'press', cycle_time: '1s' }]))
    const datasets = { stream, ...(least && { table: { least: rule(least) } }) }
    return planOf(contract, policyOf(datasets, { assets: listed }), signals)
  })

/** What each minute brings: a signal, its second, and two values of its type that it may have had. */
const minutes = fc.array(
  fc.array(
    fc.record({
      signal: fc.nat(signals.length - 1),
      second: fc.nat(59),
      numbers: fc.tuple(fc.integer({ min: -200, max: 1_200 }), fc.integer({ min: -200, max: 1_200 })),
      texts: fc.tuple(fc.constantFrom('run', 'idle', 'x'), fc.constantFrom('run', 'idle', 'y')),
      isGone: fc.boolean(),
    }),
    { maxLength: 6 },
  ),
  { minLength: 30, maxLength: 70 },
)

it('what leaves is the same whatever unlisted signals measure, and whether they measure at all', () => {
  let rows = 0
  fc.assert(
    fc.property(plans, minutes, (plan, found) => {
      const columns = plan.datasets.flatMap((dataset) => dataset.columns)
      const listed = new Set(columns.flatMap((column) => column.inputs.flat().map((input) => input.id)))
      const isListed = (signal: number): boolean => listed.has(signals[signal]!.id)
      const publish = (world: 0 | 1) => {
        const log = found.map((readings, m) => {
          const arrival = T0 + (m + 1) * MINUTE
          return {
            arrival,
            complete: { plc: Object.fromEntries(ASSETS.map((asset) => [asset, arrival])) },
            rows: readings
              .filter(({ signal, isGone }) => world === 0 || isListed(signal) || !isGone)
              .map(({ signal, second, numbers, texts }): Row => {
                const values = signals[signal]!.type === 'string' ? texts : numbers
                return [signal, T0 + m * MINUTE + second * 1_000, values[isListed(signal) ? 0 : world]]
              }),
          }
        })
        return publishLog(logOf(log), plan, signals)
      }
      const [one, other] = [publish(0), publish(1)]
      expect(other.periods).toEqual(one.periods)
      const names = new Set(signals.filter((_, i) => isListed(i)).map(({ id }) => id))
      for (const key of Object.keys(one.ledger).filter((text) => text.includes('disclosed')))
        expect(names).toContain(key.split(' ')[0])
      rows += one.periods.reduce((n, period) => n + period.assets.length, 0)
    }),
    { numRuns: 60 },
  )
  expect(rows).toBeGreaterThan(100)
})
