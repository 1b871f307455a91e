import { type SeenField, type SeenTime, type Shape, shapeOf, stepText } from './payload-shape.ts'
import { planMqttSource } from './plan.ts'
import type { MqttSourceConfig } from './schema.ts'
import { subscriptionSchema } from './subscription-schema.ts'
import { compileTopic } from './topic-filter.ts'
import { groupTopics, toName } from './topic-tree.ts'

/** What was seen on one topic. */
export interface Sighting {
  readonly topic: string
  readonly messages: number
  /** the last payload */
  readonly payload: Uint8Array
}

/** A subscription that could be added to the configuration. */
export interface Proposal {
  readonly subscription: {
    readonly topic: string
    readonly asset?: string
    readonly time?: { readonly path: string; readonly format: string; readonly zone?: string }
    readonly signals: Readonly<Record<string, { readonly path: string; readonly type?: string }>>
  }
  /** value of each signal in the payload that was looked at */
  readonly samples: Readonly<Record<string, SeenField['sample']>>
  readonly topics: readonly string[]
  readonly messages: number
}

/** What could be configured, and topics of which nothing can be said, with the reason. */
export interface Proposals {
  readonly proposals: readonly Proposal[]
  readonly unread: readonly { readonly topic: string; readonly why: string }[]
}

/** Subscriptions that one listening proposes. */
const MOST_PROPOSALS = 100

interface Readable {
  readonly sighting: Sighting
  readonly shape: Shape
}

/**
 * Subscriptions for what was seen and the configuration does not read yet; together with it they pass `sluice check`.
 * Pure. @param now UnixMs, to tell times from other numbers
 */
export function propose(config: MqttSourceConfig, sightings: readonly Sighting[], now: number): Proposals {
  const unread: { readonly topic: string; readonly why: string }[] = []
  const readable = sightings.flatMap((sighting): Readable[] => {
    const document = readDocument(sighting.payload)
    if (document === undefined) {
      unread.push({ topic: sighting.topic, why: whyUnread(sighting) })
      return []
    }
    const whole = shapeOf(document.value, now)
    const isRead = readOf(config, sighting.topic)
    const shape = { ...whole, fields: whole.fields.filter(({ path }) => !isRead(path)) }
    return shape.fields.length === 0 ? [] : [{ sighting, shape }]
  })

  const proposals: Proposal[] = []
  const topics = sightings.map(({ topic }) => topic)
  const taken = new Set(config.subscriptions.flatMap((subscription) => signalIds(subscription, topics)))
  let known = config
  for (const alike of Map.groupBy(readable, shapeKey).values()) {
    const bySpot = new Map(alike.map((each) => [each.sighting.topic, each]))
    const isLeaf = alike[0]!.shape.fields[0]!.path === '$'
    for (const group of groupTopics([...bySpot.keys()].toSorted(), isLeaf)) {
      if (proposals.length >= MOST_PROPOSALS) return { proposals, unread }
      const { proposal, config: next } = proposeOne(known, group, bySpot, taken)
      if (!proposal) continue
      proposals.push(proposal)
      for (const id of signalIds(proposal.subscription, group.members)) taken.add(id)
      known = next
    }
  }
  return { proposals, unread }
}

function proposeOne(
  config: MqttSourceConfig,
  group: ReturnType<typeof groupTopics>[number],
  seen: ReadonlyMap<string, Readable>,
  taken: ReadonlySet<string>,
): { readonly proposal: Proposal | undefined; readonly config: MqttSourceConfig } {
  const members = group.members.map((topic) => seen.get(topic)!)
  const { shape } = members[0]!
  const base = {
    topic: group.topic,
    ...(group.asset !== undefined && { asset: group.asset }),
    ...(shape.time && { time: timeOption(shape.time) }),
  }
  const signals: Record<string, { path: string; type?: string }> = {}
  const samples: Record<string, SeenField['sample']> = {}
  let accepted: MqttSourceConfig | undefined
  for (const field of shape.fields) {
    const signal = { path: field.path, ...(field.type !== 'float64' && { type: field.type }) }
    for (const name of namesOf(field, group.topic)) {
      const isTaken = signalIds({ ...base, signals: { [name]: signal } }, group.members).some((id) => taken.has(id))
      if (isTaken || Object.hasOwn(signals, name)) continue
      const tried = withSubscription(config, { ...base, signals: { ...signals, [name]: signal } })
      if (!tried) continue
      accepted = tried
      signals[name] = signal
      samples[name] = field.sample
      break
    }
  }
  if (!accepted) return { proposal: undefined, config }
  const messages = members.reduce((sum, { sighting }) => sum + sighting.messages, 0)
  return {
    proposal: { subscription: { ...base, signals }, samples, topics: group.members, messages },
    config: accepted,
  }
}

/** Ids of the signals that a subscription gives of these topics. */
function signalIds(
  { topic, asset, signals }: { readonly topic: string; readonly asset?: string | undefined; readonly signals: object },
  topics: readonly string[],
): readonly string[] {
  const compiled = compileTopic(topic)
  if ('message' in compiled) return []
  const assets = asset === undefined ? topics.flatMap((each) => compiled.pattern.match(each) ?? []) : [asset]
  return assets.flatMap((each) => Object.keys(signals).map((name) => `${each}/${name}`))
}

/** The configuration with one subscription more, or undefined where `check` would not have it. */
function withSubscription(config: MqttSourceConfig, subscription: object): MqttSourceConfig | undefined {
  const parsed = subscriptionSchema.safeParse(subscription)
  if (!parsed.success) return undefined
  const tried = { ...config, subscriptions: [...config.subscriptions, parsed.data] }
  return planMqttSource('', tried).problems.length === 0 ? tried : undefined
}

/** Names for a field, the nicest first. */
function* namesOf(field: SeenField, topic: string): Generator<string> {
  const levels = topic.split('/').filter((level) => !/[+#{]/.test(level))
  const leaf = levels.at(-1) ?? 'value'
  const own = field.steps.length === 0 ? leaf : field.steps.join('_')
  yield toName(own)
  if (field.steps.length > 0) yield toName(`${leaf}_${own}`)
  yield toName([...levels, ...field.steps].join('_'))
  for (let i = 2; i < 100; i++) yield toName(`${own.slice(0, 90)}_${i}`)
}

function timeOption({ path, format, hasZone }: SeenTime): NonNullable<Proposal['subscription']['time']> {
  return { path, format, ...(!hasZone && { zone: 'UTC' }) }
}

/** Payloads with one key can share a subscription. */
function shapeKey({ sighting, shape }: Readable): string {
  const fields = shape.fields.map(({ path, type }) => [path, type])
  return JSON.stringify([sighting.topic.split('/').length, fields, shape.time ?? null])
}

/** Whether the configuration reads a path of this topic already. */
function readOf(config: MqttSourceConfig, topic: string): (path: string) => boolean {
  const matching = config.subscriptions.filter((subscription) => {
    const compiled = compileTopic(subscription.topic)
    return !('message' in compiled) && compiled.pattern.match(topic) !== undefined
  })
  const paths = new Set(
    matching.flatMap(({ signals }) => Object.values(signals).map(({ path }) => path && canonical(path))),
  )
  // Formats and maps of their own read more than the paths of their signals say.
  const isWhole = matching.some(
    ({ payload, map, each }) => payload !== 'json' || map !== undefined || each !== undefined,
  )
  return (path) => isWhole || paths.has(path)
}

/** A path as `shapeOf` writes it. */
function canonical(path: string): string {
  return path
    .replace(/\[\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*\]/g, (_, single?: string, double?: string) =>
      stepText(single ?? double ?? ''),
    )
    .replace(/\[\s*(\d+)\s*\]/g, '[$1]')
}

function readDocument(payload: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) }
  } catch {
    return undefined // told as `unread`
  }
}

function whyUnread({ topic, payload }: Sighting): string {
  if (topic.startsWith('spBv1.0/')) return 'Sparkplug B: write payload: sparkplug_b and topic: spBv1.0/GROUP/+/NODE'
  const start = Buffer.from(payload.subarray(0, 12))
    .toString('hex')
    .replace(/..(?=.)/g, '$& ')
  return payload.length === 0 ? 'empty' : `${payload.length} bytes that are not JSON: ${start}`
}
