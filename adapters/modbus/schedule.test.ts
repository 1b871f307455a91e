import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeSchedule } from './schedule.ts'

describe('makeSchedule', () => {
  it('ticks at its start and at every multiple, however late it is asked', () => {
    const schedule = makeSchedule(1_000, [100])
    expect(schedule.next).toBe(1_000)
    expect(schedule.take(1_000)).toEqual({ periods: [100], skipped: 0 })
    expect(schedule.next).toBe(1_100)
    expect(schedule.take(1_199)).toEqual({ periods: [100], skipped: 0 })
    expect(schedule.next).toBe(1_200)
  })
  it('has nothing due before its time', () => {
    const schedule = makeSchedule(1_000, [100])
    expect(schedule.take(999.9)).toEqual({ periods: [], skipped: 0 })
    expect(schedule.next).toBe(1_000)
  })
  it('serves a late tick once and counts those that passed', () => {
    const schedule = makeSchedule(0, [100])
    schedule.take(0)
    expect(schedule.take(450)).toEqual({ periods: [100], skipped: 3 })
    expect(schedule.next).toBe(500)
  })
  it('serves periods together where they meet', () => {
    const schedule = makeSchedule(0, [100, 250])
    expect([0, 100, 200, 250, 300, 400, 500].map((now) => schedule.take(now).periods)).toEqual([
      [100, 250],
      [100],
      [100],
      [250],
      [100],
      [100],
      [100, 250],
    ])
  })
  it('accounts for every tick up to now, served or skipped', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 50, max: 5_000 }),
        fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1 }),
        (period, waits) => {
          const schedule = makeSchedule(7, [period])
          let [now, ticks] = [7, 0]
          for (const wait of waits) {
            now += wait
            const { periods, skipped } = schedule.take(now)
            ticks += periods.length + skipped
            expect(ticks).toBe(Math.floor((now - 7) / period) + 1)
            expect(schedule.next).toBe(7 + ticks * period)
          }
        },
      ),
    )
  })
})
