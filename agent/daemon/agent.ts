import { accountsAddUp } from '../../buffer/accounts.ts'
import type { StoreStatus } from '../../buffer/port.ts'
import type { LoadedConfig } from '../../config/load.ts'
import type { Clock } from '../../core/clock.ts'
import { FAULTS, Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import { parseQuestion } from './buffer-desk.ts'
import { bytesWritten } from './bytes-written.ts'
import { type ClockState, makeClockSense } from './clock-sense.ts'
import { type Collector, offState, recordConfigOutage, startCollector } from './collect.ts'
import { makeCommitQueue } from './commit-queue.ts'
import { serveControl, socketPath } from './control.ts'
import { makeForecast } from './forecast.ts'
import { askKernel, makeKernelWatch } from './kernel-clock.ts'
import { answerKeys } from './key-desk.ts'
import { makeLiveness } from './liveness.ts'
import { startNotary } from './notary.ts'
import { answerDesk, makeOutboxDesk } from './outbox-desk.ts'
import { answerPools } from './pool-desk.ts'
import { makePools, type Pools } from './pools.ts'
import { makeProber, type Probed } from './probe.ts'
import { makeRate } from './rate.ts'
import { retirePools } from './retire.ts'
import type { AgentStatus } from './status.ts'
import { makeStoreAlarm } from './store-alarm.ts'
import { openStoreClient } from './store-client.ts'
import { extendStart, startWatchdog } from './watchdog.ts'

/** A running agent. Disposing of it drains and stops it. */
export interface Agent extends AsyncDisposable {
  status(): Promise<AgentStatus>
  /** Reads the sources once (all, or the named one) through their own connections and queues. */
  probe(source?: string): Promise<Probed>
  /** Resolves with what happened when the agent cannot go on and the process should end. */
  readonly failed: Promise<Error>
}

/** How often kept raw readings are dropped and free pages returned. */
const TIDY = 60_000
const SAMPLE = 1_000
/** Who said within this time (ms) that a call goes on need not answer another. */
const BUSY = 10_000

/**
 * Starts the three loops: collect, publish (in the store's worker) and deliver.
 * A source or pool whose configuration is wrong does not keep the rest from working.
 * @param input.loaded must have `gateway` and `buffer`
 * @throws Fault where the data folder cannot be used
 */
export async function startAgent(input: AgentInput): Promise<Agent> {
  const stop = new AbortController()
  const resources = new AsyncDisposableStack()
  try {
    return await startLoops(input, stop, resources)
  } catch (error) {
    stop.abort()
    await resources.disposeAsync() // a start that failed must not go on collecting unseen
    throw error
  }
}

interface AgentInput {
  readonly loaded: LoadedConfig
  readonly clock: Clock
  readonly log: Log
  readonly version: string
}

async function startLoops(input: AgentInput, stop: AbortController, resources: AsyncDisposableStack): Promise<Agent> {
  const { loaded, clock, log } = input
  const { gateway, buffer } = loaded
  if (!gateway || !buffer) throw new Fault('config-invalid', { file: loaded.file }, 'gateway or buffer is not valid')
  const startedAt = clock.monotonic()
  const liveness = makeLiveness(clock)
  const collectors = new Map<string, Collector>()
  /** when the store said last that one call takes its time */
  let busyAt = Number.NEGATIVE_INFINITY
  const failure = Promise.withResolvers<Error>()

  const store = resources.use(
    await extendStart(
      openStoreClient(
        {
          data_dir: gateway.data_dir,
          boot: clock.boot,
          now: clock.now(),
          max_size: buffer.max_size,
          when_full: buffer.when_full,
          min_free: buffer.min_free,
          max_age: buffer.max_age,
          keep_raw: buffer.keep_raw,
          max_skew: loaded.clock.max_skew,
        },
        {
          sealed: (pool) => pools.sealed(pool),
          shut: (pool, fault) => pools.shut(pool, fault),
          busy() {
            liveness.excuse()
            busyAt = clock.monotonic()
          },
          died: (error) => failure.resolve(error),
        },
        log,
      ),
      log,
    ),
  )
  const { instance, last_trusted } = await store.startRun(Object.keys(loaded.sources), clock.now())
  await retirePools(store, loaded, clock.now())
  const kernel = makeKernelWatch({ clock, ask: () => askKernel() })
  if (loaded.clock.trust === 'ntp') await kernel.ask()
  const sense = makeClockSense({
    ...loaded.clock,
    clock,
    kernel: kernel.latest,
    last: last_trusted,
    changed: (why) => alarm('clock', why === null ? null : new Fault('clock-insane', {}, why)),
  })
  if (sense.isSane()) alarm('clock', null) // the last run may have left one

  const queue = makeCommitQueue({
    commit: (commit) => store.append(commit),
    clock,
    sense,
    log,
    liveness,
    onTrouble: makeStoreAlarm(store, clock, log),
  })
  resources.use(queue)

  /** Raises an alarm, or ends it (null). */
  function alarm(key: string, fault: Fault | null): void {
    const at = clock.now()
    if (fault) log.error({ key, code: fault.code, hint: fault.hint }, fault.message)
    const told = fault
      ? store.raiseAlarm({ key, code: fault.code, message: fault.message, at })
      : store.clearAlarm(key, at)
    told.catch((err) => log.error({ key, err }, 'the alarm could not be recorded'))
  }

  resources.use(startNotary({ ...loaded.audit, gateway, store, clock, log, alarm }))

  const pools: Pools = resources.use(
    makePools({
      loaded,
      store,
      max_sealed_ahead: buffer.max_sealed_ahead,
      clock,
      log,
      liveness,
      signal: stop.signal,
      isSane: sense.isSane,
      alarm,
    }),
  )

  function startSource(name: string): void {
    const source = loaded.sources[name]!
    if (source.kind === 'bad') {
      log.error({ source: name, hint: FAULTS['source-config'].hint }, 'source is not configured right and stays off')
      void recordConfigOutage(name, queue, clock)
      return
    }
    const { config, plan } = source
    collectors.set(
      name,
      startCollector({
        name,
        config,
        plan,
        instance,
        flush: buffer!.flush,
        store,
        queue,
        clock,
        log,
        liveness,
        signal: stop.signal,
      }),
    )
  }

  const sources = Object.entries(loaded.sources)
  const off = sources.flatMap(([name, source]) =>
    source.kind === 'bad' ? [[name, offState(source.problems)] as const] : [],
  )
  for (const [name] of sources) startSource(name)
  for (const name of Object.keys(loaded.pools)) await pools.start(name)

  const rates = new Map([...collectors.keys()].map((name) => [name, makeRate(clock)]))
  const written = makeRate(clock, 600_000)
  function every(ms: number, act: () => void): void {
    const timer = setInterval(act, ms)
    resources.defer(() => clearInterval(timer))
  }
  every(SAMPLE, () => {
    for (const [name, rate] of rates) rate.sample(collectors.get(name)!.readings())
    written.sample(bytesWritten())
  })
  const filling = makeForecast(clock)
  every(TIDY, () => {
    if (sense.isSane()) store.tidy(clock.now()).catch((err) => log.warn({ err }, 'tidying failed'))
    store.claimed().then(filling.sample, () => undefined) // a disk that refuses is told elsewhere
  })

  let latest: StoreStatus | undefined
  /** What the store says of itself; while the disk refuses even that, what it said last. */
  async function snapshot(): Promise<StoreStatus> {
    try {
      latest = await store.status(clock.now())
    } catch (error) {
      if (!(error instanceof Fault && latest && queue.trouble)) throw error
    }
    return latest
  }

  async function status(): Promise<AgentStatus> {
    const stored = await snapshot()
    const states = [...[...collectors].map(([name, c]) => [name, c.state()] as const), ...off].map(
      ([name, state]) => [name, { ...state, readings_per_s: rates.get(name)?.perSecond() ?? 0 }] as const,
    )
    return {
      version: input.version,
      gateway: gateway!.name,
      running: true,
      now: clock.now(),
      uptime_s: (clock.monotonic() - startedAt) / 1_000,
      rss_mb: process.memoryUsage.rss() / 1e6,
      readings_per_s: states.reduce((sum, [, s]) => sum + s.readings_per_s, 0),
      waiting: queue.waiting,
      trouble: queue.trouble,
      forecast: filling.forecast(),
      written_gb_per_day: (written.perSecond() * 86_400) / 1e9,
      sources: Object.fromEntries(states),
      gates: pools.gates(),
      delivery: pools.delivery(stored),
      store: stored,
      ledger_ok: accountsAddUp(stored),
    }
  }

  const { probe, timeReads } = makeProber(collectors, new Map(off), stop.signal)
  const control = serveControl(socketPath(gateway.data_dir, loaded.control?.socket), {
    status,
    probe: (argument) => probe(argument === '' ? undefined : argument),
    buffer: async (argument) => store.look(parseQuestion(argument)),
    pool: answerPools(pools),
    key: answerKeys({ record: store.record, keepShut: pools.keepShut, now: clock.now }),
    outbox: answerDesk(makeOutboxDesk(store, clock.now, pools.hurry)),
    cost: timeReads,
    async clock(argument) {
      if (argument === 'trust') {
        log.warn({ now: clock.now() }, 'a person says that the clock is right')
        sense.accept()
      }
      return { now: clock.now(), trusted: sense.isSane(), doubt: sense.doubt } satisfies ClockState
    },
  })
  await control.then(
    (served) => resources.use(served),
    // Nobody can ask, and collecting goes on.
    (error: unknown) => {
      if (!(error instanceof Fault)) throw error
      log.error({ code: error.code, ...error.where }, error.message)
    },
  )
  const isBusy = (): boolean => clock.monotonic() - busyAt < BUSY
  resources.use(startWatchdog({ liveness, log, ping: async () => isBusy() || store.marks('') }))
  log.info(
    { sources: sources.length, pools: Object.keys(loaded.pools).length, data_dir: gateway.data_dir },
    'sluice is running',
  )

  return {
    status,
    probe,
    failed: failure.promise,
    async [Symbol.asyncDispose]() {
      stop.abort()
      queue.hurry()
      await Promise.all([...[...collectors.values()].map((loop) => loop.done), pools.done()])
      await resources.disposeAsync()
      log.info({}, 'sluice has stopped')
    },
  }
}
