import { describe, expect, it } from 'vitest'
import { unixMs } from '../../core/brand.ts'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { makeDrain } from './drain.ts'

const HOUR = 3_600_000
const hourly = { dataset: 'hourly', from: unixMs(0), until: unixMs(HOUR) }

describe('a backlog', () => {
  it('of three days is gone in three days where it goes twice as fast as it grows', async () => {
    const clock = makeFakeClock()
    const drain = makeDrain(clock)
    for (let i = 0; i < 5; i++) {
      drain.delivered({ ...hourly, until: unixMs(200_000) })
      await clock.advance(100_000)
    }
    expect(drain.freshIn('hourly', 72 * HOUR)).toBeCloseTo(72 * HOUR)
    expect(drain.freshIn('daily', 72 * HOUR)).toBeNull()
  })

  it.each([1, 0.5])('is never gone at %d times the pace at which it grows', async (pace) => {
    const clock = makeFakeClock()
    const drain = makeDrain(clock)
    for (let i = 0; i < 5; i++) {
      drain.delivered({ ...hourly, until: unixMs(60_000 * pace) })
      await clock.advance(60_000)
    }
    expect(drain.freshIn('hourly', HOUR)).toBeNull()
  })

  it('is judged by the last ten minutes', async () => {
    const clock = makeFakeClock()
    const drain = makeDrain(clock)
    drain.delivered(hourly)
    await clock.advance(24 * HOUR) // the pool was away
    drain.delivered(hourly)
    expect(drain.freshIn('hourly', HOUR)).toBeNull()
    await clock.advance(1_000)
    drain.delivered(hourly)
    expect(drain.freshIn('hourly', 3_599 * HOUR)).toBeCloseTo(HOUR)
  })
})
