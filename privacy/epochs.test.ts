import { describe, expect, it } from 'vitest'
import { contractOf, HOUR, logOf, planOf, policyOf, publishLog } from '../test/support/disclosure.ts'
import { assets, block, oil, rules, signals } from '../test/support/press-disclosure.ts'

describe('periods that are sealed', () => {
  it('never lie across an epoch date, however long they are', () => {
    const newYear = Date.UTC(2027, 0, 1)
    const contract = contractOf({ stream: { kind: 'stream', grid: '1h', cadence: '6h', columns: { oil } } })
    const long = planOf(contract, policyOf({ stream: { oil: rules.oil } }, { assets }), signals)
    const log = logOf([-4, 0, 7].map((hours) => block(newYear + hours * HOUR)))
    const { periods } = publishLog(log, long, signals, { since: newYear - 4 * HOUR })
    expect(periods.map(({ from, until, epoch }) => [(from - newYear) / HOUR, (until - newYear) / HOUR, epoch])).toEqual(
      [
        [-4, 0, 0],
        [0, 6, 1],
      ],
    )
  })
})
