import { makeClockSense } from '../../agent/daemon/clock-sense.ts'
import { makeCommitQueue } from '../../agent/daemon/commit-queue.ts'
import { makeLiveness } from '../../agent/daemon/liveness.ts'
import { makePublisher } from '../../agent/daemon/publish.ts'
import type { Gate } from '../../agent/daemon/worker-port.ts'
import { accountProblems } from '../../buffer/accounts.ts'
import type { Store } from '../../buffer/port.ts'
import type { SealedBatch } from '../../core/batch.ts'
import { rawSeq } from '../../core/brand.ts'
import { silentLog } from '../../core/log.ts'
import { makeBlockBuilder } from '../../core/reading-block.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { StoredBlock } from '../../core/stored-block.ts'
import type { DisclosurePlan } from '../../privacy/compile.ts'
import { MINUTE } from './disclosure.ts'
import type { FakeClock } from './fake-clock.ts'
import type { TestFolder } from './store.ts'

/** One run of the agent between its sources and its couriers: the same queue, store and publishers, in one thread. */
export interface Run extends AsyncDisposable {
  readonly store: Store
  /** Appends a reading of each of these signals, stamped now, or (signals stamped by their sender) at `at`. */
  read(readings: Readonly<Record<string, number | string>>, at?: number): void
  /** Lets time pass, commits and publishes. */
  pass(ms: number): Promise<void>
  isSane(): boolean
  /** A person says that the clock is right. */
  acceptClock(): void
}

/** What is sealed and delivered, in order; kept over restarts by whoever runs them. */
export type Delivered = SealedBatch[]

/** @param signals fed by source `plc`, which says each second that it is complete */
export async function startRun(
  folder: TestFolder,
  clock: FakeClock,
  input: {
    readonly signals: readonly SignalSpec[]
    readonly plans: Readonly<Record<string, DisclosurePlan>>
    readonly delivered: Delivered
    readonly max_sealed_ahead?: number
  },
): Promise<Run> {
  const { signals, plans, delivered } = input
  const pools = Object.keys(plans)
  const publishers = new Map<string, ReturnType<typeof makePublisher>>()
  const store = folder.open({
    boot: clock.boot,
    now: clock.now(),
    keep_raw: 3_650 * 86_400_000,
    max_age: 3_650 * 86_400_000,
    fateOnEviction: (pool, block) => publishers.get(pool)?.fateOnEviction(block),
  })
  const { last_trusted } = store.startRun(['plc'], clock.now())
  store.retirePools(pools)
  const sense = makeClockSense({
    clock,
    trust: 'system',
    max_skew: 5 * MINUTE,
    last: last_trusted,
    kernel: () => ({ synchronized: null, asked: 0 }),
    changed: () => undefined,
  })
  const queue = makeCommitQueue({
    commit: async (commit) => store.append(commit),
    clock,
    sense,
    log: silentLog,
    liveness: makeLiveness(clock),
    onTrouble: () => undefined,
  })
  const indexes = new Map(store.intern(signals).map((index, i) => [signals[i]!.id, index]))
  for (const pool of pools) {
    store.openPool(pool, sense.isSane())
    publishers.set(pool, makePublisher({ store, gate: gateOf(pool, plans[pool]!) }))
  }
  const assets = [...new Set(signals.map((signal) => signal.asset))]

  function publish(): void {
    while (store.restamp());
    for (const publisher of publishers.values()) while (publisher.step().kind !== 'idle');
    for (const pool of pools) {
      for (let batch = store.nextBatch(pool); batch; batch = store.nextBatch(pool)) {
        delivered.push(batch)
        const receipt = { kind: 'file', path: 'x', sha256: batch.sha256 } as const
        store.settle(pool, batch.id, { kind: 'delivered', receipt, at: clock.now() })
      }
    }
  }

  return {
    store,
    isSane: () => sense.isSane(),
    acceptClock: () => sense.accept(),
    read(readings, at = clock.now()) {
      const builder = makeBlockBuilder()
      for (const [id, value] of Object.entries(readings)) builder.add(indexes.get(id)!, at, value)
      const complete = Object.fromEntries(assets.map((asset) => [asset, clock.now()]))
      void queue.append({ source: 'plc', block: builder.take(clock.now(), complete), within_ms: 1_000 })
    },
    async pass(ms) {
      await clock.advance(ms)
      publish()
    },
    async [Symbol.asyncDispose]() {
      queue.hurry()
      await clock.advance(0)
      await queue[Symbol.asyncDispose]()
      store[Symbol.dispose]()
    },
  }
}

/** The gate of a pool, as the agent opens it. */
export function gateOf(pool: string, plan: DisclosurePlan): Gate {
  return {
    pool,
    plan,
    plant_key: new Uint8Array(32).fill(7),
    signing_key: Buffer.alloc(32, 3).toString('base64'),
    policy: {},
    contract: { id: pool, sha256: 'a'.repeat(64) },
    size_class: Object.fromEntries(plan.datasets.map(({ name, size_class }) => [name, size_class])),
    max_sealed_ahead: Number.POSITIVE_INFINITY,
    max_skew: 5 * MINUTE,
  }
}

/** Everything the log holds. */
export function blocksOf(store: Store): readonly StoredBlock[] {
  return store.blocks(store.positionOf(rawSeq(0)), 1_000_000)
}

/** What is wrong with the accounts, and slots of a dataset that were sealed twice or left out. */
export function troubles(store: Store, delivered: Delivered, now: number): readonly string[] {
  const until = new Map<string, number>()
  const slots = delivered.flatMap((batch) => {
    const key = `${batch.pool} ${batch.dataset} ${batch.stream}`
    const before = until.get(key)
    until.set(key, batch.until)
    return before === undefined || before === batch.from ? [] : [`${key}: ${batch.from} after ${before}`]
  })
  return [...accountProblems(store.status(now as never)), ...slots]
}
