import { describe, expect, it } from 'vitest'
import { makeClock } from '../../core/clock.ts'
import { bootId } from './boot-id.ts'

describe('the machine’s boot', () => {
  it('has one name for every process, and one monotonic clock', () => {
    expect(bootId()).toMatch(/^[0-9a-f-]{36}$/)
    expect(bootId()).toBe(bootId())
    const clock = makeClock(1, Date.now(), bootId())
    const before = Number(process.hrtime.bigint()) / 1e6
    const now = clock.monotonic()
    expect(now).toBeGreaterThanOrEqual(before - 1)
    expect(now).toBeLessThanOrEqual(Number(process.hrtime.bigint()) / 1e6 + 1)
  })
})
