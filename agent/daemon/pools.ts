import type { StoreStatus } from '../../buffer/port.ts'
import type { LoadedConfig } from '../../config/load.ts'
import type { LoadedGate, ShutGate } from '../../config/load-pools.ts'
import type { DroppedBatch, Tombstone } from '../../core/batch.ts'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import { backoffMs } from '../../core/retry.ts'
import { expiryOf } from '../../privacy/compile.ts'
import { makeSchedule } from '../../uplink/schedule.ts'
import type { PoolConfig } from '../../uplink/schema.ts'
import { parseSigningKey } from '../../uplink/signature.ts'
import { makeTombstone } from '../../uplink/tombstone.ts'
import { makeAllowance } from './allowance.ts'
import { type Bell, makeBell } from './bell.ts'
import { runBurials } from './burials.ts'
import { type Courier, startCourier } from './deliver.ts'
import { gateOf, gateOpened, openPoolClient, signingKeysOf } from './gate.ts'
import type { Liveness } from './liveness.ts'
import { isPassing } from './passing.ts'
import { type Leaving, leavingOf } from './pool-desk.ts'
import type { Backlog, GateState, PoolDelivery } from './status.ts'
import type { StoreClient } from './store-client.ts'
import { runWithdrawal } from './withdraw.ts'

/** Attempts at a pool that may be away for long, ms; and at a folder, which costs nothing and whose medium somebody just put in. */
const LONGEST_REST = 3_600_000
const LONGEST_REST_OF_FOLDER = 60_000
/** A pool that could not be started is tried again after this long (ms). */
const RETRY = { base: 5_000, cap: 60_000, floor: 1_000 }

/** What runs for the pools of one agent: a gate and a courier each, which share nothing but the store. */
export interface Pools extends AsyncDisposable {
  /** Where the pool cannot be worked for its gate is shut, and the others go on; what may pass is tried again. */
  start(name: string): Promise<void>
  shut(name: string, fault: Fault): void
  /** The same until the agent ends, whoever joins the pool again: what its gate needs is gone, and held in memory alone. */
  keepShut(name: string, fault: Fault): Promise<void>
  /**
   * Leaves a pool: nothing more is sealed or sent to it, and it is asked to withdraw what it has, for as long as that takes. Answers
   * once the pool was asked for the first time.
   */
  withdraw(name: string): Promise<Leaving>
  /** Takes part again in a pool that was left, once it owes no withdrawal. @returns false where it was not left @throws Fault `usage` */
  join(name: string): Promise<boolean>
  /** A batch was sealed for this pool. */
  sealed(name: string): void
  /** Every courier tries again now. */
  hurry(): void
  gates(): Readonly<Record<string, GateState>>
  delivery(stored: StoreStatus): Readonly<Record<string, PoolDelivery>>
  /** Resolves when every courier has ended, and who tells of dropped batches. */
  done(): Promise<unknown>
}

/** @param input.alarm raises the alarm of a key, or ends it (null) */
export function makePools(input: {
  readonly loaded: LoadedConfig
  readonly store: StoreClient
  /** ms */
  readonly max_sealed_ahead: number
  readonly clock: Clock
  readonly log: Log
  readonly liveness: Liveness
  readonly signal: AbortSignal
  /** whether the clock is trusted */
  readonly isSane: () => boolean
  readonly alarm: (key: string, fault: Fault | null) => void
}): Pools {
  const { loaded, store, max_sealed_ahead, clock, log, liveness, signal, isSane, alarm } = input
  const gates = new Map<string, GateState>()
  const keptShut = new Map<string, ShutGate>()
  const bells = new Map<string, Bell>()
  const couriers = new Map<string, Courier>()
  /** what else goes on until the stop, and what ends all that goes on for one pool */
  const errands: Promise<void>[] = []
  const ends = new Map<string, AbortController>()
  const resources = new AsyncDisposableStack()

  function shut(name: string, fault: Fault): void {
    gates.set(name, {
      state: 'shut',
      fault: { code: fault.code, message: fault.message, hint: fault.hint },
      expires: null,
    })
    alarm(`gate:${name}`, fault)
    store
      .noteGate({ kind: 'gate_shut', pool: name, code: fault.code }, clock.now())
      .catch((err) => log.warn({ pool: name, err }, 'the log could not be told that the gate is shut'))
  }

  /** The pool says that it is over: nothing is sealed or accepted for it until the next start, and it holds up no other. */
  async function close(name: string, fault: Fault): Promise<void> {
    await store.closeGate(name)
    await store.retirePool(name)
    shut(name, fault)
    ends.get(name)?.abort()
  }

  /** Datasets whose backlog lies raw because enough is sealed, and when they will be fresh again. */
  function backlog(courier: Courier, pool: StoreStatus['pools'][string] | undefined, now: number): readonly Backlog[] {
    return Object.entries(pool?.queued ?? {}).flatMap(([dataset, { batches, span }]) => {
      const one = span / batches
      if (span + one <= Math.max(max_sealed_ahead, one)) return []
      const behind_ms = now - (pool!.cursor.sealed_until[dataset] ?? now)
      return [{ dataset, behind_ms, fresh_in_ms: courier.drain.freshIn(dataset, behind_ms) }]
    })
  }

  /** Has a pool that was left withdraw what it owes still. */
  async function goOnWithdrawing(name: string): Promise<{ readonly attempted: Promise<Fault | null> }> {
    const pool = loaded.pools[name]
    gates.set(name, { state: 'withdrawn', fault: null, expires: null })
    for (const key of [`gate:${name}`, `delivery:${name}`, `tls:${name}`]) await store.clearAlarm(key, clock.now())
    if (!pool?.config) return { attempted: Promise.resolve(pool?.gate.kind === 'shut' ? pool.gate.fault : null) }
    const { promise, resolve } = Promise.withResolvers<Fault | null>()
    const ignoreTls = (): void => undefined // certificates are read anew at each attempt
    const told = (fault: Fault | null): void => alarm(`withdrawal:${name}`, fault)
    const input = {
      pool: name,
      open: () => openPoolClient(name, pool, ignoreTls),
      store,
      keys: () => signingKeysOf(pool, (file, why) => log.warn({ pool: name, file }, `a former signing key: ${why}`)),
      clock,
      log,
      signal: signalOf(name),
      alarm: told,
      attempted: resolve,
    }
    errands.push(runWithdrawal(input).finally(() => resolve(null)))
    return { attempted: promise }
  }

  /** The same, at the order: it stands whatever the disk says now, so somebody must come back to it. @returns why it is not complete */
  async function beginWithdrawing(name: string): Promise<Fault | null> {
    try {
      return await (await goOnWithdrawing(name)).attempted
    } catch (error) {
      if (!(error instanceof Fault && isPassing(error))) throw error
      errands.push(tryAgain(name))
      return error
    }
  }

  /** Ends with the agent, or when the pool is left or joined. */
  function signalOf(name: string): AbortSignal {
    const end = new AbortController()
    ends.set(name, end)
    return AbortSignal.any([signal, end.signal])
  }

  async function openGate(
    name: string,
    config: PoolConfig,
    open: Extract<LoadedGate, { kind: 'open' }>,
  ): Promise<void> {
    const gate = gateOf(name, config, open, { max_sealed_ahead, max_skew: loaded.clock.max_skew })
    await store.clearAlarm(`gate:${name}`, clock.now())
    await store.noteGate(gateOpened(gate, open.policy.profile), clock.now())
    gates.set(name, { state: 'open', fault: null, expires: expiryOf(gate.plan) })
    await store.openGate(gate)
    for (const dataset of gate.plan.datasets)
      for (const { name: column, accepted_risk } of dataset.columns)
        if (accepted_risk !== null)
          log.warn({ pool: name, dataset: dataset.name, column, accepted_risk }, 'finer than the profile allows')
  }

  async function open(name: string): Promise<void> {
    const pool = loaded.pools[name]!
    if (await store.withdrawal(name)) return void (await goOnWithdrawing(name))
    await store.openPool(name, isSane()) // a pool's accounts begin when it is first configured, whatever its gate does
    const wake = makeBell(clock)
    bells.set(name, wake)
    const gate = keptShut.get(name) ?? pool.gate
    if (gate.kind === 'shut') shut(name, gate.fault)
    if (!pool.config) return
    const { order, dir } = pool.config
    const longest_rest = dir === undefined ? LONGEST_REST : LONGEST_REST_OF_FOLDER
    await using opening = new AsyncDisposableStack()
    const client = opening.use(await openPoolClient(name, pool, (fault) => alarm(`tls:${name}`, fault)))
    await store.clearAlarm(`tls:${name}`, clock.now()) // the last run may have left one
    if (gate.kind === 'open') await openGate(name, pool.config, gate)
    const refused = lastRefusals((await store.status(clock.now())).pools[name])
    const schedule = makeSchedule(pool.config)
    const allowance = makeAllowance({ pool: name, store, budget: schedule.budget, clock })
    const common = { pool: name, client, store, schedule, allowance, longest_rest, clock, log, signal: signalOf(name) }
    resources.use(opening.move())
    couriers.set(
      name,
      startCourier({ ...common, order, refused, wake, liveness, onClosed: (fault) => close(name, fault) }),
    )
    const sign = (dropped: DroppedBatch): Tombstone => makeTombstone(dropped, parseSigningKey(pool.config!.signing_key))
    errands.push(runBurials({ ...common, sign }))
  }

  /** @returns whether it is worth another try */
  async function attempt(name: string): Promise<boolean> {
    try {
      await open(name)
      return false
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      // What one pool needs and does not have is not the others' trouble.
      if (gates.get(name)?.fault?.code !== error.code) shut(name, error)
      return isPassing(error)
    }
  }

  async function tryAgain(name: string): Promise<void> {
    const end = signalOf(name)
    for (let tries = 0, more = true; more; tries++) {
      await clock.sleep(backoffMs(tries, RETRY), end)
      more = !end.aborted && (await attempt(name))
    }
  }

  async function start(name: string): Promise<void> {
    if (await attempt(name)) errands.push(tryAgain(name))
  }

  return {
    start,
    shut,
    async keepShut(name, fault) {
      keptShut.set(name, { kind: 'shut', fault })
      await store.closeGate(name)
      shut(name, fault)
    },
    async withdraw(name) {
      if (!Object.hasOwn(loaded.pools, name))
        throw new Fault('usage', { pool: name }, 'the configuration names no such pool')
      await store.closeGate(name)
      const withdrawal = await store.withdrawPool(name, clock.now())
      log.warn({ pool: name, streams: withdrawal.streams.length }, 'the plant leaves the pool')
      ends.get(name)?.abort()
      await couriers.get(name)?.done
      couriers.delete(name)
      const fault = await beginWithdrawing(name)
      return leavingOf((await store.withdrawal(name)) ?? withdrawal, fault)
    },
    async join(name) {
      if (!(await store.joinPool(name, clock.now()))) return false
      ends.get(name)?.abort()
      await store.clearAlarm(`withdrawal:${name}`, clock.now())
      await start(name)
      return true
    },
    sealed(name) {
      bells.get(name)?.ring()
    },
    hurry() {
      for (const courier of couriers.values()) courier.hurry()
    },
    gates: () => Object.fromEntries(gates),
    delivery: (stored) =>
      Object.fromEntries(
        [...couriers].map(([name, courier]) => {
          const backlogs = backlog(courier, stored.pools[name], clock.now())
          return [name, { ...courier.state(), backlog: backlogs }]
        }),
      ),
    async done() {
      await Promise.all(errands) // one may be about to start a courier
      return Promise.all([...[...couriers.values()].map((courier) => courier.done), ...errands])
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

/** Kinds of the refusals since the pool last took a batch, oldest first. */
function lastRefusals(pool: StoreStatus['pools'][string] | undefined): readonly string[] {
  const since = pool?.delivered_at ?? 0
  const refusals = pool?.quarantined.filter(({ settled_at }) => settled_at > since) ?? []
  return refusals.map(({ message }) => message).toReversed()
}
