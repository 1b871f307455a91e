import type { UnixMs } from '../../core/brand.ts'
import type { Clock } from '../../core/clock.ts'
import type { Schedule } from '../../uplink/schedule.ts'
import type { StoreClient } from './store-client.ts'

/** What a pool's budget of the day leaves: one for all that is sent to it. */
export interface Allowance {
  /** Charges what is about to be sent, durably, or a crash would make the agent forget it. @returns until when it must wait instead */
  charge(size: number): Promise<UnixMs | undefined>
}

export function makeAllowance(input: {
  readonly pool: string
  readonly store: Pick<StoreClient, 'countSent'>
  readonly budget: Schedule['budget']
  readonly clock: Clock
}): Allowance {
  const { pool, store, budget, clock } = input
  let spent: { readonly day: string; readonly bytes: number } | undefined
  let turn: Promise<unknown> = Promise.resolve()

  async function chargeNow(size: number): Promise<UnixMs | undefined> {
    if (!budget) return undefined
    const now = clock.now()
    const day = budget.day(now)
    if (spent?.day !== day) spent = { day, bytes: await store.countSent(pool, day, 0) }
    const cost = budget.cost(size)
    if (spent.bytes > 0 && spent.bytes + cost > budget.bytes) return budget.nextDay(now)
    spent = { day, bytes: await store.countSent(pool, day, cost) }
    return undefined
  }

  return {
    charge(size) {
      // Batches and tombstones are sent beside each other: one at a time may look at what is left.
      const mine = turn.then(() => chargeNow(size))
      turn = mine.catch(() => undefined)
      return mine
    },
  }
}
