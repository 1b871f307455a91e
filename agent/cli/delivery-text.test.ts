import { describe, expect, it } from 'vitest'
import { unixMs } from '../../core/brand.ts'
import { makeFolder, publicationTo, T0 } from '../../test/support/store.ts'
import type { PoolDelivery } from '../daemon/status.ts'
import { renderDelivery } from './delivery-text.ts'

const WELL: PoolDelivery = {
  state: 'idle',
  since: T0,
  next_in_ms: null,
  attempts: 0,
  waiting_for: null,
  fault: null,
  backlog: [],
}
const fault = { code: 'pool-unavailable', message: 'the pool answered 503', hint: 'batches wait' }

function poolWith(batches: number, quarantined = 0) {
  using folder = makeFolder()
  using store = folder.open()
  store.openPool('p')
  for (let i = 1; i <= batches; i++) store.commitPublication(publicationTo(store, 'p', 0, { slot: T0 + i * 60_000 }))
  for (const { id } of store.outbox({ limit: quarantined }))
    store.settle('p', id, { kind: 'quarantined', code: 'pool-rejected', message: 'unit', at: T0 })
  store.countSent('p', '2026-06-01', 5e6)
  return store.status(T0).pools.p!
}

describe('delivery in words', () => {
  it.each<readonly [Partial<PoolDelivery>, string]>([
    [{}, 'nothing to deliver'],
    [{ state: 'sending' }, 'delivering'],
    [
      { state: 'sending', attempts: 2, fault },
      'trying again, 2 attempts since 2026-06-01T12:00:00Z: the pool answered 503 (batches wait)',
    ],
    [
      { state: 'retrying', attempts: 1, next_in_ms: 40_000, fault },
      'retrying, next attempt in 40 s, 1 attempt since 2026-06-01T12:00:00Z: the pool answered 503 (batches wait)',
    ],
    [
      { state: 'retrying', next_in_ms: 1_800_000 },
      'delivering; what is left has failed alone and rests, next attempt in 30 min',
    ],
    [
      { state: 'holding', attempts: 3, next_in_ms: 7_200_000, fault },
      'holding, next attempt in 2 h, 3 attempts since 2026-06-01T12:00:00Z: the pool answered 503 (batches wait)',
    ],
    [
      { state: 'waiting', waiting_for: 'window', next_in_ms: 36_000_000 },
      'waiting for the window until 2026-06-01T22:00:00Z',
    ],
    [
      { state: 'waiting', waiting_for: 'budget', next_in_ms: 10_800_000 },
      'waiting: the budget of the day is spent (5.0 MB) until 2026-06-01T15:00:00Z',
    ],
    [{ state: 'closed', fault }, 'closed by the pool since 2026-06-01T12:00:00Z: the pool answered 503 (batches wait)'],
  ])('%j', (parts, words) => {
    expect(renderDelivery(poolWith(0), { ...WELL, ...parts }, T0)).toEqual([
      `  delivery  ${words}`,
      '            nothing delivered yet',
    ])
  })

  it('says what waits, what is behind and what was refused', () => {
    const backlog = [
      { dataset: 'hourly', behind_ms: 259_200_000, fresh_in_ms: 9_000_000 },
      { dataset: 'daily', behind_ms: 172_800_000, fresh_in_ms: null },
    ]
    const [delivery, queue, ...rest] = renderDelivery(
      poolWith(9, 6),
      { ...WELL, state: 'sending', backlog },
      T0 + 300_000,
    )
    expect(delivery).toBe('  delivery  delivering')
    expect(queue).toMatch(/^ {12}nothing delivered yet; 3 batches wait, \d+ B, the oldest from 5 min ago$/)
    expect(rest.slice(0, 2)).toEqual([
      '  backlog   hourly is sealed up to 3 days ago, the rest waits as readings; fresh again in about 3 h',
      '  backlog   daily is sealed up to 2 days ago, the rest waits as readings; fresh again not in sight at the pace of now',
    ])
    expect(rest.slice(2, -1)).toHaveLength(5)
    expect(rest.at(-2)).toMatch(/^ {2}refused {3}hourly [0-9A-V]{26}: unit$/)
    expect(rest.at(-1)).toContain('sluice outbox list')
  })

  it('says without an agent when something was last delivered', () => {
    const pool = { ...poolWith(0), delivered_at: unixMs(T0 - 3_600_000) }
    expect(renderDelivery(pool, undefined, T0)).toEqual(['            last delivered 2026-06-01T11:00:00Z, 60 min ago'])
  })
})
