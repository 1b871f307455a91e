import type { DroppedBatch, Pool, Tombstone } from '../../core/batch.ts'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import { backoffMs } from '../../core/retry.ts'
import type { Schedule } from '../../uplink/schedule.ts'
import type { StoreClient } from './store-client.ts'

/** How often it is looked whether a batch was dropped, ms; a pool that does not answer is asked ever more rarely. */
const LOOK = 60_000
const RETRY = { base: LOOK, cap: 3_600_000, floor: LOOK }
/** Told at a time. */
const STRIDE = 20

/**
 * Tells a pool of the batches that were dropped on this side, beside delivery and never in its way: a tombstone that does
 * not get through stays owed.
 * @param input.sign may throw a Fault, where the key is not there
 * @returns ends when the signal aborts
 */
export async function runBurials(input: {
  readonly pool: string
  readonly client: Pick<Pool, 'bury'>
  readonly store: Pick<StoreClient, 'unburied' | 'buried'>
  readonly sign: (dropped: DroppedBatch) => Tombstone
  readonly schedule: Pick<Schedule, 'closedUntil'>
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}): Promise<void> {
  const { pool, client, store, clock, log, signal } = input

  /** @throws Fault where one does not get through */
  async function buryAll(): Promise<void> {
    while (!signal.aborted && input.schedule.closedUntil(clock.now()) === undefined) {
      const owed = await store.unburied(pool, STRIDE)
      for (const dropped of owed) {
        const fault = await client.bury(input.sign(dropped), signal)
        if (fault) throw fault
        await store.buried(pool, dropped.id, clock.now())
        log.debug({ pool, batch: dropped.id, reason: dropped.reason }, 'the pool knows that the batch was dropped')
      }
      if (owed.length < STRIDE) return
    }
  }

  for (let attempt = 0; !signal.aborted; ) {
    try {
      await buryAll()
      attempt = 0
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      if (signal.aborted) return
      log.debug({ pool, code: error.code }, error.message)
      attempt++
    }
    await clock.sleep(attempt === 0 ? LOOK : backoffMs(attempt, RETRY), signal)
  }
}
