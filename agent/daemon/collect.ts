import type { Delivery, Lesson, Source, SourceContext, SourcePlan } from '../../adapters/source.ts'
import type { LocatedProblem } from '../../config/problem.ts'
import { unixMs } from '../../core/brand.ts'
import type { Clock } from '../../core/clock.ts'
import { FAULTS, Fault, type FaultCode } from '../../core/fault.ts'
import type { OutageNote } from '../../core/ledger.ts'
import type { Log } from '../../core/log.ts'
import { makeBlockBuilder, type ReadingBlock } from '../../core/reading-block.ts'
import { backoffMs } from '../../core/retry.ts'
import { makeBell } from './bell.ts'
import { type CommitQueue, weightOf } from './commit-queue.ts'
import type { Liveness } from './liveness.ts'
import { openSource, type SourceConfig } from './sources.ts'
import type { StoreClient } from './store-client.ts'

/** What may wait for the disk before a source has to wait too, of its own (about 8 MB) and of all together (`weightOf`). */
const MOST_WAITING = 250_000
const MOST_OF_ALL = 1_000_000
/** A disk that takes longer than this (ms) makes an outage of the wait. */
const HITCH = 1_000
/** A source that has been up this long starts its next outage with the shortest backoff again. */
const STEADY = 30_000

/** What `status` shows of a source. */
export interface SourceState {
  /** `unknown` where the configuration is not valid */
  readonly kind: string
  /** `off`: its configuration is not valid, and nothing is tried until the agent is started again */
  readonly state: 'connecting' | 'up' | 'down' | 'off'
  /** readings made durable in this run */
  readonly readings: number
  /** what keeps it down, or null */
  readonly fault: { readonly code: FaultCode; readonly message: string; readonly hint: string } | null
  readonly counters: Readonly<Record<string, number>>
  /** what it learnt of its devices and keeps to */
  readonly lessons?: readonly Lesson[]
}

/** One source's loop. */
export interface Collector {
  state(): SourceState
  /** Readings made durable in this run: what is asked for each second, so not with everything else that a state says. */
  readings(): number
  /** The open source, for `probe`; undefined while it is down. */
  source(): Source | undefined
  /** Ends when the signal given to `makeCollector` aborts and all that was yielded is durable. */
  readonly done: Promise<void>
}

/** Collects from one source for ever: opens it, hands its deliveries to the commit queue, reopens it when it fails. */
export function startCollector(input: {
  readonly name: string
  readonly config: SourceConfig
  readonly plan: SourcePlan
  readonly instance: string
  readonly flush: number
  readonly store: StoreClient
  readonly queue: CommitQueue
  readonly clock: Clock
  readonly log: Log
  readonly liveness: Liveness
  readonly signal: AbortSignal
  /** what may wait for the disk of this source (`weightOf`) */
  readonly most_waiting?: number
}): Collector {
  const { name, config, plan, store, queue, clock, log, signal, most_waiting = MOST_WAITING } = input
  const context: SourceContext = {
    name,
    clock,
    log,
    instance: input.instance,
    marks: (session, after) => store.marks(session, after),
    dropMarks: (prefix, session) => store.dropMarks(prefix, session),
    memo: {
      get: (key) => store.memo(name, key),
      list: (prefix) => store.memos(name, prefix),
      set: (key, value) => store.setMemo(name, key, value),
      drop: (prefix) => store.dropMemos(name, prefix),
    },
  }
  const room = makeBell(clock)
  let open: Source | undefined
  let state: SourceState['state'] = 'connecting'
  let fault: Fault | null = null
  let readings = 0
  let waiting = 0
  let counters: Readonly<Record<string, number>> = {}
  let down = false

  /** The end or beginning of the whole source's outage, and that a polled source has nothing older to come. */
  function note(outages: readonly OutageNote[]): Promise<void> {
    const now = clock.now()
    const complete = plan.polled ? Object.fromEntries(plan.assets.map((asset) => [asset, now])) : {}
    return queue.append({
      source: name,
      block: makeBlockBuilder(1).take(now, complete),
      outages,
      within_ms: input.flush,
    })
  }

  function wentDown(cause: Fault): void {
    state = 'down'
    fault = cause
    if (!down) {
      log.warn({ source: name, code: cause.code, hint: cause.hint }, cause.message)
      void note([{ kind: 'begin', device: null, signal: null, reason: cause.code, at: clock.now() }])
    } else if (!queue.trouble) void note([])
    down = true
  }

  function cameUp(): void {
    state = 'up'
    fault = null
    if (!down) return
    down = false
    log.info({ source: name }, 'source is back')
    void note([{ kind: 'end', device: null, signal: null, at: clock.now() }])
  }

  /** Local signal index → dictionary index, for one opening of the source. */
  function makeIntern(source: Source): (block: ReadingBlock) => Promise<ReadingBlock> {
    const indexes: number[] = []
    return async (block) => {
      if (indexes.length < source.signals.length)
        indexes.push(...(await store.intern(source.signals.slice(indexes.length))))
      return { ...block, signals: block.signals.map((local) => indexes[local]!) }
    }
  }

  /** Hands a delivery over; resolves when it is durable. */
  function pass(delivery: Delivery, block: ReadingBlock): Promise<void> {
    const { marks, memos, refused = {}, unchanged = 0 } = delivery
    const n = block.times.length
    const entry = {
      source: name,
      block,
      within_ms: delivery.within_ms ?? input.flush,
      ...(delivery.outages && { outages: delivery.outages }),
      ...(memos && { memos }),
      ...(marks && { marks: marks.seen.map((seen) => ({ session: marks.session, ...seen })) }),
      counts: [
        ...Object.entries(refused).map(([reason, count]) => ({
          source: name,
          kind: 'refused' as const,
          reason,
          n: count,
        })),
        ...(unchanged > 0 ? [{ source: name, kind: 'unchanged' as const, reason: '', n: unchanged }] : []),
      ],
    }
    waiting += weightOf(block)
    return queue.append(entry).then(() => {
      waiting -= weightOf(block)
      readings += n
      delivery.committed?.()
      room.ring()
    })
  }

  /** A stop does not wait for a connection that is only being tried; should it come about, it is closed again. */
  async function openUnlessStopped(): Promise<Source | null> {
    const opening = openSource(config, context)
    const stopped = Promise.withResolvers<null>()
    const stop = (): void => stopped.resolve(null)
    signal.addEventListener('abort', stop, { once: true })
    // Also where opening fails: what listens here would keep each failed connection for as long as the agent runs.
    const source = await Promise.race([opening, stopped.promise]).finally(() =>
      signal.removeEventListener('abort', stop),
    )
    if (!source) {
      opening.then(
        (late) => late[Symbol.asyncDispose](),
        () => undefined, // nobody waits for it any more
      )
    }
    return source
  }

  const isCrowded = (): boolean => (waiting > most_waiting || queue.held > MOST_OF_ALL) && !signal.aborted

  /** The source waits for the disk. What it cannot read meanwhile is an outage, recorded once the disk takes it. */
  async function holdBack(): Promise<void> {
    const at = clock.now()
    const patience = clock.monotonic() + HITCH
    while (isCrowded() && clock.monotonic() < patience) await room.wait(patience - clock.monotonic(), signal)
    if (!isCrowded()) return
    const reason = queue.trouble?.code ?? 'store-full'
    log.error({ source: name, code: reason, hint: FAULTS[reason].hint }, 'source waits: the disk takes nothing more')
    void note([{ kind: 'begin', device: null, signal: null, reason, at }])
    while (isCrowded()) await room.wait(1_000, signal)
    void note([{ kind: 'end', device: null, signal: null, at: clock.now() }])
    log.info({ source: name }, 'source goes on')
  }

  async function session(): Promise<void> {
    const outstanding = new Set<Promise<void>>()
    try {
      await using source = await openUnlessStopped()
      if (!source) return
      open = source
      cameUp()
      const intern = makeIntern(source)
      for await (const delivery of source.readings(signal)) {
        const durable = pass(delivery, await intern(delivery.block))
        outstanding.add(durable)
        void durable.finally(() => outstanding.delete(durable))
        if (isCrowded()) await holdBack()
      }
    } finally {
      counters = open?.counters() ?? counters
      open = undefined
      // A broker redelivers what was not acknowledged; its marks must be on disk before the next session asks for them.
      await Promise.all(outstanding)
    }
  }

  async function run(): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      const openedAt = clock.monotonic()
      try {
        await session()
      } catch (error) {
        if (signal.aborted) return
        wentDown(error instanceof Fault ? error : unexpected(error))
      }
      if (signal.aborted) return
      if (clock.monotonic() - openedAt > STEADY) attempt = 0
      await clock.sleep(
        Math.max(fault?.after_ms ?? 0, backoffMs(attempt, { base: 1_000, cap: 60_000, floor: 200 })),
        signal,
      )
    }
  }

  /** A bug in an adapter takes down its own source only, and says so. */
  function unexpected(error: unknown): Fault {
    log.error({ source: name, err: error }, 'source failed unexpectedly')
    return new Fault('source-protocol', { source: name }, error instanceof Error ? error.message : String(error), {
      cause: error,
    })
  }

  return {
    state: () => ({
      kind: config.kind,
      state,
      readings,
      fault: fault && { code: fault.code, message: fault.message, hint: fault.hint },
      counters: open?.counters() ?? counters,
      lessons: open?.lessons?.() ?? [],
    }),
    readings: () => readings,
    source: () => open,
    done: run(),
  }
}

/** The state of a source whose configuration is not valid. */
export function offState(problems: readonly LocatedProblem[]): SourceState {
  const [first] = problems
  const message = first
    ? `its configuration is not valid: line ${first.line}: ${first.message}`
    : 'its configuration is not valid'
  const fault = { code: 'source-config' as const, message, hint: FAULTS['source-config'].hint }
  return { kind: 'unknown', state: 'off', readings: 0, fault, counters: {} }
}

/** Records a source that its configuration keeps from starting: an outage with reason `config`. */
export function recordConfigOutage(name: string, queue: CommitQueue, clock: Clock): Promise<void> {
  return queue.append({
    source: name,
    block: makeBlockBuilder(1).take(unixMs(clock.now())),
    outages: [{ kind: 'begin', device: null, signal: null, reason: 'config', at: clock.now() }],
    within_ms: 0,
  })
}
