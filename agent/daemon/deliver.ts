import type { BatchId, Pool, SealedBatch, Verdict } from '../../core/batch.ts'
import type { UnixMs } from '../../core/brand.ts'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import { backoffMs } from '../../core/retry.ts'
import type { Schedule } from '../../uplink/schedule.ts'
import type { PoolConfig } from '../../uplink/schema.ts'
import { makeRejectionStreak } from '../../uplink/verdict.ts'
import type { Allowance } from './allowance.ts'
import type { Bell } from './bell.ts'
import { type Drain, makeDrain } from './drain.ts'
import type { Liveness } from './liveness.ts'
import type { StoreClient } from './store-client.ts'
import { makeSuspects } from './suspects.ts'

/** The pool may be away for long: attempts thin out to `longest_rest`, those at a pool that holds too. */
const RETRY = { base: 1_000 }
const HOLD = { base: 60_000, floor: 30_000 }
/** Wakes at least this often to look at the outbox, whatever was missed. */
const LOOK = 60_000
/** So long without a batch delivered is an alarm, though the agent goes on trying by itself. */
const OVERDUE = 3_600_000
/** With `fresh_first` every such batch is the oldest, so that a backlog drains however many new ones come. */
const BACKLOG_TURN = 4

/** What `status` shows of a pool's delivery. */
export interface DeliveryState {
  /** `waiting`: for the window or the day's budget · `closed`: the pool said that it is over */
  readonly state: 'idle' | 'sending' | 'retrying' | 'holding' | 'waiting' | 'closed'
  /** since when it is well, in trouble, waiting or closed */
  readonly since: UnixMs
  /** ms until the next attempt, or null */
  readonly next_in_ms: number | null
  /** in vain since the pool last took or refused something */
  readonly attempts: number
  readonly waiting_for: 'window' | 'budget' | null
  readonly fault: { readonly code: string; readonly message: string; readonly hint: string } | null
}

/** One pool's delivery loop. */
export interface Courier {
  state(): DeliveryState
  /** Tries again now, where it waits after a failure: a person did something about it. */
  hurry(): void
  readonly drain: Pick<Drain, 'freshIn'>
  readonly done: Promise<void>
}

/** What a courier works with. */
export interface CourierInput {
  readonly pool: string
  readonly client: Pool
  readonly store: StoreClient
  readonly order: PoolConfig['order']
  readonly schedule: Pick<Schedule, 'closedUntil'>
  readonly allowance: Allowance
  /** ms between two attempts, at most */
  readonly longest_rest: number
  /** kinds of the last refusals since anything was delivered, oldest first: a restart does not forget them */
  readonly refused: readonly string[]
  /** The pool says that it is over. Where this fails, it is asked once more. */
  readonly onClosed: (fault: Fault) => Promise<void>
  /** rung when a batch was sealed */
  readonly wake: Bell
  readonly clock: Clock
  readonly log: Log
  readonly liveness: Liveness
  readonly signal: AbortSignal
}

/** Delivers a pool's sealed batches one at a time, each until the pool has said something final about it. */
export function startCourier(input: CourierInput): Courier {
  const { pool, client, store, schedule, clock, log, signal, longest_rest: cap } = input
  const streak = makeRejectionStreak(input.refused)
  const suspects = makeSuspects()
  const drain = makeDrain(clock)
  const alarmKey = `delivery:${pool}`
  let state: DeliveryState['state'] = 'idle'
  let since = clock.now()
  let phase = 'well'
  let attempts = 0
  let tried = 0
  let waitingFor: DeliveryState['waiting_for'] = null
  let fault: Fault | null = null
  let nextAt: number | null = null
  let hurried = new AbortController()
  /** when the pool last took something, or had nothing to take (monotonic ms) */
  let healthy = clock.monotonic()
  /** what the open alarm is about; the last run may have left one open */
  let alarmed: string | null = 'the last run'
  /**
   * The first batch that this run sealed goes before all others: the pool knows its id already where the folder is an older
   * state of itself, and what was sealed since must not be sent then.
   */
  let probe: BatchId | undefined
  let isProven = false
  const pulse = input.liveness.watch(`deliver ${pool}`, cap + 2 * LOOK)

  function enter(next: DeliveryState['state'], at: number | null = null): void {
    state = next
    nextAt = at
    if (next !== 'waiting') waitingFor = null
    const now = next === 'waiting' || next === 'closed' ? next : attempts > 0 ? 'trouble' : 'well'
    if (now !== phase) since = clock.now()
    phase = now
  }

  async function alarm(cause: Fault, about: string = cause.code): Promise<void> {
    alarmed = about
    await store.raiseAlarm({ key: alarmKey, code: cause.code, message: cause.message, at: clock.now() })
  }

  const restAfter = (limits: typeof RETRY | typeof HOLD): number => backoffMs(attempts, { ...limits, cap })

  async function pause(kind: 'retrying' | 'holding', ms: number, cause: Fault): Promise<void> {
    if (fault?.code !== cause.code) log.warn({ pool, code: cause.code, hint: cause.hint }, cause.message)
    fault = cause
    attempts++
    hurried = new AbortController()
    const until = AbortSignal.any([signal, hurried.signal])
    const at = clock.monotonic() + ms
    enter(kind, at)
    for (let left = ms; left > 0 && !until.aborted; left = at - clock.monotonic()) {
      pulse.beat()
      await clock.sleep(Math.min(left, LOOK), until)
    }
    nextAt = null
  }

  /** The pool said something final about a batch: whatever else failed before may not have been its fault. */
  async function recovered(batch: SealedBatch): Promise<void> {
    const now = clock.monotonic()
    isProven ||= batch.id === probe
    attempts = 0
    fault = null
    healthy = now
    suspects.forget(batch.id)
    suspects.passed(now)
    await tellStuck()
  }

  /** The alarm of a pool that takes batches is about one that it does not take, if about any. */
  async function tellStuck(): Promise<void> {
    const stuck = suspects.stuck()
    if (stuck) {
      if (alarmed === stuck.id) return
      const message = `batch ${stuck.id} fails again and again while others are taken: ${stuck.fault.message}`
      return alarm(new Fault('pool-stuck', { pool, batch: stuck.id }, message), stuck.id)
    }
    if (alarmed !== null) await store.clearAlarm(alarmKey, clock.now())
    alarmed = null
  }

  /** The batch stays queued; another one is tried before it. */
  async function failed(
    { id }: SealedBatch,
    cause: Fault,
    then: { readonly kind: 'retrying' | 'holding'; readonly ms: number; readonly isAlarm: boolean },
  ): Promise<void> {
    const blame = suspects.failed(id, cause, clock.monotonic())
    await store.noteAttempt(pool, id, { code: cause.code, message: cause.message })
    if (blame === 'batch' && attempts === 0) return tellStuck()
    if (then.isAlarm) await alarm(cause)
    await pause(then.kind, then.ms, cause)
  }

  async function act(batch: SealedBatch, verdict: Verdict): Promise<void> {
    switch (verdict.kind) {
      case 'accepted':
        await store.settle(pool, batch.id, { kind: 'delivered', receipt: verdict.receipt, at: clock.now() })
        if (fault) log.info({ pool }, 'pool takes batches again')
        log.debug({ pool, batch: batch.id, dataset: batch.dataset, rows: batch.rows }, 'delivered')
        streak.accepted()
        drain.delivered(batch)
        return recovered(batch)
      case 'rejected': {
        const { code, message, hint } = verdict.fault
        log.error({ pool, batch: batch.id, code, hint }, message)
        // That says something of this folder, and nothing of the batches that follow.
        const isOurs = code === 'pool-mismatch' && (await store.disown(pool, batch.id, clock.now())) !== 'wrong'
        if (!isOurs && streak.rejected(message) === 'hold') {
          const refusing = new Fault(
            'pool-refusing',
            verdict.fault.where,
            `one batch after the other is refused: ${message}`,
          )
          return failed(batch, refusing, { kind: 'holding', ms: restAfter(HOLD), isAlarm: true })
        }
        await store.settle(pool, batch.id, { kind: 'quarantined', code, message, at: clock.now() })
        return recovered(batch)
      }
      case 'retry': {
        const isAlarm = verdict.fault.code === 'pool-receipt' || clock.monotonic() - healthy >= OVERDUE
        // Retry-After is a floor, and jitter comes on top: many plants were told the same.
        const ms = verdict.after_ms + restAfter(RETRY)
        return failed(batch, verdict.fault, { kind: 'retrying', ms, isAlarm })
      }
      case 'hold':
        return failed(batch, verdict.fault, { kind: 'holding', ms: restAfter(HOLD), isAlarm: true })
      case 'closed':
        fault = verdict.fault
        enter('closed')
        await store.clearAlarm(alarmKey, clock.now()) // that of the gate says it
        return input.onClosed(verdict.fault)
    }
  }

  /** The batch whose turn it is. While the pool fails, those that failed have theirs when no other is left. */
  async function choose(): Promise<SealedBatch | undefined> {
    if (!isProven) {
      const first = await store.nextBatch(pool, { of: 'this_run', except: suspects.resting(clock.monotonic()) })
      probe = first?.id
      if (first) return first
    }
    const isBacklogTurn = input.order === 'oldest_first' || tried % BACKLOG_TURN === BACKLOG_TURN - 1
    const [head, ...others] = suspects.resting(clock.monotonic())
    const end = isBacklogTurn ? 'oldest' : 'newest'
    const batch = await store.nextBatch(pool, { end, except: head === undefined ? [] : [head, ...others] })
    if (batch || head === undefined) return batch
    const suspect = await store.nextBatch(pool, { end: 'oldest', except: others })
    if (suspect?.id !== head) {
      suspects.forget(head) // a person took it out
      return choose()
    }
    return attempts > 0 ? suspect : undefined
  }

  /** What is waited for is as it should be: it is no trouble, and no time in which the pool failed. */
  function waitFor(what: 'window' | 'budget', until: UnixMs): Promise<void> {
    healthy = clock.monotonic()
    waitingFor = what
    const ms = until - clock.now()
    enter('waiting', clock.monotonic() + ms)
    return clock.sleep(Math.min(ms, LOOK), signal)
  }

  async function turn(): Promise<void> {
    const batch = await choose()
    if (!batch) {
      healthy = clock.monotonic()
      const due = suspects.nextDue()
      enter(due === undefined ? 'idle' : 'retrying', due ?? null)
      return input.wake.wait(due === undefined ? LOOK : Math.min(LOOK, due - healthy), signal)
    }
    const opens = schedule.closedUntil(clock.now())
    if (opens !== undefined) return waitFor('window', opens)
    const tomorrow = await input.allowance.charge(batch.bytes.length)
    if (tomorrow !== undefined) return waitFor('budget', tomorrow)
    enter('sending')
    tried++
    const verdict = await client.deliver(batch, signal, pulse.beat)
    if (!signal.aborted || verdict.kind === 'accepted') await act(batch, verdict)
  }

  async function run(): Promise<void> {
    while (!signal.aborted && state !== 'closed') {
      pulse.beat()
      try {
        await turn()
      } catch (error) {
        // The disk refuses: the batch stays queued, and the pool knows it again by its id.
        if (!(error instanceof Fault)) throw error
        await pause('retrying', restAfter(RETRY), error)
      }
    }
    pulse.end()
  }

  return {
    state: () => ({
      state,
      since,
      next_in_ms: nextAt === null ? null : Math.max(0, Math.round(nextAt - clock.monotonic())),
      attempts,
      waiting_for: waitingFor,
      fault: fault && { code: fault.code, message: fault.message, hint: fault.hint },
    }),
    hurry() {
      hurried.abort()
      suspects.wake(clock.monotonic())
      input.wake.ring()
    },
    drain,
    done: run(),
  }
}
