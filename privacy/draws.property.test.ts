import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accountsOf } from '../test/support/account-oracle.ts'
import { contractOf, logOf, MINUTE, planOf, policyOf, publishLog } from '../test/support/disclosure.ts'
import { logs, signals } from '../test/support/random-log.ts'
import type { Disclosed } from './disclosed.ts'

const number = { meaning: 'm', unit: 'Cel', range: [-50, 200], step: 0.1 }
const rate = { meaning: 'm', stat: 'rate', unit: '1', range: [0, 1], step: 0.001 }
const contract = contractOf({
  stream: {
    kind: 'stream',
    grid: '1m',
    cadence: '10m',
    columns: {
      oil: { ...number, stat: 'mean' },
      slow_max: { ...number, stat: 'max', window: '5m' },
      slow_rate: { ...rate, window: '15m' },
    },
  },
  hourly: {
    kind: 'table',
    window: '20m',
    cadence: '1h',
    columns: { humidity: { ...number, unit: '%', stat: 'min' }, defects: rate },
  },
})
const press = { class: 'press', place: 'hall', cycle_time: '10s' }
const counters = { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor: 20 }
const noise = (epsilon: number) => ({ noise: { epsilon } })

/** How often one signal may be charged within half an hour. */
const plans = fc.constantFrom(
  ...[1000, 3.5, 1].map((epsilon) =>
    planOf(
      contract,
      policyOf(
        {
          stream: {
            oil: { from: 'press-7/oil', range: [0, 100], step: 1, ...noise(0.1) },
            slow_max: { from: 'press-7/oil', range: [0, 100], step: 2, ...noise(0.5) },
            slow_rate: { rate: counters, range: [0, 0.5], step: 0.01, ...noise(0.5) },
          },
          hourly: {
            humidity: { from: '{place}/humidity', range: [0, 100], step: 1, ...noise(1) },
            defects: { rate: counters, range: [0, 1], step: 0.01, ...noise(0.25) },
          },
        },
        { assets: { 'press-7': press, 'press-8': press }, budget: { window: '30m', epsilon } },
      ),
      signals,
    ),
  ),
)
const dice = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }))

describe('noised columns of a random log', () => {
  it('without the noise itself are the same whenever it crashes, with the same charges and exact accounts', () => {
    fc.assert(
      fc.property(logs, plans, dice, (blocks, plan, random) => {
        const roll = (): number => random.next().value as number
        const log = logOf(blocks)
        const calm = publishLog(log, plan, signals)
        let crashes = 30
        const stormy = publishLog(log, plan, signals, {
          crash: () => roll() < 0.12 && crashes-- > 0,
          advance: () => roll() < 0.2,
          stride: () => 1 + Math.floor(roll() * 20),
        })
        expect(stormy.periods).toEqual(calm.periods)
        expect(stormy.noise).toEqual(calm.noise)
        const expected: Record<string, number> = {}
        for (const account of accountsOf(log, plan, signals, stormy.periods).slice(0, stormy.cursor.raw_seq))
          expected[account] = (expected[account] ?? 0) + 1
        expect(stormy.ledger).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  }, 60_000)

  it('draw once for a column, its inputs and a window, whatever was drawn in vain', () => {
    fc.assert(
      fc.property(logs, plans, dice, (blocks, plan, random) => {
        const roll = (): number => random.next().value as number
        let [crashes, drawn] = [30, 0]
        const { periods } = publishLog(logOf(blocks), plan, signals, {
          laplace: () => ++drawn * DRAW,
          crash: () => roll() < 0.12 && crashes-- > 0,
          crashAtMark: () => roll() < 0.1 && crashes-- > 0,
          stride: () => 1 + Math.floor(roll() * 20),
        })
        const windows = new Map<string, Set<number>>()
        for (const { key, draw } of periods.flatMap(noisedCells))
          windows.set(key, (windows.get(key) ?? new Set()).add(draw))
        expect([...windows].filter(([, draws]) => draws.size > 1)).toEqual([])
        const all = [...windows.values()].flatMap((draws) => [...draws])
        expect(new Set(all).size).toBe(all.length)
      }),
      { numRuns: 30 },
    )
  }, 60_000)
})

/** Steps between two draws: more than any column has, so that each draw can be told by the cell it is in. */
const DRAW = 1_000

/** Draws by what they may be made once for. */
function noisedCells(period: Disclosed): readonly { readonly key: string; readonly draw: number }[] {
  return period.columns.flatMap((column) =>
    column.values.flatMap((value, i) => {
      if (column.kind !== 'number' || value === null) return []
      const slot = period.slots[i]!
      const window = column.window_s * 1_000
      const isLong = window > period.window_s * 1_000
      const start = isLong ? Math.floor(slot / window) * window - window : slot
      // The hall's humidity and press 7's oil are those of every asset.
      const isShared = column.name === 'humidity' || column.name === 'oil' || column.name === 'slow_max'
      const asset = isShared ? '' : period.assets[i]
      const draw = Math.floor(Math.round(Number(value) / Number(column.step)) / DRAW)
      return [{ key: `${period.dataset} ${column.name} ${asset} ${(start / MINUTE).toFixed()}`, draw }]
    }),
  )
}
