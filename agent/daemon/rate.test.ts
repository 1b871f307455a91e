import { describe, expect, it } from 'vitest'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { makeRate } from './rate.ts'

describe('a rate', () => {
  it('is 0 until two moments are known', async () => {
    const clock = makeFakeClock()
    const rate = makeRate(clock)
    expect(rate.perSecond()).toBe(0)
    rate.sample(1_000)
    expect(rate.perSecond()).toBe(0)
    rate.sample(2_000)
    expect(rate.perSecond()).toBe(0)
    await clock.advance(1_000)
    rate.sample(3_000)
    expect(rate.perSecond()).toBe(2_000)
  })

  it('counts from the first sample, not from 0', async () => {
    const clock = makeFakeClock()
    const rate = makeRate(clock)
    rate.sample(1_000_000)
    await clock.advance(2_000)
    rate.sample(1_000_010)
    expect(rate.perSecond()).toBe(5)
  })

  it('forgets what is older than its span', async () => {
    const clock = makeFakeClock()
    const rate = makeRate(clock, 10_000)
    let count = 0
    for (const perSecond of [...Array(30).fill(100), ...Array(10).fill(7)]) {
      rate.sample(count)
      await clock.advance(1_000)
      count += perSecond
    }
    rate.sample(count)
    expect(rate.perSecond()).toBe(7)
  })

  it('spans a pause in sampling', async () => {
    const clock = makeFakeClock()
    const rate = makeRate(clock, 10_000)
    rate.sample(0)
    await clock.advance(60_000)
    rate.sample(600)
    expect(rate.perSecond()).toBe(10)
  })

  it('does not see the wall clock step', async () => {
    const clock = makeFakeClock()
    const rate = makeRate(clock)
    rate.sample(0)
    clock.step(-3_600_000)
    await clock.advance(1_000)
    rate.sample(50)
    expect(rate.perSecond()).toBe(50)
  })
})
