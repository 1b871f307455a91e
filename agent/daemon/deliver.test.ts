import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../core/batch.ts'
import { Fault } from '../../core/fault.ts'
import {
  accepted,
  closed,
  HOUR,
  hold,
  mismatch,
  NOON,
  rejected,
  retry,
  setUpCourier,
} from '../../test/support/courier.ts'
import { batchOf } from '../../test/support/store.ts'

describe('a courier', () => {
  it('delivers what waits, oldest first, and looks again when rung', async () => {
    const { clock, wake, outbox, settled, courier } = setUpCourier(3)
    await clock.advance(0)
    expect(settled).toEqual([0, 1, 2].map((seq) => ({ seq, kind: 'delivered' })))
    expect(courier.state()).toEqual({
      state: 'idle',
      since: NOON,
      next_in_ms: null,
      attempts: 0,
      waiting_for: null,
      fault: null,
    })
    outbox.push(batchOf('lake', 3))
    wake.ring()
    await clock.advance(0)
    expect(settled.at(-1)).toEqual({ seq: 3, kind: 'delivered' })
  })

  it('looks into the outbox now and then, though nobody rings', async () => {
    const { clock, outbox, settled } = setUpCourier(0)
    await clock.advance(0)
    outbox.push(batchOf('lake', 0))
    await clock.advance(60_000)
    expect(settled).toEqual([{ seq: 0, kind: 'delivered' }])
  })

  it('sends the same batch again until the pool takes it', async () => {
    const { clock, liveness, sent, settled, noted, pool, courier } = setUpCourier(1)
    pool.judge = async () => retry(0)
    await clock.advance(24 * HOUR)
    expect(sent.length).toBeGreaterThan(20)
    expect(new Set(sent).size).toBe(1)
    expect(settled).toEqual([])
    expect(courier.state()).toMatchObject({
      state: 'retrying',
      since: NOON,
      attempts: sent.length,
      fault: { code: 'pool-unavailable' },
    })
    expect(noted).toEqual(sent.map(({ id }) => `${id} pool-unavailable`))
    expect(courier.state().next_in_ms).toBeLessThanOrEqual(HOUR)
    expect(liveness.stalled()).toEqual([])

    pool.judge = async () => accepted
    await clock.advance(HOUR)
    expect(settled).toEqual([{ seq: 0, kind: 'delivered' }])
    expect(courier.state()).toMatchObject({ state: 'idle', attempts: 0, fault: null })
    expect(courier.state().since).toBeGreaterThan(NOON + 24 * HOUR)
  })

  it('comes back no sooner than the pool asked for', async () => {
    const { clock, sent, pool, courier } = setUpCourier(1)
    pool.judge = async () => retry(90_000)
    await clock.advance(89_999)
    expect(sent.length).toBe(1)
    expect(courier.state().next_in_ms).toBeLessThanOrEqual(1_001)
    await clock.advance(1_001) // and a little later, for others were asked the same
    expect(sent.length).toBe(2)
  })

  it('sets aside what the pool refuses and goes on', async () => {
    const { clock, settled, pool } = setUpCourier(3)
    pool.judge = async (batch) => (batch.seq === 1 ? rejected() : accepted)
    await clock.advance(0)
    expect(settled).toEqual([
      { seq: 0, kind: 'delivered' },
      { seq: 1, kind: 'quarantined' },
      { seq: 2, kind: 'delivered' },
    ])
  })

  it('sends first what this run sealed first, until the pool has judged that', async () => {
    const { clock, wake, outbox, sent, run } = setUpCourier(0, { order: 'fresh_first' })
    await clock.advance(0)
    outbox.push(...[0, 1, 2, 3, 4].map((seq) => batchOf('lake', seq)))
    run.sealed = outbox.slice(2)
    wake.ring()
    await clock.advance(0)
    expect(sent.map(({ seq }) => seq)).toEqual([2, 4, 3, 0, 1])
  })

  it.each([
    { disowned: 'old' as const, left: 0 },
    { disowned: 'renewed' as const, left: 0 },
    { disowned: 'wrong' as const, left: 2 },
  ])(
    'takes batches that the pool holds with other bytes for its own matter, unless they cannot be: $disowned',
    async ({ disowned, left }) => {
      const { clock, outbox, run, pool, wake } = setUpCourier(0)
      run.disowned = disowned
      pool.judge = async () => mismatch
      outbox.push(...Array.from({ length: 11 }, (_, seq) => batchOf('lake', seq)))
      wake.ring()
      await clock.advance(0)
      expect(outbox.length).toBe(left)
    },
  )

  it('begins counting attempts anew after a refusal, for the pool did answer', async () => {
    const { clock, pool, courier } = setUpCourier(2)
    pool.judge = async () => retry(0)
    await clock.advance(HOUR)
    pool.judge = async (batch) => (batch.seq === 0 ? rejected() : retry(0))
    await clock.advance(HOUR)
    expect(courier.state().attempts).toBeLessThan(20)
    pool.judge = async () => rejected()
    await clock.advance(HOUR)
    expect(courier.state()).toMatchObject({ attempts: 0, fault: null })
  })

  it('is alive while it waits for as long as the pool asked', async () => {
    const { clock, liveness, sent, pool } = setUpCourier(1)
    pool.judge = async () => retry(24 * HOUR)
    for (let hour = 0; hour < 23; hour++) {
      await clock.advance(HOUR)
      expect(liveness.stalled()).toEqual([])
    }
    expect(sent.length).toBe(1)
  })

  it('raises an alarm when nothing was delivered for an hour, and at once for a receipt that is not the pool’s', async () => {
    const { clock, alarms, pool } = setUpCourier(1)
    pool.judge = async () => retry(0)
    await clock.advance(HOUR - 60_000)
    expect(alarms).toEqual([])
    await clock.advance(HOUR)
    expect(alarms[0]).toBe('delivery:lake pool-unavailable')
    pool.judge = async () => accepted
    await clock.advance(HOUR)
    expect(alarms.at(-1)).toBe('delivery:lake over')

    const strange = setUpCourier(1)
    const fault = new Fault('pool-receipt', {}, 'signed by somebody else')
    strange.pool.judge = async () => ({ kind: 'retry', after_ms: 0, fault })
    await strange.clock.advance(0)
    expect(strange.alarms).toEqual(['delivery:lake pool-receipt'])
  })

  it('holds at the tenth refusal of one kind in a row, and loses no more', async () => {
    const { clock, outbox, sent, settled, alarms, pool, courier } = setUpCourier(12)
    pool.judge = async () => rejected()
    await clock.advance(HOUR)
    expect(settled.map((s) => s.kind)).toEqual(Array(9).fill('quarantined'))
    expect(courier.state().state).toBe('holding')
    expect(outbox.length).toBe(3)
    expect(sent.length).toBeGreaterThan(9)
    expect(alarms.at(-1)).toBe('delivery:lake pool-refusing')

    pool.judge = async () => accepted
    await clock.advance(HOUR)
    expect(settled.slice(9).map((s) => s.kind)).toEqual(Array(3).fill('delivered'))
  })

  it('remembers over a restart how many were refused', async () => {
    const { clock, settled, pool, courier } = setUpCourier(3, { refused: ['range', ...Array<string>(8).fill('unit')] })
    pool.judge = async () => rejected()
    await clock.advance(0)
    expect(settled.map((s) => s.kind)).toEqual(['quarantined'])
    expect(courier.state().state).toBe('holding')
  })

  it('does not hold for refusals of many kinds', async () => {
    const { clock, settled, pool } = setUpCourier(15)
    pool.judge = async (batch) => rejected(batch.seq % 2 === 0 ? 'unit' : 'range')
    await clock.advance(0)
    expect(settled.length).toBe(15)
  })

  it('holds with an alarm, asks seldom, and says when it is over', async () => {
    const { clock, sent, settled, alarms, pool, courier } = setUpCourier(1)
    pool.judge = async () => hold
    await clock.advance(29_999)
    expect(sent.length).toBe(1)
    expect(alarms.at(-1)).toBe('delivery:lake pool-identity')
    expect(courier.state()).toMatchObject({ state: 'holding', fault: { code: 'pool-identity' } })
    pool.judge = async () => accepted
    await clock.advance(60_000)
    expect(settled).toEqual([{ seq: 0, kind: 'delivered' }])
    expect(alarms.at(-1)).toBe('delivery:lake over')
  })

  it('ends an alarm that the last run left open', async () => {
    const { clock, alarms } = setUpCourier(2)
    await clock.advance(0)
    expect(alarms).toEqual(['delivery:lake over'])
  })

  it('stops for good when the pool is over, and keeps what waits', async () => {
    const { clock, liveness, outbox, sent, alarms, pool, courier } = setUpCourier(2)
    pool.judge = async () => closed
    await courier.done
    expect(courier.state()).toMatchObject({ state: 'closed', fault: { code: 'pool-closed' } })
    expect(alarms).toEqual(['delivery:lake over', 'over: pool-closed'])
    await clock.advance(24 * HOUR)
    expect(sent.length).toBe(1)
    expect(outbox.length).toBe(2)
    expect(liveness.stalled()).toEqual([])
  })

  it('outlives a disk that refuses: the batch stays and is sent again', async () => {
    const { clock, sent, settled, disk, courier } = setUpCourier(1)
    disk.refuse = new Fault('store-io', {}, 'the disk refuses')
    await clock.advance(60_000)
    expect(settled).toEqual([])
    expect(courier.state()).toMatchObject({ state: 'retrying', fault: { code: 'store-io' } })
    disk.refuse = null
    await clock.advance(HOUR)
    expect(settled).toEqual([{ seq: 0, kind: 'delivered' }])
    expect(new Set(sent).size).toBe(1)
  })
})

describe('a courier that is stopped', () => {
  it('ends while it is idle', async () => {
    const { clock, liveness, halt, courier } = setUpCourier(0)
    await clock.advance(0)
    halt()
    await courier.done
    await clock.advance(24 * HOUR)
    expect(liveness.stalled()).toEqual([])
  })

  it.each([retry(HOUR), hold])('ends while it waits after "$kind"', async (verdict) => {
    const { clock, halt, sent, pool, courier } = setUpCourier(1)
    pool.judge = async () => verdict
    await clock.advance(0)
    halt()
    await courier.done
    expect(sent.length).toBe(1)
  })

  it.each([
    { verdict: retry(HOUR), settlements: [] },
    { verdict: rejected(), settlements: [] },
    { verdict: accepted, settlements: [{ seq: 0, kind: 'delivered' }] },
  ])('ends with the attempt that is on its way ($verdict.kind)', async ({ verdict, settlements }) => {
    const { clock, halt, sent, settled, pool, courier } = setUpCourier(2)
    const answer = Promise.withResolvers<Verdict>()
    pool.judge = () => answer.promise
    await clock.advance(0)
    expect(courier.state().state).toBe('sending')
    halt()
    answer.resolve(verdict)
    await courier.done
    expect(sent.length).toBe(1)
    expect(settled).toEqual(settlements)
  })
})
