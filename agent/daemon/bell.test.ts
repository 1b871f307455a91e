import { describe, expect, it } from 'vitest'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { makeBell } from './bell.ts'

function setUp() {
  const clock = makeFakeClock()
  const bell = makeBell(clock)
  const stop = new AbortController()
  let woken = 0
  const wait = (ms: number): void => {
    void bell.wait(ms, stop.signal).then(() => woken++)
  }
  return { clock, bell, stop, wait, woken: () => woken }
}

describe('a bell', () => {
  it('wakes when the time is over, not before', async () => {
    const { clock, wait, woken } = setUp()
    wait(100)
    await clock.advance(99)
    expect(woken()).toBe(0)
    await clock.advance(1)
    expect(woken()).toBe(1)
  })

  it('wakes when rung', async () => {
    const { clock, bell, wait, woken } = setUp()
    wait(1_000_000)
    bell.ring()
    await clock.advance(0)
    expect(woken()).toBe(1)
  })

  it('remembers that it was rung while nobody waited, once', async () => {
    const { clock, bell, wait, woken } = setUp()
    bell.ring()
    bell.ring()
    wait(1_000)
    await clock.advance(0)
    expect(woken()).toBe(1)
    wait(1_000)
    await clock.advance(999)
    expect(woken()).toBe(1)
  })

  it('wakes when the signal aborts, and never waits after that', async () => {
    const { clock, stop, wait, woken } = setUp()
    wait(1_000_000)
    stop.abort()
    await clock.advance(0)
    expect(woken()).toBe(1)
    wait(1_000_000)
    await clock.advance(0)
    expect(woken()).toBe(2)
  })

  it('leaves no sleeper behind', async () => {
    const { clock, bell, wait } = setUp()
    wait(1_000_000)
    bell.ring()
    await clock.advance(0)
    expect(clock.next).toBeUndefined()
  })
})
