import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { makeCommitQueue } from '../agent/daemon/commit-queue.ts'
import { makeLiveness } from '../agent/daemon/liveness.ts'
import { makePools, type Pools } from '../agent/daemon/pools.ts'
import { retirePools } from '../agent/daemon/retire.ts'
import { openStoreClient } from '../agent/daemon/store-client.ts'
import type { StoreStatus } from '../buffer/port.ts'
import { loadConfig } from '../config/load.ts'
import { silentLog } from '../core/log.ts'
import { makeFakeClock } from '../test/support/fake-clock.ts'
import { configuredSignals, DATASET, POOL } from './plant-files.ts'
import { makePlantReadings } from './plant-readings.ts'

/**
 * What the soak measures, as a process of its own with the flags that the agent is deployed with: the agent from its commit
 * queue on (store worker, publishers, couriers), and instead of sources and timers a plant that lives by a simulated clock,
 * as fast as its readings become durable. While the backlog drains, the clock goes as clocks do.
 */

/** What it prints, a line each. */
export type SoakLine =
  | ({ readonly kind: 'sample' } & Sample)
  /**
   * `gone`: the pool may go now · `back`: it may come back · `taken`: it took a first batch · `drained`: nothing of the time
   * without it is left
   */
  | { readonly kind: 'gone' | 'back' | 'taken' | 'drained'; readonly day: number }
  | { readonly kind: 'end'; readonly produced: number; readonly stored: StoreStatus }

export interface Sample {
  /** days since the start, by the simulated clock */
  readonly day: number
  /** the most since the sample before, MB */
  readonly rss_mb: number
  readonly file_mb: number
  readonly wal_mb: number
  readonly outbox_mb: number
  readonly pending: number
  readonly evicted: number
  readonly delivered: number
}

const MINUTE = 60_000
const DAY = 1_440 * MINUTE
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    before: { type: 'string' },
    offline: { type: 'string' },
    after: { type: 'string' },
    every: { type: 'string' },
    period: { type: 'string' },
    cadence: { type: 'string' },
  },
})
/** ms of the plant's time: with a pool, without it, after the backlog has drained, between samples and readings, of a batch */
const ms = (name: keyof typeof values): number => Number(values[name])
const [BEFORE, OFFLINE, AFTER, EVERY, PERIOD, CADENCE] = [
  ms('before'),
  ms('offline'),
  ms('after'),
  ms('every'),
  ms('period'),
  ms('cadence'),
]
/** What the last sealed slot may lie behind: a batch is not whole yet, and one is under way. */
const FRESH = 2 * CADENCE

const loaded = loadConfig(positionals[0]!)
const { gateway, buffer } = loaded
const clock = makeFakeClock(Date.UTC(2026, 10, 1))
const start = clock.monotonic()
const liveness = makeLiveness(clock)
const stop = new AbortController()
const print = (line: SoakLine): void => console.log(JSON.stringify(line))
const fail = (error: Error): never => {
  throw error
}

await using resources = new AsyncDisposableStack()
const store = resources.use(
  await openStoreClient(
    { ...buffer!, data_dir: gateway!.data_dir, boot: clock.boot, now: clock.now() },
    { sealed: (pool) => pools.sealed(pool), shut: (_, fault) => fail(fault), died: fail },
    silentLog,
  ),
)
await store.startRun(Object.keys(loaded.sources), clock.now())
await retirePools(store, loaded, clock.now())
const queue = resources.use(
  makeCommitQueue({
    commit: (commit) => store.append(commit),
    clock,
    sense: { isSane: () => true },
    log: silentLog,
    liveness,
    onTrouble: (fault) => fault && fail(fault),
  }),
)
const pools: Pools = resources.use(
  makePools({
    loaded,
    store,
    max_sealed_ahead: buffer!.max_sealed_ahead,
    clock,
    log: silentLog,
    liveness,
    signal: stop.signal,
    isSane: () => true,
    alarm: (_, fault) => fault && fail(fault),
  }),
)
await pools.start(POOL)
const plant = makePlantReadings(loaded.sources.plc!.kind === 'ok' ? loaded.sources.plc!.plan.signals.length : 0)
const indexes = await store.intern(configuredSignals(loaded, plant))

let produced = 0
let rss = 0
const committing: Promise<void>[] = []
const day = (): number => (clock.monotonic() - start) / DAY

async function status(): Promise<StoreStatus['pools'][string]> {
  return (await store.status(clock.now())).pools[POOL]!
}

async function sample(): Promise<void> {
  const { disk, pools } = await store.status(clock.now())
  const { accounts, batches } = pools[POOL]!
  print({
    kind: 'sample',
    day: day(),
    rss_mb: rss / 1e6,
    file_mb: disk.file_bytes / 1e6,
    wal_mb: disk.wal_bytes / 1e6,
    outbox_mb: disk.outbox_bytes / 1e6,
    pending: accounts.pending,
    evicted: Object.values(accounts.evicted).reduce((sum, n) => sum + n, 0),
    delivered: batches.delivered,
  })
  rss = 0
}

/** A period of the plant, and what the agent's timers do in it. */
async function live(every: number): Promise<void> {
  const block = plant.tick(clock.now(), indexes)
  committing.push(queue.append({ source: 'plc', block, within_ms: buffer!.flush }))
  produced += block.times.length
  await clock.advance(PERIOD)
  // One commit is under way while the next is filled, as in the agent; the clock waits for the disk and not the reverse.
  if (committing.length > (2 * buffer!.flush) / PERIOD) await committing.shift()
  const elapsed = clock.monotonic() - start
  if (elapsed % MINUTE === 0) {
    await store.tidy(clock.now())
    await store.claimed()
  }
  rss = Math.max(rss, process.memoryUsage.rss())
  if (elapsed % every === 0) await sample()
}

async function liveFor(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= PERIOD) await live(EVERY)
}

async function isDrained(): Promise<boolean> {
  const { cursor, batches } = await status()
  return batches.queued === 0 && clock.now() - (cursor.sealed_until[DATASET] ?? 0) <= FRESH
}

await liveFor(BEFORE)
print({ kind: 'gone', day: day() })
await liveFor(OFFLINE)
const { delivered } = (await status()).batches
print({ kind: 'back', day: day() })
// The courier's next attempt is up to an hour away.
while ((await status()).batches.delivered === delivered) await liveFor(MINUTE)
print({ kind: 'taken', day: day() })
for (let next = performance.now() + PERIOD; !(await isDrained()); next += PERIOD) {
  await live(PERIOD)
  await delay(Math.max(0, next - performance.now()))
}
print({ kind: 'drained', day: day() })
await liveFor(AFTER)
await Promise.all([...committing, clock.advance(buffer!.flush)])
while (!(await isDrained())) await delay(100)
await sample()
print({ kind: 'end', produced, stored: await store.status(clock.now()) })
stop.abort()
await pools.done()
