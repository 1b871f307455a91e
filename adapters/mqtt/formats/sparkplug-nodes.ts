import { type UnixMs, unixMs } from '../../../core/brand.ts'
import { parseSparkplugTopic, type SparkplugTopic } from '../sparkplug-topic.ts'
import type { Message, PayloadProblem } from './format.ts'
import {
  type Birth,
  makeBirthNotes,
  readBirth,
  readStandings,
  type Standing,
  writeStandings,
} from './sparkplug-births.ts'
import { type BornMetric, deathOf, flatten, resolve, type SparkplugPart } from './sparkplug-part.ts'
import { type Metric, parseSparkplug, type SparkplugPayload } from './sparkplug-payload.ts'

/** Nodes and devices that are followed; messages of further ones are refused. */
const MOST_NODES = 1_000
const MOST_DEVICES = 1_000
/** Metrics of a device that are remembered from its birth. */
const MOST_METRICS = 20_000

/** What became of a message. */
export interface Heard {
  readonly parts: readonly SparkplugPart[]
  /** messages were lost between the last one of the node and this one */
  readonly gap?: { readonly node: string; readonly from: UnixMs }
  /** the node whose births are needed */
  readonly wants?: string
  /** true: a birth that there is no room to keep for the next start */
  readonly isCrowded?: boolean
}

/** What is noted of nodes from one start to the next. */
export interface KeptNodes {
  /** by `GROUP/NODE` or `GROUP/NODE/DEVICE` */
  readonly births: ReadonlyMap<string, string>
  /** where the sequences of the nodes stood; absent where that is not known, or more may have been heard since */
  readonly sequences?: string | undefined
}

/** Follows births, deaths and the sequence of edge nodes (Sparkplug 3.0 §5.8, §6.4). Never sends anything. */
export interface SparkplugNodes {
  /** undefined: not a message of a node, such as a command of another host */
  hear(message: Message, arrival: UnixMs): Heard | PayloadProblem | undefined
  /** Deaths may have been missed: values by alias alone are unsure until the next birth. */
  distrust(): void
  /** `KeptNodes.births` that have changed since the last call; null: forgotten. */
  changedBirths(): ReadonlyMap<string, string | null>
  /** `KeptNodes.sequences` as of now */
  sequences(): string
}

interface Device {
  readonly byAlias: Map<string, BornMetric>
  readonly byName: Map<string, BornMetric>
  /** gaps of the node when it was born */
  gaps: number
}

interface Node {
  /** by name; '' is the node itself */
  readonly devices: Map<string, Device>
  /** of the last message; undefined: none since the node was born again or first heard of */
  seq: number | undefined
  /** of the birth; undefined: none seen */
  bdSeq: string | undefined
  /** times at which messages were lost */
  gaps: number
  heardAt: UnixMs
}

/**
 * @param kept what was noted in the same session at the broker
 * @param isFollowed whether the topic is of a node that concerns us; what is noted of others is forgotten
 */
export function makeSparkplugNodes(kept: KeptNodes, isFollowed: (topic: string) => boolean): SparkplugNodes {
  const births = makeBirthNotes(kept.births)
  const nodes = new Map<string, Node>()
  const standings = readStandings(kept.sequences ?? '[]')

  for (const [key, text] of kept.births) {
    const [group = '', name = '', id = ''] = key.split('/')
    const birth = isFollowed(`spBv1.0/${group}/NBIRTH/${name}`) ? readBirth(text) : undefined
    if (birth) recall(`${group}/${name}`, id, birth)
    else births.forget(key)
  }

  function recall(name: string, id: string, birth: Birth): void {
    const last = standings.get(name)
    // Where it is not known what was heard last, more may have been sent since, and a birth among it.
    const node = nodes.get(name) ?? { ...emptyNode(last?.heardAt ?? unixMs(0)), seq: last?.seq, gaps: last ? 0 : 1 }
    nodes.set(name, node)
    const device = emptyDevice()
    node.devices.set(id, device)
    if (id === '') node.bdSeq = birth.bdSeq
    learn(device, birth.metrics)
  }

  function forget(name: string, id: string, device: Device): void {
    births.forget(keyOf(name, id))
    device.byAlias.clear()
    device.byName.clear()
  }

  function forgetAll(name: string, node: Node): void {
    for (const [id, device] of node.devices) forget(name, id, device)
  }

  /** A will that was left behind by a connection before this birth says nothing about now (§6.4.21). */
  function die({ node: name }: SparkplugTopic, node: Node, payload: SparkplugPayload): Heard {
    const bdSeq = bdSeqOf(payload)
    if (node.bdSeq !== undefined && bdSeq !== undefined && bdSeq !== node.bdSeq) return { parts: [] }
    node.bdSeq = undefined
    node.seq = undefined
    forgetAll(name, node)
    const [group, own] = name.split('/')
    // A will is written when the node connects, so its own time is not that of the death.
    return {
      parts: ['', ...[...node.devices.keys()].filter((id) => id !== '')].map((id) =>
        deathOf(`spBv1.0/${group}/NDEATH/${own}${id === '' ? '' : `/${id}`}`, undefined),
      ),
    }
  }

  /** Takes a birth in. @returns whether there was room to note it */
  function bear({ node: name, device: id }: SparkplugTopic, node: Node, device: Device, metrics: readonly Metric[]) {
    const named = metrics.flatMap((m) => (m.name === undefined ? [] : [{ ...m, name: m.name }])).slice(0, MOST_METRICS)
    device.gaps = node.gaps
    learn(device, named)
    return births.learn(keyOf(name, id), { bdSeq: id === '' ? node.bdSeq : undefined, metrics: named })
  }

  return {
    hear(message, arrival) {
      const topic = parseSparkplugTopic(message.topic)
      if (!topic) return undefined
      const parsed = parseSparkplug(message.payload)
      if ('reason' in parsed) return parsed
      const payload = parsed.document
      const node = nodes.get(topic.node) ?? emptyNode(arrival)
      if (!nodes.has(topic.node)) {
        if (nodes.size >= MOST_NODES) return tooMany('nodes', MOST_NODES)
        nodes.set(topic.node, node)
      }
      if (topic.type === 'NDEATH') return die(topic, node, payload)
      const device = node.devices.get(topic.device) ?? emptyDevice()
      if (!node.devices.has(topic.device)) {
        if (node.devices.size >= MOST_DEVICES) return tooMany('devices of a node', MOST_DEVICES)
        node.devices.set(topic.device, device)
      }
      const gap = follow(topic, node, payload, arrival)
      if (topic.type === 'DDEATH') {
        forget(topic.node, topic.device, device)
        return { parts: [deathOf(message.topic, payload.timestamp)], ...gap }
      }
      if (topic.type === 'NBIRTH') {
        forgetAll(topic.node, node)
        node.bdSeq = bdSeqOf(payload)
      }
      if (topic.type === 'DBIRTH') forget(topic.node, topic.device, device)
      const metrics = flatten(payload.metrics)
      const isBirth = topic.type === 'NBIRTH' || topic.type === 'DBIRTH'
      const isCrowded = isBirth && !bear(topic, node, device, metrics)
      const part = resolve(message.topic, { ...device, isSure: device.gaps === node.gaps }, payload, metrics)
      const wants = part.unborn > 0 || part.unsure > 0 || gap ? { wants: topic.node } : {}
      return { parts: [part], ...gap, ...wants, isCrowded }
    },
    distrust() {
      for (const node of nodes.values()) node.gaps++
    },
    changedBirths: births.take,
    sequences: () =>
      writeStandings(
        new Map(
          [...nodes].flatMap(([name, { seq, heardAt, gaps, devices }]): [string, Standing][] => {
            // One that waits for a birth because messages were lost goes on waiting.
            const isSure = devices.values().every((device) => device.byName.size === 0 || device.gaps === gaps)
            return seq !== undefined && isSure ? [[name, { seq, heardAt }]] : []
          }),
        ),
      ),
  }
}

/** Follows the sequence; it counts messages of the node and its devices together, from 0 to 255. */
function follow(
  topic: SparkplugTopic,
  node: Node,
  { seq }: SparkplugPayload,
  arrival: UnixMs,
): { readonly gap: NonNullable<Heard['gap']> } | undefined {
  const last = node.seq
  const from = node.heardAt
  node.heardAt = arrival
  if (seq === undefined) return undefined
  node.seq = seq
  // The same number again is the copy of a message that several filters match.
  if (topic.type === 'NBIRTH' || last === undefined || seq === last || seq === ((last + 1) & 0xff)) return undefined
  node.gaps++
  return { gap: { node: topic.node, from } }
}

function learn(device: Device, metrics: Birth['metrics']): void {
  for (const { name, alias, datatype } of metrics) {
    device.byName.set(name, { name, datatype })
    if (alias !== undefined) device.byAlias.set(alias, { name, datatype })
  }
}

function bdSeqOf(payload: SparkplugPayload): string | undefined {
  const metric = payload.metrics.find(({ name }) => name === 'bdSeq')
  return metric?.wire.kind === 'int' || metric?.wire.kind === 'long' ? String(metric.wire.value) : undefined
}

function keyOf(node: string, device: string): string {
  return device === '' ? node : `${node}/${device}`
}

function emptyNode(heardAt: UnixMs): Node {
  return { devices: new Map(), seq: undefined, bdSeq: undefined, gaps: 0, heardAt }
}

function emptyDevice(): Device {
  return { byAlias: new Map(), byName: new Map(), gaps: 0 }
}

function tooMany(what: string, most: number): PayloadProblem {
  return { reason: 'too_many_assets', detail: `more than ${most} Sparkplug ${what}` }
}
