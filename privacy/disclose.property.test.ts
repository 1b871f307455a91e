import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDecimal, toNumber } from '../core/decimal.ts'
import { makeCellOracle } from '../test/support/cell-oracle.ts'
import { logOf, type Published, pseudonyms, publishLog, type Written } from '../test/support/disclosure.ts'
import { logs, plans, signals } from '../test/support/random-log.ts'

/** Numbers from 0 to 1 that shrink and repeat. */
const dice = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }))

function roll(stream: Iterator<number>): number {
  return stream.next().value as number
}

/** Crashes now and then, but not for ever: each makes the log be read again from the cursor. */
function crashes(random: Iterator<number>, odds: number, most = 8): () => boolean {
  let left = most
  return () => roll(random) < odds && left-- > 0
}

function cellsAndAccounts({ periods, ledger, cursor }: Published): unknown {
  return { periods, ledger, cursor }
}

describe('disclosure of a random log', () => {
  it('is the same whenever it crashes and however many blocks it takes at a time', () => {
    fc.assert(
      fc.property(logs, plans, dice, (blocks, plan, random) => {
        const log = logOf(blocks)
        const calm = publishLog(log, plan, signals)
        const stormy = publishLog(log, plan, signals, {
          crash: crashes(random, 0.2),
          stride: () => 1 + Math.floor(roll(random) * 5),
        })
        expect(cellsAndAccounts(stormy)).toEqual(cellsAndAccounts(calm))
      }),
      { numRuns: 150 },
    )
  })

  it('has in each cell what the whole log says of its window', () => {
    let shown = 0
    fc.assert(
      fc.property(logs, plans, (blocks, plan) => {
        const log = logOf(blocks)
        const oracle = makeCellOracle(log, plan, signals)
        for (const period of publishLog(log, plan, signals).periods) {
          const dataset = plan.datasets.find(({ name }) => name === period.dataset)!
          const assets = plan.assets.map(({ name }) => pseudonyms.asset(period.epoch, name))
          for (const [c, column] of dataset.columns.entries()) {
            for (const [i, slot] of period.slots.entries()) {
              const { window } = column
              const start = window === dataset.slot ? slot : Math.floor(slot / window) * window - window
              const expected = oracle.valueIn(dataset, column, assets.indexOf(period.assets[i]!), start)
              const value = period.columns[c]!.values[i]!
              if (typeof expected !== 'number' || typeof value !== 'number')
                expect([column.name, slot, value]).toEqual([column.name, slot, expected])
              else {
                const step = toNumber(parseDecimal(column.kind === 'number' ? column.step : '1')!)
                expect(Math.abs(value - expected) / step).toBeLessThan(0.5 + 1e-9)
                shown++
              }
            }
          }
        }
      }),
      { numRuns: 60 },
    )
    expect(shown).toBeGreaterThan(500)
  }, 60_000)

  it('accounts every reading once, and shows the same cells, where the cursor also moves without a batch', () => {
    fc.assert(
      fc.property(logs, plans, dice, (blocks, plan, random) => {
        const log = logOf(blocks)
        const calm = publishLog(log, plan, signals)
        const eager = publishLog(log, plan, signals, {
          crash: crashes(random, 0.1),
          advance: () => roll(random) < 0.3,
          stride: () => 1 + Math.floor(roll(random) * 3),
        })
        expect(eager.periods).toEqual(calm.periods)
        const accounted = Object.values(eager.ledger).reduce((sum, n) => sum + n, 0)
        expect(accounted).toBe(eager.cursor.raw_seq)
        expect(Object.keys(eager.ledger).filter((key) => key.includes('evicted'))).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  it('has every asset in every slot once, in order, and never shows what no rule names', () => {
    fc.assert(
      fc.property(logs, plans, (blocks, plan) => {
        const { periods, ledger } = publishLog(logOf(blocks), plan, signals)
        for (const dataset of ['stream', 'hourly']) {
          const rows = periods
            .filter((p) => p.dataset === dataset)
            .flatMap((p) => [...p.slots].map((slot, i) => `${slot} ${p.assets[i]}`))
          expect(rows).toEqual([...new Set(rows)].sort())
        }
        for (const key of Object.keys(ledger).filter((k) => k.startsWith('press-7/secret')))
          expect(key).toBe('press-7/secret withheld unlisted')
      }),
      { numRuns: 30 },
    )
  })
})

describe('a block', () => {
  it('may say what is complete in a block of its own', () => {
    fc.assert(
      fc.property(logs, plans, (blocks, plan) => {
        const apart = blocks.flatMap((block): readonly Written[] => [
          { ...block, complete: {} },
          { ...block, rows: [] },
        ])
        const cells = (log: readonly Written[]): unknown =>
          Object.groupBy(publishLog(logOf(log), plan, signals).periods, (period) => period.dataset)
        expect(cells(apart)).toEqual(cells(blocks))
      }),
      { numRuns: 50 },
    )
  })
})
