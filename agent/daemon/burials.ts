import type { BatchId, DroppedBatch, Pool, Tombstone } from '../../core/batch.ts'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import { backoffMs } from '../../core/retry.ts'
import type { Schedule } from '../../uplink/schedule.ts'
import type { Allowance } from './allowance.ts'
import type { StoreClient } from './store-client.ts'

/** How often it is looked whether a batch was dropped, ms; a pool that does not answer is asked ever more rarely. */
const LOOK = 60_000
const RETRY = { base: LOOK, floor: LOOK }
/** So many in a row do not get through: then it is the pool, and the others wait too. */
const IN_VAIN = 3
/** That rest at most; the first to rest is tried again before it should be. */
const MOST = 1_000

/**
 * Tells a pool of the batches that were dropped on this side, beside delivery and never in its way: a tombstone that does
 * not get through stays owed and rests ever longer, while the others go on.
 * @param input.sign may throw a Fault, where the key is not there
 * @param input.longest_rest ms between two attempts, at most
 * @returns ends when the signal aborts
 */
export async function runBurials(input: {
  readonly pool: string
  readonly client: Pick<Pool, 'bury'>
  readonly store: Pick<StoreClient, 'unburied' | 'buried'>
  readonly sign: (dropped: DroppedBatch) => Tombstone
  readonly schedule: Pick<Schedule, 'closedUntil'>
  readonly allowance: Allowance
  readonly longest_rest: number
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}): Promise<void> {
  const { pool, client, store, clock, log, signal } = input
  const limits = { ...RETRY, cap: Math.max(LOOK, input.longest_rest) }
  const resting = new Map<BatchId, { readonly tries: number; readonly due: number }>()

  function rest(id: BatchId, fault: Fault): void {
    const { code, hint, message } = fault
    // One that does not get through is like the next: a person need not read of each.
    if (resting.size === 0)
      log.warn({ pool, batch: id, code, hint }, `the pool does not know of a dropped batch: ${message}`)
    const tries = (resting.get(id)?.tries ?? 0) + 1
    resting.delete(id)
    resting.set(id, { tries, due: clock.monotonic() + backoffMs(tries, limits) })
    if (resting.size > MOST) resting.delete(resting.keys().next().value!)
  }

  /** One that was not told of yet, else one that has rested. */
  async function next(): Promise<DroppedBatch | undefined> {
    const [fresh] = await store.unburied(pool, 1, [...resting.keys()])
    if (fresh) return fresh
    const now = clock.monotonic()
    const tired = [...resting].filter(([, { due }]) => due > now).map(([id]) => id)
    return (await store.unburied(pool, 1, tired))[0]
  }

  /** Tells of all that do not rest. @returns false where nothing got through, null where there was nothing to tell */
  async function round(): Promise<boolean | null> {
    let got: boolean | null = null
    for (let inVain = 0; inVain < IN_VAIN && !signal.aborted; ) {
      if (input.schedule.closedUntil(clock.now()) !== undefined) return got
      const dropped = await next()
      if (!dropped) return got
      const tombstone = input.sign(dropped)
      if ((await input.allowance.charge(tombstone.bytes.length)) !== undefined) return got
      const fault = await client.bury(tombstone, signal)
      if (signal.aborted) return got
      if (fault) {
        rest(dropped.id, fault)
        inVain++
        got ??= false
        continue
      }
      await store.buried(pool, dropped.id, clock.now())
      log.debug({ pool, batch: dropped.id, reason: dropped.reason }, 'the pool knows that the batch was dropped')
      resting.delete(dropped.id)
      inVain = 0
      got = true
    }
    return got
  }

  /** A key that is not there, or a disk that refuses, is one more reason to try again. */
  async function tryRound(): Promise<boolean | null> {
    try {
      return await round()
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      log.debug({ pool, code: error.code }, error.message)
      return false
    }
  }

  for (let attempt = 0; !signal.aborted; ) {
    const got = await tryRound()
    if (got !== null) attempt = got ? 0 : attempt + 1
    await clock.sleep(got === false ? backoffMs(attempt, limits) : LOOK, signal)
  }
}
