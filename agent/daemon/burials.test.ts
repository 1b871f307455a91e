import { describe, expect, it, onTestFinished } from 'vitest'
import type { BatchId, DroppedBatch } from '../../core/batch.ts'
import { unixMs } from '../../core/brand.ts'
import { Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { newKey } from '../../test/support/sealing.ts'
import { batchOf } from '../../test/support/store.ts'
import { makeTombstone } from '../../uplink/tombstone.ts'
import { runBurials } from './burials.ts'

const MINUTE = 60_000

/** Burials of these batches on a fake clock; `answer` is what the pool says next. */
function setUp(batches: number, sign = (dropped: DroppedBatch) => makeTombstone(dropped, newKey()), closed = false) {
  const clock = makeFakeClock(Date.UTC(2026, 5, 1, 12))
  const stop = new AbortController()
  let owed: readonly DroppedBatch[] = Array.from({ length: batches }, (_, i) => ({
    ...batchOf('lake', i),
    reason: 'full',
  }))
  const pool = { answer: null as Fault | null, told: [] as BatchId[], closed }
  const running = runBurials({
    pool: 'lake',
    client: {
      async bury({ id }) {
        pool.told.push(id)
        return pool.answer
      },
    },
    store: {
      unburied: async (_, limit) => owed.slice(0, limit),
      async buried(_, id) {
        owed = owed.filter((one) => one.id !== id)
      },
    },
    sign,
    schedule: { closedUntil: () => (pool.closed ? unixMs(clock.now() + MINUTE) : undefined) },
    clock,
    log: silentLog,
    signal: stop.signal,
  })
  onTestFinished(async () => {
    stop.abort()
    await running
  })
  return { clock, pool, left: () => owed.length }
}

describe('burials', () => {
  it('tells the pool of every dropped batch once', async () => {
    const { clock, pool, left } = setUp(50)
    await clock.advance(0)
    expect([new Set(pool.told).size, pool.told.length, left()]).toEqual([50, 50, 0])
    await clock.advance(5 * MINUTE)
    expect(pool.told).toHaveLength(50)
  })

  it('owes what did not get through, and asks ever more rarely', async () => {
    const { clock, pool, left } = setUp(1)
    pool.answer = new Fault('pool-unavailable', {}, 'away')
    await clock.advance(24 * 60 * MINUTE)
    expect(left()).toBe(1)
    expect(pool.told.length).toBeGreaterThan(10)
    expect(pool.told.length).toBeLessThan(80)
    pool.answer = null
    await clock.advance(60 * MINUTE)
    expect(left()).toBe(0)
  })

  it('keeps to the window of the pool', async () => {
    const { clock, pool, left } = setUp(1, undefined, true)
    await clock.advance(5 * MINUTE)
    const early = left()
    pool.closed = false
    await clock.advance(MINUTE)
    expect([early, left()]).toEqual([1, 0])
  })

  it('waits for a key that is not there', async () => {
    const { clock, pool, left } = setUp(1, () => {
      throw new Fault('key-invalid', {}, 'no key')
    })
    await clock.advance(5 * MINUTE)
    expect([pool.told.length, left()]).toEqual([0, 1])
  })
})
