import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accountsOf } from '../test/support/account-oracle.ts'
import { logOf, publishLog } from '../test/support/disclosure.ts'
import { logs, plans, signals } from '../test/support/random-log.ts'

describe('the accounts of a random log', () => {
  it('are reading for reading what the whole log and the sealed cells say, wherever it is begun anew', () => {
    fc.assert(
      fc.property(
        logs,
        plans,
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (blocks, plan, dice) => {
          const roll = (): number => dice.next().value as number
          const log = logOf(blocks)
          let crashes = 12
          const { periods, ledger, cursor } = publishLog(log, plan, signals, {
            crash: () => roll() < 0.5 && crashes-- > 0,
            advance: () => roll() < 0.3,
            stride: () => 1 + Math.floor(roll() * 60),
          })
          const passed = accountsOf(log, plan, signals, periods).slice(0, cursor.raw_seq)
          const expected: Record<string, number> = {}
          for (const account of passed) expected[account] = (expected[account] ?? 0) + 1
          expect(ledger).toEqual(expected)
        },
      ),
      { numRuns: 60 },
    )
  }, 120_000)
})
