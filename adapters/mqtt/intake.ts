import type { UnixMs } from '../../core/brand.ts'
import type { OutageNote, RefusedReason } from '../../core/ledger.ts'
import { GOOD, qualityCode, qualityOf } from '../../core/quality.ts'
import { makeBlockBuilder, type ReadingBlock } from '../../core/reading-block.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { ProbeReading, SourceContext } from '../source.ts'
import type { Message, PayloadProblem, PayloadReader, Sink } from './formats/format.ts'
import type { Formats } from './formats/load.ts'
import { makeLastSeen } from './last-seen.ts'
import { memoryOf } from './memory.ts'
import { assetName, compileMappings, type Mapping } from './plan.ts'
import type { MqttSourceConfig } from './schema.ts'
import { readersOf } from './session-steps.ts'
import { makeSparkplugIntake, type RebirthRequest, type SparkplugIntake } from './sparkplug-intake.ts'

const RETAINED = qualityCode('uncertain', 'retained')
/** Topics whose routes are kept ready. */
const MOST_ROUTES = 10_000

/** What has been taken in since the last `flush`. */
export interface Taken {
  readonly block: ReadingBlock
  readonly outages: readonly OutageNote[]
  readonly refused: Readonly<Partial<Record<RefusedReason, number>>>
  /** what is to be published: requests for Sparkplug births, where the configuration allows them */
  readonly requests: readonly RebirthRequest[]
}

/** Turns messages into readings; does no I/O. */
export interface Intake {
  /** append-only: grows as `{asset}` brings assets */
  readonly signals: readonly SignalSpec[]
  /** readings that wait for `flush` */
  readonly waiting: number
  /** follows the Sparkplug nodes, where a subscription is of such */
  readonly sparkplug: SparkplugIntake | undefined
  /** true: some assets are stamped on arrival, so that silence says something about them */
  readonly stampsArrival: boolean
  take(message: Message, arrival: UnixMs): void
  flush(arrival: UnixMs): Taken
  /** The last reading of each signal. */
  lastSeen(): readonly ProbeReading[]
  /** true: every signal named in the configuration has been seen */
  complete(): boolean
}

/** A subscription's part in one topic, or why its asset is refused. */
type Route = { readonly filter: string; readonly isSparkplug: boolean } & (
  | {
      readonly mapping: Mapping
      readonly reader: PayloadReader
      readonly asset: string
      /** the subscription's signals, as indexes of the source */
      readonly signals: readonly number[]
    }
  | { readonly refused: PayloadProblem }
)

/** @param formats what `loadFormats` gives for the same configuration */
export function makeIntake(config: MqttSourceConfig, context: SourceContext, formats: Formats): Intake {
  const mappings = compileMappings(context.name, config).map((mapping, i) => ({
    mapping,
    reader: formats.readers[i]!,
    filter: mapping.pattern.filter,
    isSparkplug: config.subscriptions[i]!.payload === 'sparkplug_b',
  }))
  const memory = memoryOf(context)
  const sparkplug = formats.sparkplug && makeSparkplugIntake(config, context, formats.sparkplug)
  const signals: SignalSpec[] = []
  const indexes = new Map<string, number>()
  /** index of a signal → the same signal, stamped by the other clock */
  const twins = new Map<number, number>()
  const captured = new Set<string>()
  const stampedOnArrival = new Set<string>()
  const routes = new Map<string, readonly Route[]>()
  const lastSeen = makeLastSeen(context.name, signals)
  const builder = makeBlockBuilder()
  let touched = new Set<string>()
  let outages: OutageNote[] = []
  let requests: RebirthRequest[] = []
  let refused: Partial<Record<RefusedReason, number>> = {}

  for (const { mapping } of mappings) if (mapping.asset !== undefined) indexesOf(mapping, mapping.asset)
  const configured = signals.length

  function indexesOf(mapping: Mapping, asset: string): readonly number[] {
    if (!mapping.timed) stampedOnArrival.add(asset)
    return mapping.fields.map((field) => {
      const spec = field.spec(asset)
      const known = indexes.get(spec.id)
      if (known !== undefined) return known
      indexes.set(spec.id, signals.length)
      return signals.push(spec) - 1
    })
  }

  /** The index for a reading whose time is the sender's, or the machine's own where the payload brought none. */
  function stampedIndex(index: number, bySender: boolean): number {
    const { stamped_by, ...spec } = signals[index]!
    if ((stamped_by === 'sender') === bySender) return index
    const twin = twins.get(index) ?? signals.push(bySender ? { ...spec, stamped_by: 'sender' } : spec) - 1
    twins.set(index, twin)
    return twin
  }

  function routesOf(topic: string): readonly Route[] {
    const known = routes.get(topic)
    if (known) return known
    const found = mappings.flatMap(({ mapping, reader, ...same }): Route[] => {
      const level = mapping.pattern.match(topic)
      if (level === undefined) return []
      const asset = mapping.asset ?? assetName(level)
      if (asset === undefined)
        return [{ ...same, refused: { reason: 'malformed', detail: 'the topic’s asset is not a name' } }]
      if (mapping.asset === undefined && !captured.has(asset)) {
        if (captured.size >= config.max_assets)
          return [{ ...same, refused: { reason: 'too_many_assets', detail: `more than ${config.max_assets}` } }]
        captured.add(asset)
      }
      return [{ mapping, reader, ...same, asset, signals: indexesOf(mapping, asset) }]
    })
    if (routes.size >= MOST_ROUTES) routes.clear()
    routes.set(topic, found)
    return found
  }

  function refuse(problem: PayloadProblem, topic: string): void {
    refused[problem.reason] = (refused[problem.reason] ?? 0) + 1
    memory.counters.refused++
    memory.complain(problem, topic)
  }

  function add(
    index: number,
    at: number,
    value: Parameters<typeof builder.add>[2],
    quality: number,
    topic: string,
    { late, bySender }: { readonly late: boolean; readonly bySender: boolean },
  ): void {
    const signal = signals[index]!.id
    const stuck = memory.bad.get(signal)
    if (late) {
      // What was stored while the sender was cut off says nothing about now: no state changes.
      builder.add(stampedIndex(index, bySender), at, value, quality)
      memory.counters.readings++
      return
    }
    lastSeen.set(index, value, quality, topic)
    if (value !== null) {
      if (stuck !== undefined) {
        memory.bad.delete(signal)
        outages.push({ kind: 'end', device: null, signal, at })
      }
    } else {
      if (stuck === quality) return
      if (stuck !== undefined) outages.push({ kind: 'end', device: null, signal, at })
      memory.bad.set(signal, quality)
      outages.push({ kind: 'begin', device: null, signal, reason: qualityOf(quality).reason, at })
    }
    builder.add(stampedIndex(index, bySender), at, value, quality)
    memory.counters.readings++
  }

  /** Reads one subscription's part of a message; gives the problem where it could not be read whole. */
  function read(route: Route, message: Message, arrival: UnixMs): PayloadProblem | undefined {
    if ('refused' in route) return route.refused
    const { mapping, asset, signals: own } = route
    const seen = memory.newest.get(asset)
    const newest = seen?.get(route.filter) ?? Number.NEGATIVE_INFINITY
    let latest = newest
    let found = false
    const sink: Sink = {
      add(field, at, decoded, late = false) {
        found = true
        const time = at ?? arrival
        if (mapping.timed && !late && at !== undefined && at > latest) latest = at
        // A retained message comes again with each new subscription; its own time tells that it was read before.
        if (message.retain && mapping.timed && time <= newest) return
        const quality = decoded.quality === GOOD && message.retain && !mapping.timed ? RETAINED : decoded.quality
        add(own[field]!, time, decoded.value, quality, message.topic, { late, bySender: at !== undefined })
      },
      pass(items) {
        memory.counters.unmapped += items
      },
    }
    const problem = route.reader.read(message, sink)
    if (latest > newest) memory.newest.set(asset, (seen ?? new Map<string, number>()).set(route.filter, latest))
    if (found) touched.add(asset)
    return problem
  }

  function wantedOf(message: Message, isSparkplug: boolean): readonly Route[] {
    const wanted = readersOf(routesOf(message.topic), message.origins)
    return sparkplug ? wanted.filter((route) => route.isSparkplug === isSparkplug) : wanted
  }

  function readAll(wanted: readonly Route[], message: Message, arrival: UnixMs): void {
    for (const route of wanted) {
      const problem = read(route, message, arrival)
      if (problem) refuse(problem, message.topic)
    }
  }

  /** Nothing older is to come for an asset than the oldest of the newest times its subscriptions have brought. */
  function completeUntil(arrival: UnixMs): Record<string, UnixMs> {
    const complete: Record<string, UnixMs> = {}
    for (const asset of new Set([...touched, ...stampedOnArrival])) {
      const times = memory.newest.get(asset)?.values() ?? []
      complete[asset] = Math.min(arrival, ...times) as UnixMs
    }
    return complete
  }

  return {
    signals,
    sparkplug,
    get waiting() {
      return builder.length
    },
    get stampsArrival() {
      return stampedOnArrival.size > 0
    },
    take(message, arrival) {
      memory.counters.messages++
      const isSparkplug = sparkplug?.covers(message.topic) ?? false
      const wanted = wantedOf(message, false)
      if (wanted.length === 0 && !isSparkplug) {
        memory.counters[routesOf(message.topic).length > 0 ? 'copies' : 'unmatched']++
        return
      }
      if (message.payload.length > config.max_payload)
        return refuse(
          { reason: 'too_large', detail: `${message.payload.length} bytes, max_payload is ${config.max_payload}` },
          message.topic,
        )
      readAll(wanted, message, arrival)
      if (!isSparkplug) return
      const news = sparkplug!.hear(message, arrival)
      if (news.problem) refuse(news.problem, message.topic)
      outages.push(...news.outages)
      requests.push(...news.requests)
      for (const part of news.messages) readAll(wantedOf(part, true), part, arrival)
    },
    flush(arrival) {
      const taken = { block: builder.take(arrival, completeUntil(arrival)), outages, refused, requests }
      touched = new Set()
      outages = []
      refused = {}
      requests = []
      return taken
    },
    lastSeen: lastSeen.list,
    complete: () => lastSeen.seen(configured),
  }
}
