import { describe, expect, it } from 'vitest'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { makeForecast } from './forecast.ts'

const MINUTE = 60_000

/** What follows from these sizes, sampled a minute apart, of a buffer for 1,000,000 bytes. */
async function after(sizes: readonly number[]) {
  const clock = makeFakeClock()
  const { sample, forecast } = makeForecast(clock)
  for (const [i, bytes] of sizes.entries()) {
    if (i > 0) await clock.advance(MINUTE)
    sample({ bytes, capacity: 1e6 })
  }
  return forecast()
}

const growing = (minutes: number, by: number, from = 0): number[] =>
  Array.from({ length: minutes + 1 }, (_, i) => from + i * by)

describe('a forecast', () => {
  it('says how many hours are left at the rate of the last hours', async () => {
    expect(await after(growing(60, 1_000))).toEqual({ kind: 'fills', hours: expect.closeTo(940_000 / 60_000) })
    // An hour of draining long ago does not count any more.
    const drained = growing(60, -10_000, 600_000)
    const { kind, hours } = (await after([...drained, ...growing(200, 1_000)])) as { kind: string; hours: number }
    expect([kind, Math.round(hours)]).toEqual(['fills', Math.round(800_000 / 60_000)])
  })

  it('says never where the buffer drains, keeps even, or would take ages', async () => {
    expect(await after(growing(60, -1_000, 500_000))).toEqual({ kind: 'never' })
    expect(await after(growing(60, 0, 5_000))).toEqual({ kind: 'never' })
    expect(await after(growing(100, 0.1))).toEqual({ kind: 'never' })
  })

  it('says nothing from less than ten minutes, but that it is full now', async () => {
    expect(await after([])).toEqual({ kind: 'unknown' })
    expect(await after(growing(9, 1_000))).toEqual({ kind: 'unknown' })
    expect(await after([999_000, 1_000_000])).toEqual({ kind: 'fills', hours: 0 })
  })
})
