import { describe, expect, it } from 'vitest'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { makeLiveness } from './liveness.ts'

describe('liveness', () => {
  it('names the loops that have not turned within their limit', async () => {
    const clock = makeFakeClock()
    const liveness = makeLiveness(clock)
    const commit = liveness.watch('commit', 1_000)
    liveness.watch('deliver a', 5_000)
    await clock.advance(1_000)
    expect(liveness.stalled()).toEqual([])
    await clock.advance(1)
    expect(liveness.stalled()).toEqual(['commit'])
    commit.beat()
    expect(liveness.stalled()).toEqual([])
    await clock.advance(5_000)
    expect(liveness.stalled()).toEqual(['commit', 'deliver a'])
  })

  it('does not miss a loop that has ended, even beside one of the same name', async () => {
    const clock = makeFakeClock()
    const liveness = makeLiveness(clock)
    const first = liveness.watch('commit', 1_000)
    liveness.watch('commit', 1_000)
    first.end()
    first.beat()
    await clock.advance(2_000)
    expect(liveness.stalled()).toEqual(['commit'])
  })

  it('waits with all of them for what takes its time', async () => {
    const clock = makeFakeClock()
    const liveness = makeLiveness(clock)
    liveness.watch('commit', 1_000)
    await clock.advance(2_000)
    liveness.excuse()
    await clock.advance(900)
    expect(liveness.stalled()).toEqual([])
    await clock.advance(200)
    expect(liveness.stalled()).toEqual(['commit'])
  })

  it('does not see the wall clock step', () => {
    const clock = makeFakeClock()
    const liveness = makeLiveness(clock)
    liveness.watch('commit', 1_000)
    clock.step(86_400_000)
    expect(liveness.stalled()).toEqual([])
  })
})
