import type { Clock } from '../core/clock.ts'
import type { OutageNote, RefusedReason } from '../core/ledger.ts'
import type { Log } from '../core/log.ts'
import type { ReadingBlock } from '../core/reading-block.ts'
import type { SignalSpec } from '../core/signal.ts'

/**
 * What was stored but not yet acknowledged to a broker: per client session the packet ids with a hash of topic and
 * payload. Stored in the same transaction as the readings; recognises a redelivery after a crash.
 */
export interface Marks {
  /** names the session at the broker; changes when the session is lost */
  readonly session: string
  readonly seen: readonly { readonly packet_id: number; readonly hash: Uint8Array }[]
}

/** What a source hands to the runner. */
export interface Delivery {
  /** May be empty: it then only says `complete_until`, marks, outages or refusals. */
  readonly block: ReadingBlock
  readonly marks?: Marks
  readonly outages?: readonly OutageNote[]
  readonly refused?: Readonly<Partial<Record<RefusedReason, number>>>
  /** what the source notes for its next start (`Memo`), in the transaction of these readings; null forgets a key */
  readonly memos?: ReadonlyMap<string, string | null>
  /** readings left out because a deadband says that they are as the last one */
  readonly unchanged?: number
  /** Commit at the latest this many ms from now (default: the buffer's `flush`); 0 = at once. */
  readonly within_ms?: number
  /** Called once after the COMMIT that made it durable, never on error. */
  committed?(): void
}

/**
 * One open connection to a PLC, bus or broker.
 * The adapter reports, the runner (`agent/collect`) reconnects: `readings` throws a Fault when the link is gone, the
 * runner disposes of the source, backs off and opens a new one. A device that is silent behind a working link is the
 * adapter's business: it says so by `outages` and keeps the other devices going.
 */
export interface Source extends AsyncDisposable {
  /** Local index → signal. Append-only; a block may refer to any index below the length at the time it is yielded. */
  readonly signals: readonly SignalSpec[]
  /** Ends without error when `signal` aborts. Several deliveries may be outstanding; the runner limits their bytes. */
  readings(signal: AbortSignal): AsyncIterable<Delivery>
  /**
   * Reads everything once through this same connection and queue.
   * @param listen_ms how long a broker's messages are waited for at most; default 10 s
   */
  probe(signal: AbortSignal, listen_ms?: number): Promise<readonly ProbeReading[]>
  /** Counters for `status`, by name; e.g. requests, timeouts, overruns, messages, redelivered. */
  counters(): Readonly<Record<string, number>>
  /** What it learnt of its devices and keeps to, for `status`. */
  lessons?(): readonly Lesson[]
  /** Times reads of its devices through this same connection and queue, for `sluice probe --cost`. */
  timeReads?(signal: AbortSignal): Promise<readonly TimedReads[]>
}

/** One device of `sluice probe --cost`: how long a short and a long read took, again and again in turn. */
export type TimedReads =
  | {
      readonly kind: 'timed'
      readonly device: string
      readonly short: TimedRead
      readonly long: TimedRead
      /** real ms of the short read and of the long one, of each turn in which both were answered */
      readonly pairs: readonly (readonly [number, number])[]
    }
  | { readonly kind: 'untimed'; readonly device: string; readonly why: string }

/** A read that was timed. */
export interface TimedRead {
  /** for an operator: `holding 100–101` */
  readonly what: string
  /** sixteen bits count as one */
  readonly registers: number
}

/** What a source learnt of a device and keeps to. */
export interface Lesson {
  readonly device: string
  readonly text: string
  /** ids of the signals that it concerns; none where it concerns all */
  readonly signals: readonly string[]
}

/** One line of `sluice probe`. */
export interface ProbeReading {
  readonly source: string
  readonly device: string | null
  readonly asset: string
  readonly signal: string
  /** 64-bit integers beyond 2^53 as decimal text */
  readonly value: number | boolean | string | null
  /** what the number stands for: its label, or a time in ISO 8601 */
  readonly meaning?: string
  readonly quality: 'good' | 'uncertain' | 'bad'
  readonly reason: string
  readonly unit: string | null
  /** Modbus: raw registers in hex (`"41c8 0000"`) or bits; MQTT: the topic */
  readonly raw: string | null
  /** what would configure it, as one line of YAML, where it was found and is not configured */
  readonly propose?: string
  /** what the source learnt of the device that concerns this signal */
  readonly lessons?: readonly string[]
}

/** What a source notes for its next start: text by key, of this source alone. */
export interface Memo {
  get(key: string): Promise<string | undefined>
  /** All whose key begins so, by key. */
  list(prefix: string): Promise<ReadonlyMap<string, string>>
  /** Resolves when it is durable; each call is a commit of its own, so only for what seldom changes. */
  set(key: string, value: string): Promise<void>
  /** Forgets all whose key begins so, durably. */
  drop(prefix: string): Promise<void>
}

/** What an adapter gets from the outside. */
export interface SourceContext {
  /** name of the source in the configuration */
  readonly name: string
  readonly clock: Clock
  readonly log: Log
  /** the next marks of the named session behind packet id `after`, in their order, from the store; none where there are no more */
  marks(session: string, after: number): Promise<Marks['seen']>
  /**
   * Forgets the marks of every session with this prefix but `session`, durably: the broker lost them. Without it a broker
   * source trusts no stored marks, and redeliveries after a crash make second readings.
   */
  dropMarks?(prefix: string, session: string): Promise<void>
  /** Kept with the readings, and gone with a lost database: only for what can be learnt again. Absent for a probe. */
  readonly memo?: Memo
  /** true: it must not take over, keep or leave anything at the other side: a probe beside the agent that collects */
  readonly transient?: boolean
  /** random text made with the data folder; tells gateways with equal configurations apart */
  readonly instance?: string
}

/** What is known of a configured source before it is opened; pure. */
export interface SourcePlan {
  /** signals known from the configuration; a broker's wildcards may add more */
  readonly signals: readonly SignalSpec[]
  /** assets it feeds */
  readonly assets: readonly string[]
  /** true: readings are stamped when they are read, so while it is down nothing older can still come */
  readonly polled: boolean
}
