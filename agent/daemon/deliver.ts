import type { Pool, SealedBatch, Verdict } from '../../core/batch.ts'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import { backoffMs } from '../../core/retry.ts'
import { makeRejectionStreak } from '../../uplink/verdict.ts'
import type { Bell } from './bell.ts'
import type { Liveness } from './liveness.ts'
import type { StoreClient } from './store-client.ts'

/** The pool may be away for long: attempts thin out to one an hour, a held pool is asked at least that seldom too. */
const RETRY = { base: 1_000, cap: 3_600_000 }
const HOLD = { base: 60_000, cap: 3_600_000, floor: 30_000 }
/** Wakes at least this often to look at the outbox, whatever was missed. */
const LOOK = 60_000
/** So long without a batch delivered is an alarm, though the agent goes on trying by itself. */
const OVERDUE = 3_600_000

/** What `status` shows of a pool's delivery. */
export interface DeliveryState {
  readonly state: 'idle' | 'sending' | 'retrying' | 'holding' | 'closed'
  /** ms until the next attempt, or null */
  readonly next_in_ms: number | null
  readonly attempts: number
  readonly fault: { readonly code: string; readonly message: string; readonly hint: string } | null
}

/** One pool's delivery loop. */
export interface Courier {
  state(): DeliveryState
  readonly done: Promise<void>
}

/**
 * Delivers a pool's sealed batches, oldest first, each until the pool has said something final about it.
 * @param wake rung when a batch was sealed
 */
export function startCourier(input: {
  readonly pool: string
  readonly client: Pool
  readonly store: StoreClient
  readonly wake: Bell
  readonly clock: Clock
  readonly log: Log
  readonly liveness: Liveness
  readonly signal: AbortSignal
}): Courier {
  const { pool, client, store, clock, log, signal } = input
  const streak = makeRejectionStreak()
  const alarmKey = `delivery:${pool}`
  let state: DeliveryState['state'] = 'idle'
  let attempts = 0
  let fault: Fault | null = null
  let nextAt: number | null = null
  /** when the pool last took something, or had nothing to take (monotonic ms) */
  let healthy = clock.monotonic()
  /** The last run may have left an alarm open. */
  let alarmed = true
  const pulse = input.liveness.watch(`deliver ${pool}`, RETRY.cap + 2 * LOOK)

  async function alarm(cause: Fault): Promise<void> {
    alarmed = true
    await store.raiseAlarm({ key: alarmKey, code: cause.code, message: cause.message, at: clock.now() })
  }

  async function pause(kind: 'retrying' | 'holding', ms: number, cause: Fault): Promise<void> {
    if (fault?.code !== cause.code) log.warn({ pool, code: cause.code, hint: cause.hint }, cause.message)
    state = kind
    fault = cause
    nextAt = clock.monotonic() + ms
    attempts++
    for (let left = ms; left > 0 && !signal.aborted; left = nextAt - clock.monotonic()) {
      pulse.beat()
      await clock.sleep(Math.min(left, LOOK), signal)
    }
    nextAt = null
  }

  function recovered(): void {
    attempts = 0
    fault = null
    healthy = clock.monotonic()
  }

  async function act(batch: SealedBatch, verdict: Verdict): Promise<void> {
    switch (verdict.kind) {
      case 'accepted':
        await store.settle(pool, batch.id, { kind: 'delivered', receipt: verdict.receipt, at: clock.now() })
        if (fault) log.info({ pool }, 'pool takes batches again')
        if (alarmed) await store.clearAlarm(alarmKey, clock.now())
        alarmed = false
        log.debug({ pool, batch: batch.id, dataset: batch.dataset, rows: batch.rows }, 'delivered')
        streak.accepted()
        return recovered()
      case 'rejected':
        await alarm(verdict.fault)
        log.error({ pool, batch: batch.id, code: verdict.fault.code, hint: verdict.fault.hint }, verdict.fault.message)
        if (streak.rejected(verdict.fault.message) === 'hold') {
          return pause('holding', backoffMs(attempts, HOLD), verdict.fault)
        }
        recovered() // the pool answers; what it said is in the alarm and beside the batch
        return store.settle(pool, batch.id, {
          kind: 'quarantined',
          code: verdict.fault.code,
          message: verdict.fault.message,
          at: clock.now(),
        })
      case 'retry':
        if (verdict.fault.code === 'pool-receipt' || clock.monotonic() - healthy >= OVERDUE) await alarm(verdict.fault)
        return pause('retrying', Math.max(verdict.after_ms, backoffMs(attempts, RETRY)), verdict.fault)
      case 'hold':
        await alarm(verdict.fault)
        return pause('holding', backoffMs(attempts, HOLD), verdict.fault)
      case 'closed':
        state = 'closed'
        fault = verdict.fault
        await alarm(verdict.fault)
        log.error({ pool, code: verdict.fault.code, hint: verdict.fault.hint }, verdict.fault.message)
        return store.closeGate(pool)
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted && state !== 'closed') {
      pulse.beat()
      try {
        await turn()
      } catch (error) {
        // The disk refuses: the batch stays queued, and the pool knows it again by its id.
        if (!(error instanceof Fault)) throw error
        await pause('retrying', backoffMs(attempts, RETRY), error)
      }
    }
    pulse.end()
  }

  async function turn(): Promise<void> {
    const batch = await store.nextBatch(pool)
    if (!batch) {
      state = 'idle'
      healthy = clock.monotonic()
      return input.wake.wait(LOOK, signal)
    }
    state = 'sending'
    const verdict = await client.deliver(batch, signal)
    if (!signal.aborted || verdict.kind === 'accepted') await act(batch, verdict)
  }

  return {
    state: () => ({
      state,
      next_in_ms: nextAt === null ? null : Math.max(0, Math.round(nextAt - clock.monotonic())),
      attempts,
      fault: fault && { code: fault.code, message: fault.message, hint: fault.hint },
    }),
    done: run(),
  }
}
