import type { RefusedReason } from '../../core/ledger.ts'
import type { Log } from '../../core/log.ts'
import type { Lesson, SourceContext } from '../source.ts'
import type { PayloadProblem } from './formats/format.ts'
import type { SparkplugNodes } from './formats/sparkplug-nodes.ts'

/** Counters of an MQTT source since the agent started, for `status`. */
export interface MqttCounters {
  connections: number
  messages: number
  readings: number
  refused: number
  /** dropped because they were stored already */
  redelivered: number
  /** second copies of a message that several filters match */
  copies: number
  /** connections at which the broker no longer had the session */
  sessions_lost: number
  /** messages whose topic no subscription wants: left in the session by an older configuration */
  unmatched: number
  /** items of messages (tags, metrics) that no signal names */
  unmapped: number
  /** Sparkplug: times at which messages of a node were lost */
  sequence_gaps: number
  /** Sparkplug: times a node was asked for its births (`rebirth: request`) */
  rebirths_asked: number
}

/** The first message of a kind that could not be read: where and why, never what it said. */
export interface FirstProblem extends PayloadProblem {
  readonly topic: string
  /** UnixMs */
  readonly at: number
}

/** What a source remembers from one connection to the next. */
export interface MqttMemory {
  readonly counters: MqttCounters
  /** asset → filter → newest time seen in its payloads, UnixMs */
  readonly newest: Map<string, Map<string, number>>
  /** signal id → quality code of the bad reading it is stuck in */
  readonly bad: Map<string, number>
  /** marks that are durable (`readMarks`); absent until the store was asked */
  marks?: Buffer
  /** births, aliases and sequence of Sparkplug nodes */
  sparkplug?: SparkplugNodes
  /** reason → the first message that was refused for it since the agent started */
  readonly problems: Map<RefusedReason, FirstProblem>
  /** Notes and logs the first refusal of a reason, then logs a count each minute. */
  complain(problem: PayloadProblem, topic: string): void
}

const memories = new WeakMap<SourceContext, MqttMemory>()

/** The memory of a source: the runner uses one context for all connections of a source. */
export function memoryOf(context: SourceContext): MqttMemory {
  const known = memories.get(context)
  if (known) return known
  const problems: MqttMemory['problems'] = new Map()
  const memory: MqttMemory = {
    counters: {
      connections: 0,
      messages: 0,
      readings: 0,
      refused: 0,
      redelivered: 0,
      copies: 0,
      sessions_lost: 0,
      unmatched: 0,
      unmapped: 0,
      sequence_gaps: 0,
      rebirths_asked: 0,
    },
    newest: new Map(),
    bad: new Map(),
    problems,
    complain: makeComplaint(context, context.log, problems),
  }
  memories.set(context, memory)
  return memory
}

/** For `status`: of each kind of refused message the first, where it is wrong and why. */
export function firstProblems(memory: MqttMemory): readonly Lesson[] {
  return [...memory.problems.values()].map(({ reason, detail, byte, item, topic, at }) => {
    const where = [byte !== undefined && `byte ${byte}`, item !== undefined && `item ${item}`].filter(
      (w) => w !== false,
    )
    const text = [`first message refused as ${reason}: ${detail}`, ...where, new Date(at).toISOString()].join(', ')
    return { device: topic, text, signals: [] }
  })
}

function makeComplaint(context: SourceContext, log: Log, problems: MqttMemory['problems']): MqttMemory['complain'] {
  const folds = new Map<string, { since: number; n: number }>()
  return (problem, topic) => {
    const { reason } = problem
    if (!problems.has(reason)) problems.set(reason, { ...problem, topic, at: context.clock.now() })
    const now = context.clock.monotonic()
    const fold = folds.get(reason) ?? { since: Number.NEGATIVE_INFINITY, n: 0 }
    fold.n++
    if (now - fold.since >= 60_000) {
      log.error(
        { source: context.name, code: 'payload-malformed', ...problem, topic, n: fold.n },
        'message refused and acknowledged',
      )
      fold.since = now
      fold.n = 0
    }
    folds.set(reason, fold)
  }
}
