import type { Delivery } from '../../adapters/source.ts'
import type { Commit, Count } from '../../buffer/port.ts'
import { type UnixMs, unixMs } from '../../core/brand.ts'
import type { Clock } from '../../core/clock.ts'
import { Fault, type FaultCode } from '../../core/fault.ts'
import type { OutageNote } from '../../core/ledger.ts'
import type { Log } from '../../core/log.ts'
import type { ReadingBlock } from '../../core/reading-block.ts'
import { backoffMs } from '../../core/retry.ts'
import { makeBell } from './bell.ts'
import type { ClockSense } from './clock-sense.ts'
import type { Liveness } from './liveness.ts'

/** What waits for the next commit, from one source. */
export interface Append {
  readonly source: string
  /** dictionary indexes */
  readonly block: ReadingBlock
  readonly marks?: Commit['marks']
  readonly outages?: readonly OutageNote[]
  readonly counts?: readonly Count[]
  readonly memos?: Delivery['memos']
  /** commit at the latest this many ms from now */
  readonly within_ms: number
}

/** Why commits fail at present. */
export interface Trouble {
  readonly code: FaultCode
  readonly message: string
  readonly hint: string
  readonly since: UnixMs
}

/** Group commit: everything that waits when a commit begins shares it. */
export interface CommitQueue extends AsyncDisposable {
  /** Resolves when durable; never rejects while the queue is open, a commit that fails is tried again. */
  append(entry: Append): Promise<void>
  /** The agent stops: commits what waits, and from now on everything at once. */
  hurry(): void
  /** Readings taken and not yet durable. */
  readonly waiting: number
  /** What they weigh in memory: see `weightOf`. */
  readonly held: number
  /** what keeps commits from succeeding now, or null */
  readonly trouble: Trouble | null
}

/** The wall clock at one moment. */
interface Stand {
  /** wall minus monotonic time, ms */
  readonly offset: number
  readonly sane: boolean
}

/** Further apart (ms) than this the clock was set in between; NTP slews less from one commit to the next. */
const SET = 1_000

/**
 * On every half minute of UTC there is a commit, be it an empty block: windows of a silent plant close too (PRIVACY.md,
 * `grace`), and at the same moment as those of a busy one, so that when a batch is sent says nothing of the plant's work.
 */
const TICK = 30_000
/** So long after the half minute, or a clock that is being slewed would be a little before it. */
const TICK_LAG = 100

/** ms from `now` (UnixMs) to the next such commit; more than none. */
export function untilTick(now: number): number {
  return TICK - ((now - TICK_LAG) % TICK)
}

/** Readings in one commit; what piled up while the disk refused is stored in pieces that find room. */
const MOST_AT_ONCE = 50_000
/** How often (ms) a fault that goes on is logged again. */
const REMINDER = 60_000

/** What a block weighs while it waits, in readings of about 32 bytes: its columns and the entry cost as much as 40. */
export function weightOf(block: ReadingBlock): number {
  return block.times.length + 40
}

function isSet(before: Stand, after: Stand): boolean {
  return before.sane !== after.sane || Math.abs(before.offset - after.offset) > SET
}

/**
 * @param commit stores one commit and resolves when it is durable
 * @param onTrouble told when the disk refuses (fault), and when it takes commits again or for the first time (null)
 */
export function makeCommitQueue(input: {
  readonly commit: (commit: Commit) => Promise<unknown>
  readonly clock: Clock
  readonly sense: Pick<ClockSense, 'isSane'>
  readonly log: Log
  readonly liveness: Liveness
  readonly onTrouble: (fault: Fault | null) => void
}): CommitQueue {
  const { clock, log } = input
  const stop = new AbortController()
  const pulse = input.liveness.watch('commit', TICK * 4)
  const pending: { readonly entry: Append; readonly stand: Stand; readonly durable: () => void }[] = []
  let due = clock.monotonic() + untilTick(clock.now())
  let waiting = 0
  let held = 0
  let hurried = false
  /** The first readings after a start are not made to wait: whoever started it sees at once that it works. */
  let begun = false
  let trouble: Trouble | null = null
  let remindedAt = 0
  /** Before the first commit nobody knows what the last run left. */
  let settled = false
  const bell = makeBell(clock)

  /** Moves the time of the next commit forward, where it is later than that. */
  function commitBy(time: number): void {
    if (time >= due) return
    due = time
    bell.ring()
  }

  function standOf(): Stand {
    return { sane: input.sense.isSane(), offset: clock.now() - clock.monotonic() }
  }

  /** Takes from the front what one commit may hold: so many readings, and stamped by the clock as it stood at the first. */
  function take(): { readonly taken: typeof pending; readonly stand: Stand } {
    const now = standOf()
    const stand = pending[0]?.stand ?? now
    let readings = 0
    const end = pending.findIndex((p, i) => {
      readings += p.entry.block.times.length
      return (i > 0 && readings > MOST_AT_ONCE) || isSet(stand, p.stand)
    })
    const taken = pending.splice(0, end < 0 ? pending.length : end)
    return { taken, stand: isSet(stand, now) ? stand : now }
  }

  function gather(entries: readonly Append[], { offset, sane }: Stand): Commit {
    const monotonic = clock.monotonic()
    return {
      blocks: entries.map(({ source, block }) => ({ source, block })),
      arrival: unixMs(Math.round(monotonic + offset)),
      monotonic,
      sane,
      marks: entries.flatMap((e) => e.marks ?? []),
      outages: entries.flatMap((e) => (e.outages ?? []).map((note) => ({ source: e.source, note }))),
      counts: entries.flatMap((e) => e.counts ?? []),
      memos: entries.flatMap((e) => [...(e.memos ?? [])].map(([key, value]) => ({ source: e.source, key, value }))),
    }
  }

  /** The first failure is one that a person must see; the rest say once a minute that it goes on. */
  function fail(fault: Fault, attempt: number): void {
    const { code, message, hint } = fault
    if (trouble?.code !== code) {
      log.error({ code, hint }, `commit failed: ${message}`)
      input.onTrouble(fault)
      remindedAt = clock.monotonic()
    } else if (clock.monotonic() - remindedAt >= REMINDER) {
      log.warn({ code, attempt, waiting }, `commit failed: ${message}`)
      remindedAt = clock.monotonic()
    }
    trouble = { code, message, hint, since: trouble?.since ?? clock.now() }
  }

  async function store(commit: Commit): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await input.commit(commit)
        if (trouble || !settled) input.onTrouble(null)
        settled = true
        trouble = null
        return
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        fail(error, attempt)
        if (stop.signal.aborted) throw error
        pulse.beat()
        await clock.sleep(backoffMs(attempt, { base: 500, cap: 30_000, floor: 250 }), stop.signal)
      }
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      pulse.beat()
      await bell.wait(due - clock.monotonic(), stop.signal)
      if (!stop.signal.aborted && clock.monotonic() < due) continue
      if (stop.signal.aborted && pending.length === 0) return
      const { taken, stand } = take()
      due = clock.monotonic() + (pending.length > 0 ? 0 : untilTick(clock.now()))
      await store(
        gather(
          taken.map((p) => p.entry),
          stand,
        ),
      )
      for (const { entry, durable } of taken) {
        waiting -= entry.block.times.length
        held -= weightOf(entry.block)
        durable()
      }
    }
  }

  const running = run()
  running.catch((error: unknown) => {
    log.error({ err: error }, 'commits ended')
    fail(error instanceof Fault ? error : new Fault('store-io', {}, String(error)), 0)
  })

  return {
    append(entry) {
      return new Promise((durable) => {
        pending.push({ entry, stand: standOf(), durable })
        waiting += entry.block.times.length
        held += weightOf(entry.block)
        const first = !begun && entry.block.times.length > 0
        begun ||= first
        commitBy(clock.monotonic() + (hurried || first ? 0 : entry.within_ms))
      })
    },
    hurry() {
      hurried = true
      commitBy(clock.monotonic())
    },
    get waiting() {
      return waiting
    },
    get held() {
      return held
    },
    get trouble() {
      return trouble
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running.catch(() => undefined) // it was logged where it happened
      pulse.end()
    },
  }
}
