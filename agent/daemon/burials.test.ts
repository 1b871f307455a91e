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
  const pool = { answer: null as Fault | null, refused: [] as readonly BatchId[], told: [] as BatchId[], closed }
  const warnings: string[] = []
  let left = Number.POSITIVE_INFINITY
  const running = runBurials({
    pool: 'lake',
    client: {
      async bury({ id }) {
        pool.told.push(id)
        return pool.refused.includes(id) ? new Fault('pool-unavailable', {}, 'the pool answered 422') : pool.answer
      },
    },
    store: {
      unburied: async (_, limit, except = []) => owed.filter(({ id }) => !except.includes(id)).slice(0, limit),
      async buried(_, id) {
        owed = owed.filter((one) => one.id !== id)
      },
    },
    sign,
    schedule: { closedUntil: () => (pool.closed ? unixMs(clock.now() + MINUTE) : undefined) },
    allowance: { charge: async () => (left-- > 0 ? undefined : unixMs(clock.now() + MINUTE)) },
    longest_rest: 60 * MINUTE,
    clock,
    log: { ...silentLog, warn: (_, message) => warnings.push(message) },
    signal: stop.signal,
  })
  onTestFinished(async () => {
    stop.abort()
    await running
  })
  return {
    clock,
    pool,
    warnings,
    first: (n: number) => owed.slice(0, n).map(({ id }) => id),
    afford: (n: number) => {
      left = n
    },
    left: () => owed.length,
  }
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

  it('goes on past those that the pool refuses, asks for them ever more rarely, and warns once', async () => {
    const { clock, pool, warnings, first, left } = setUp(60)
    pool.refused = first(5)
    await clock.advance(10 * MINUTE)
    expect(left()).toBe(5)
    pool.told.length = 0
    await clock.advance(24 * 60 * MINUTE)
    const perRefused = pool.told.length / 5
    expect(perRefused).toBeGreaterThan(8)
    expect(perRefused).toBeLessThan(80)
    expect(new Set(pool.told).size).toBe(5)
    expect(warnings).toEqual(['the pool does not know of a dropped batch: the pool answered 422'])
  })

  it('asks a pool that is away for a few at a time', async () => {
    const { clock, pool } = setUp(60)
    pool.answer = new Fault('pool-unavailable', {}, 'away')
    await clock.advance(0)
    expect(pool.told).toHaveLength(3)
  })

  it('sends no more than the budget of the pool leaves', async () => {
    const { clock, pool, afford, left } = setUp(10)
    afford(4)
    await clock.advance(5 * MINUTE)
    expect([pool.told.length, left()]).toEqual([4, 6])
    afford(99)
    await clock.advance(MINUTE)
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
