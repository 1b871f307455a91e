import { describe, expect, it } from 'vitest'
import { capacityADay, costOf, demandADay } from './plan.ts'
import { type PoolConfig, poolSchema } from './schema.ts'

const base = {
  url: 'https://x',
  policy: 'p',
  signing_key: 'k',
  receipt_key: `ed25519:${Buffer.alloc(32).toString('base64')}`,
}
const pool = (limits: object): PoolConfig => poolSchema.parse({ ...base, ...limits })

describe('a pool with limits', () => {
  it.each([
    [{}, undefined],
    [{ max_rate: '1KB' }, { limit: 'max_rate', bytes: 86.4e6 }],
    [
      { max_rate: '1KB', window: '22:00-06:00', zone: 'UTC' },
      { limit: 'max_rate', bytes: 28.8e6 },
    ],
    [
      { max_rate: '1KB', window: '00:00-24:00', zone: 'UTC' },
      { limit: 'max_rate', bytes: 86.4e6 },
    ],
    [
      { daily_budget: '10MB', zone: 'UTC' },
      { limit: 'daily_budget', bytes: 10e6 },
    ],
    [
      { max_rate: '1KB', daily_budget: '10MB', zone: 'UTC' },
      { limit: 'daily_budget', bytes: 10e6 },
    ],
    [
      { max_rate: '100B', daily_budget: '10MB', zone: 'UTC' },
      { limit: 'max_rate', bytes: 8.64e6 },
    ],
  ])('%j takes %j a day', (limits, capacity) => expect(capacityADay(pool(limits))).toEqual(capacity))

  it('is asked for a batch a cadence of each dataset', () => {
    const hourly = { cadence: 3_600_000, size_class: 65_536 }
    const daily = { cadence: 86_400_000, size_class: 8_192 }
    expect(demandADay([hourly, daily])).toBe(24 * costOf(65_536) + costOf(8_192))
  })
})
