import type { UnixMs } from '../../core/brand.ts'
import type { OutageNote, RefusedReason } from '../../core/ledger.ts'
import { GOOD, qualityCode, qualityOf } from '../../core/quality.ts'
import { makeBlockBuilder, type ReadingBlock } from '../../core/reading-block.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { ProbeReading, SourceContext } from '../source.ts'
import { valueAtPath } from './json-path.ts'
import { makeLastSeen } from './last-seen.ts'
import { memoryOf } from './memory.ts'
import { readJson } from './payload.ts'
import { assetName, compileMappings, type Mapping } from './plan.ts'
import type { MqttSourceConfig } from './schema.ts'
import { subscriptionId } from './topic-filter.ts'

const RETAINED = qualityCode('uncertain', 'retained')
/** Topics whose routes are kept ready. */
const MOST_ROUTES = 10_000

/** What a PUBLISH says. */
export interface Message {
  readonly topic: string
  readonly payload: Uint8Array
  readonly retain: boolean
  /** identifiers of the subscriptions that brought it (MQTT 5) */
  readonly subscriptions: readonly number[]
}

/** What has been taken in since the last `flush`. */
export interface Taken {
  readonly block: ReadingBlock
  readonly outages: readonly OutageNote[]
  readonly refused: Readonly<Partial<Record<RefusedReason, number>>>
}

/** Turns messages into readings; does no I/O. */
export interface Intake {
  /** append-only: grows as `{asset}` brings assets */
  readonly signals: readonly SignalSpec[]
  /** readings that wait for `flush` */
  readonly waiting: number
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
type Route =
  | { readonly mapping: Mapping; readonly id: number; readonly asset: string; readonly first: readonly number[] }
  | { readonly id: number; readonly refused: RefusedReason }

export function makeIntake(config: MqttSourceConfig, context: SourceContext): Intake {
  const mappings = compileMappings(context.name, config).map((mapping) => ({
    mapping,
    id: subscriptionId(mapping.pattern.filter),
  }))
  const memory = memoryOf(context)
  const signals: SignalSpec[] = []
  const indexes = new Map<string, number>()
  const captured = new Set<string>()
  const stampedOnArrival = new Set<string>()
  const routes = new Map<string, readonly Route[]>()
  const lastSeen = makeLastSeen(context.name, signals)
  const builder = makeBlockBuilder()
  let touched = new Set<string>()
  let outages: OutageNote[] = []
  let refused: Partial<Record<RefusedReason, number>> = {}

  for (const { mapping } of mappings) if (mapping.asset !== undefined) indexesOf(mapping, mapping.asset)
  const configured = signals.length

  function indexesOf(mapping: Mapping, asset: string): readonly number[] {
    if (mapping.time === undefined) stampedOnArrival.add(asset)
    return mapping.fields.map((field) => {
      const spec = field.spec(asset)
      const known = indexes.get(spec.id)
      if (known !== undefined) return known
      indexes.set(spec.id, signals.length)
      return signals.push(spec) - 1
    })
  }

  function routesOf(topic: string): readonly Route[] {
    const known = routes.get(topic)
    if (known) return known
    const found = mappings.flatMap(({ mapping, id }): Route[] => {
      const level = mapping.pattern.match(topic)
      if (level === undefined) return []
      const asset = mapping.asset ?? assetName(level)
      if (asset === undefined) return [{ id, refused: 'malformed' }]
      if (mapping.asset === undefined && !captured.has(asset)) {
        if (captured.size >= config.max_assets) return [{ id, refused: 'too_many_assets' }]
        captured.add(asset)
      }
      return [{ mapping, id, asset, first: indexesOf(mapping, asset) }]
    })
    if (routes.size >= MOST_ROUTES) routes.clear()
    routes.set(topic, found)
    return found
  }

  function refuse(reason: RefusedReason, topic: string): void {
    refused[reason] = (refused[reason] ?? 0) + 1
    memory.counters.refused++
    memory.complain(reason, topic)
  }

  function add(
    index: number,
    at: number,
    value: Parameters<typeof builder.add>[2],
    quality: number,
    topic: string,
  ): void {
    const signal = signals[index]!.id
    const stuck = memory.bad.get(signal)
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
    builder.add(index, at, value, quality)
    memory.counters.readings++
  }

  /** Reads one subscription's part of a message; gives the reason where there is nothing to read. */
  function read(route: Route, document: unknown, message: Message, arrival: UnixMs): RefusedReason | undefined {
    if ('refused' in route) return route.refused
    const { mapping, asset } = route
    const at = mapping.time ? mapping.time.read(valueAtPath(document, mapping.time.path)) : arrival
    if (at === undefined) return 'bad_time'
    if (mapping.time) {
      const seen = memory.newest.get(asset) ?? new Map<number, number>()
      const newest = seen.get(route.id) ?? Number.NEGATIVE_INFINITY
      // A retained message comes again with each new subscription; its own time tells that it was read before.
      if (message.retain && at <= newest) return undefined
      memory.newest.set(asset, seen.set(route.id, Math.max(newest, at)))
    }
    const quality = message.retain && !mapping.time ? RETAINED : GOOD
    let found = false
    for (const [i, field] of mapping.fields.entries()) {
      const raw = valueAtPath(document, field.path)
      if (raw === undefined) continue
      found = true
      const decoded = field.decode(raw)
      add(route.first[i]!, at, decoded.value, decoded.quality === GOOD ? quality : decoded.quality, message.topic)
    }
    if (!found) return 'no_signal'
    touched.add(asset)
    return undefined
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
    get waiting() {
      return builder.length
    },
    get stampsArrival() {
      return stampedOnArrival.size > 0
    },
    take(message, arrival) {
      memory.counters.messages++
      const all = routesOf(message.topic)
      // A broker that brings a message once for each subscription says which one (MQTT 5.0 §3.3.4).
      const named = all.filter((route) => message.subscriptions.includes(route.id))
      const wanted = named.length > 0 ? named : all
      if (wanted.length === 0) {
        memory.counters.unmatched++
        return
      }
      if (message.payload.length > config.max_payload) return refuse('too_large', message.topic)
      const json = readJson(
        message.payload,
        wanted.some((route) => 'mapping' in route && route.mapping.exact),
      )
      if (!json) return refuse('malformed', message.topic)
      for (const route of wanted) {
        const reason = read(route, json.document, message, arrival)
        if (reason) refuse(reason, message.topic)
      }
    },
    flush(arrival) {
      const taken = { block: builder.take(arrival, completeUntil(arrival)), outages, refused }
      touched = new Set()
      outages = []
      refused = {}
      return taken
    },
    lastSeen: lastSeen.list,
    complete: () => lastSeen.seen(configured),
  }
}
