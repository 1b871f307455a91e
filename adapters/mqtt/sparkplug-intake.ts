import type { UnixMs } from '../../core/brand.ts'
import type { OutageNote } from '../../core/ledger.ts'
import type { SourceContext } from '../source.ts'
import type { Message, PayloadProblem } from './formats/format.ts'
import type { SparkplugFormat } from './formats/load.ts'
import type { KeptNodes, SparkplugNodes } from './formats/sparkplug-nodes.ts'
import { memoryOf } from './memory.ts'
import type { MqttSourceConfig } from './schema.ts'
import { compileSparkplugTopic } from './sparkplug-topic.ts'

/** A node is asked for its births this often at most. */
const ASK_AGAIN_MS = 60_000

/** A message for a node: asks for its births. */
export interface RebirthRequest {
  readonly topic: string
  readonly payload: Uint8Array
}

/** What a message of a Sparkplug node says. */
export interface SparkplugNews {
  /** one for each node or device it is about; their topics say which */
  readonly messages: readonly Message[]
  readonly outages: readonly OutageNote[]
  readonly requests: readonly RebirthRequest[]
  readonly problem?: PayloadProblem
}

/** Follows the Sparkplug nodes of a source. */
export interface SparkplugIntake {
  /** true: the topic is of a node that a subscription names */
  covers(topic: string): boolean
  hear(message: Message, arrival: UnixMs): SparkplugNews
  /** Takes up what an earlier start noted, where this one has heard nothing yet; call before any message. */
  resume(kept: KeptNodes): void
  /** Deaths may have been missed: until its next birth nothing is sure that a node or device sends by alias alone. */
  distrust(): void
  /** What is to be noted: births that have changed since the last call by node or device, null where they are forgotten. */
  changedBirths(): ReadonlyMap<string, string | null>
  /** What is to be noted at the end: where the sequences stand. */
  sequences(): string
}

/** What it knows of the nodes outlives the connection: their births are not sent again for us. */
export function makeSparkplugIntake(
  config: MqttSourceConfig,
  context: SourceContext,
  format: SparkplugFormat,
): SparkplugIntake {
  const memory = memoryOf(context)
  const asked = new Map<string, number>()
  let isTold = false
  const patterns = config.subscriptions.flatMap((s) => {
    const compiled = s.payload === 'sparkplug_b' ? compileSparkplugTopic(s.topic) : undefined
    return compiled && 'filter' in compiled ? [{ covers: compiled.covers, mayAsk: s.rebirth === 'request' }] : []
  })

  const covers = (topic: string): boolean => patterns.some((p) => p.covers(topic))
  const nodes = (kept: KeptNodes = { births: new Map() }): SparkplugNodes =>
    (memory.sparkplug ??= format.makeNodes(kept, covers))

  function ask(node: string, topic: string, arrival: UnixMs): readonly RebirthRequest[] {
    const now = context.clock.monotonic()
    const isAllowed = patterns.some((p) => p.mayAsk && p.covers(topic))
    if (!isAllowed || now - (asked.get(node) ?? Number.NEGATIVE_INFINITY) < ASK_AGAIN_MS) return []
    asked.set(node, now)
    memory.counters.rebirths_asked++
    const [group, name] = node.split('/')
    return [{ topic: `spBv1.0/${group}/NCMD/${name}`, payload: format.encodeRebirth(arrival) }]
  }

  return {
    covers,
    resume: (kept) => void nodes(kept),
    distrust: () => nodes().distrust(),
    changedBirths: () => nodes().changedBirths(),
    sequences: () => nodes().sequences(),
    hear(message, arrival) {
      const heard = nodes().hear(message, arrival)
      if (!heard) return { messages: [], outages: [], requests: [] }
      if ('reason' in heard) return { messages: [], outages: [], requests: [], problem: heard }
      const { gap, wants, isCrowded } = heard
      if (isCrowded && !isTold) {
        isTold = true
        context.log.warn(
          { source: context.name, topic: message.topic },
          'births of further Sparkplug nodes are not kept: after the next start their values by alias wait for a birth',
        )
      }
      if (gap) {
        memory.counters.sequence_gaps++
        context.log.warn(
          { source: context.name, node: gap.node },
          'Sparkplug messages of a node were lost on their way',
        )
      }
      return {
        messages: heard.parts.map((part) => ({ ...message, topic: part.topic, part })),
        outages: gap
          ? [
              { kind: 'begin', device: gap.node, signal: null, reason: 'sequence_gap', at: gap.from },
              { kind: 'end', device: gap.node, signal: null, at: arrival },
            ]
          : [],
        requests: wants === undefined ? [] : ask(wants, message.topic, arrival),
      }
    },
  }
}
