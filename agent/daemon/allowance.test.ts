import { expect, it } from 'vitest'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { makeSchedule } from '../../uplink/schedule.ts'
import type { PoolConfig } from '../../uplink/schema.ts'
import { makeAllowance } from './allowance.ts'

it('lets nothing beyond the budget of the day through, however many ask at once', async () => {
  const clock = makeFakeClock()
  const { budget } = makeSchedule({ daily_budget: 30_000, zone: 'UTC' } as PoolConfig)
  let sent = 0
  const allowance = makeAllowance({
    pool: 'lake',
    store: {
      async countSent(_, __, bytes) {
        await clock.sleep(1)
        sent += bytes
        return sent
      },
    },
    budget,
    clock,
  })
  const asked = Array.from({ length: 9 }, () => allowance.charge(2_000))
  await clock.advance(100)
  const answers = await Promise.all(asked)
  expect(answers.filter((until) => until === undefined)).toHaveLength(2)
  expect(answers.at(-1)).toBe(Date.UTC(2026, 5, 2))
  expect(sent).toBeLessThanOrEqual(budget!.bytes)
})
