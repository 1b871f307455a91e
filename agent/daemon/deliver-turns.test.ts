import { describe, expect, it } from 'vitest'
import { accepted, HOUR, hold, NOON, retry, setUpCourier } from '../../test/support/courier.ts'
import { batchOf } from '../../test/support/store.ts'
import { makeSchedule } from '../../uplink/schedule.ts'

describe('one batch that the pool never takes', () => {
  it.each([retry(0), hold])('does not stand in the way of the others ($kind)', async (verdict) => {
    const { clock, liveness, outbox, wake, sent, settled, alarms, pool, courier } = setUpCourier(20)
    pool.judge = async (batch) => (batch.seq === 3 ? verdict : accepted)
    await clock.advance(HOUR)
    expect(settled.length).toBe(19)
    expect(outbox.map(({ seq }) => seq)).toEqual([3])
    expect(courier.state().next_in_ms).toBeGreaterThan(0)

    for (let seq = 20; seq < 80; seq++) {
      outbox.push(batchOf('lake', seq))
      wake.ring()
      await clock.advance(600_000)
    }
    expect(outbox.map(({ seq }) => seq)).toEqual([3])
    expect(alarms.at(-1)).toBe('delivery:lake pool-stuck')
    const inVain = sent.filter(({ seq }) => seq === 3).length
    expect(inVain).toBeGreaterThan(8)
    expect(inVain).toBeLessThan(60)
    expect(liveness.stalled()).toEqual([])

    pool.judge = async () => verdict
    outbox.push(batchOf('lake', 80))
    const before = sent.length
    await clock.advance(24 * HOUR)
    expect(sent.length - before).toBeLessThan(100)

    pool.judge = async () => accepted
    await clock.advance(2 * HOUR)
    expect(outbox).toEqual([])
    expect(alarms.at(-1)).toBe('delivery:lake over')
    expect(courier.state()).toMatchObject({ state: 'idle', fault: null })
  })

  it('is not suspected when the pool was down for all', async () => {
    const { clock, outbox, sent, alarms, pool, courier } = setUpCourier(30)
    pool.judge = async () => retry(0)
    await clock.advance(48 * HOUR)
    expect(new Set(sent).size).toBe(30)
    pool.judge = async () => accepted
    await clock.advance(courier.state().next_in_ms! + 1)
    expect(outbox).toEqual([])
    expect(alarms.at(-1)).toBe('delivery:lake over')
  })

  it('is forgotten when a person takes it out', async () => {
    const { clock, outbox, alarms, pool, courier } = setUpCourier(2)
    pool.judge = async (batch) => (batch.seq === 0 ? retry(0) : accepted)
    await clock.advance(60_000)
    expect(courier.state().state).toBe('retrying')
    outbox.length = 0
    await clock.advance(HOUR)
    expect(courier.state().state).toBe('idle')
    expect(alarms.at(-1)).toBe('delivery:lake over')
  })
})

describe('the order', () => {
  it('of fresh_first is newest first, and the oldest every fourth time', async () => {
    const { clock, sent, settled } = setUpCourier(12, { order: 'fresh_first' })
    await clock.advance(0)
    expect(sent.map(({ seq }) => seq)).toEqual([11, 10, 9, 0, 8, 7, 6, 1, 5, 4, 3, 2])
    expect(settled.length).toBe(12)
  })

  it('of fresh_first starves neither end while more is sealed than the pool takes', async () => {
    const { clock, halt, outbox, sent, pool } = setUpCourier(100, { order: 'fresh_first' })
    let seq = 100
    pool.judge = async () => {
      await clock.sleep(1_000)
      outbox.push(batchOf('lake', seq++))
      return accepted
    }
    await clock.advance(101_000)
    halt()
    await clock.advance(1_000)
    const backlog = sent.filter((batch) => batch.seq < 100).length
    expect(backlog / sent.length).toBeCloseTo(0.25, 1)
    expect(Math.max(...sent.slice(-4).map((batch) => batch.seq))).toBeGreaterThanOrEqual(seq - 4)
  })
})

describe('a courier with a window and a budget', () => {
  const utc = {
    policy: 'p',
    signing_key: 'k',
    url: 'http://x',
    receipt_key: 'k',
    timeout: 1,
    order: 'oldest_first',
  } as const

  it('waits for the window, and nothing is wrong', async () => {
    const schedule = makeSchedule({ ...utc, window: { from: 1_320, until: 360 }, zone: 'UTC' })
    const { clock, liveness, sent, outbox, wake, alarms, courier } = setUpCourier(2, { schedule })
    await clock.advance(10 * HOUR - 1)
    expect(sent).toEqual([])
    expect(courier.state()).toMatchObject({
      state: 'waiting',
      waiting_for: 'window',
      since: NOON,
      next_in_ms: 1,
      fault: null,
    })
    expect([alarms, liveness.stalled()]).toEqual([[], []])
    await clock.advance(1)
    expect(sent.length).toBe(2)
    await clock.advance(8 * HOUR)
    outbox.push(batchOf('lake', 2))
    wake.ring()
    await clock.advance(0)
    expect(sent.length).toBe(2)
    expect(courier.state()).toMatchObject({ state: 'waiting', next_in_ms: 16 * HOUR })
  })

  it('looks at the clock again when it was set', async () => {
    const schedule = makeSchedule({ ...utc, window: { from: 1_320, until: 360 }, zone: 'UTC' })
    const { clock, sent } = setUpCourier(1, { schedule })
    await clock.advance(0)
    clock.step(11 * HOUR)
    await clock.advance(60_000)
    expect(sent.length).toBe(1)
  })

  it('spends no more a day than it may, every attempt counted, and goes on at midnight of the zone', async () => {
    const size = batchOf('lake', 0).bytes.length
    const schedule = makeSchedule({ ...utc, daily_budget: 3 * (8_192 + size + 2), zone: 'Asia/Seoul' })
    const { clock, sent, settled, bytesSent, alarms, pool, courier } = setUpCourier(6, { schedule })
    pool.judge = async () => (sent.length === 1 ? retry(0) : accepted)
    await clock.advance(2_000)
    expect([sent.length, settled.length]).toEqual([3, 2])
    expect(courier.state()).toMatchObject({ state: 'waiting', waiting_for: 'budget', fault: null })
    expect(courier.state().next_in_ms).toBe(3 * HOUR - 2_000) // 21:00 in Seoul
    expect(alarms).toEqual(['delivery:lake over'])
    await clock.advance(3 * HOUR)
    expect(settled.length).toBe(5)
    expect([...bytesSent.keys()]).toEqual(['2026-06-01', '2026-06-02'])
    for (const bytes of bytesSent.values()) expect(bytes).toBeLessThanOrEqual(schedule.budget!.bytes)
  })

  it('counts what was sent before a restart, and sends a batch that is larger than the budget alone', async () => {
    const schedule = makeSchedule({ ...utc, daily_budget: 100, zone: 'UTC' })
    const { clock, sent, bytesSent } = setUpCourier(2, { schedule })
    bytesSent.set('2026-06-01', 1)
    await clock.advance(12 * HOUR - 1)
    expect(sent.length).toBe(0)
    await clock.advance(2 * HOUR)
    expect(sent.length).toBe(1)
  })
})

describe('a person in a hurry', () => {
  it('ends the wait after a failure, not the one for the window', async () => {
    const { clock, sent, settled, pool, courier } = setUpCourier(1)
    pool.judge = async () => hold
    await clock.advance(0)
    pool.judge = async () => accepted
    courier.hurry()
    await clock.advance(0)
    expect([sent.length, settled.length]).toEqual([2, 1])
  })

  it('has a batch tried that rests because it failed alone', async () => {
    const { clock, outbox, wake, pool, courier } = setUpCourier(20)
    pool.judge = async (batch) => (batch.seq === 3 ? hold : accepted)
    for (let seq = 20; seq < 40; seq++) {
      outbox.push(batchOf('lake', seq))
      wake.ring()
      await clock.advance(600_000)
    }
    expect(outbox.map(({ seq }) => seq)).toEqual([3])
    expect(courier.state().next_in_ms).toBeGreaterThan(60_000)
    pool.judge = async () => accepted
    courier.hurry()
    await clock.advance(0)
    expect(outbox).toEqual([])
  })
})

it('never rests longer than is stated for its pool', async () => {
  const { clock, sent, pool } = setUpCourier(1, { longest_rest: 60_000 })
  pool.judge = async () => retry(0)
  await clock.advance(HOUR)
  for (const until of [2, 3, 4]) {
    const before = sent.length
    await clock.advance(60_000)
    expect(sent.length, `minute ${until}`).toBeGreaterThan(before)
  }
})

it('a slow batch says that it goes on', async () => {
  const liveness = { beats: 0 }
  const { clock } = setUpCourier(1, {
    client: {
      async deliver(_, __, progress) {
        const before = liveness.beats
        for (let i = 0; i < 5; i++) progress!()
        expect(liveness.beats - before).toBe(5)
        return accepted
      },
      bury: async () => null,
      withdraw: async () => Promise.reject(new TypeError('nothing is withdrawn here')),
      [Symbol.asyncDispose]: async () => undefined,
    },
    liveness: {
      watch: () => ({ beat: () => liveness.beats++, end: () => undefined }),
      excuse: () => undefined,
      stalled: () => [],
    },
  })
  await clock.advance(0)
  expect(liveness.beats).toBeGreaterThan(5)
})
