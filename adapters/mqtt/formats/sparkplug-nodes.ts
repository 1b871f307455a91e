import type { UnixMs } from '../../../core/brand.ts'
import { GOOD, qualityCode } from '../../../core/quality.ts'
import { parseSparkplugTopic, type SparkplugTopic } from '../sparkplug-topic.ts'
import { makeTimeReader } from '../time.ts'
import type { Message, PayloadProblem } from './format.ts'
import { REPORTED_BAD, readQuality } from './quality.ts'
import { type Metric, metricValue, parseSparkplug, type SparkplugPayload } from './sparkplug-payload.ts'

const UNSURE = qualityCode('uncertain', 'sequence')

/** Nodes and devices that are followed; messages of further ones are refused. */
const MOST_NODES = 1_000
const MOST_DEVICES = 1_000
/** Metrics of a device that are remembered from its birth. */
const MOST_METRICS = 20_000

const readTime = makeTimeReader('unix_ms')

/** One metric of a message, with what births have said about it. */
export interface Value {
  readonly name: string
  /** null: the sender has none */
  readonly value: unknown
  readonly at: UnixMs | undefined
  readonly quality: number
  /** stored by the sender while it was cut off */
  readonly isHistorical: boolean
}

/** What a message says about one node or device. */
export interface SparkplugPart {
  /** as if it had been a message about it: a death of a node is one of each of its devices */
  readonly topic: string
  readonly isDeath: boolean
  /** of a death; undefined: on arrival */
  readonly at: UnixMs | undefined
  readonly values: readonly Value[]
  /** metrics that mean nothing without the birth that was not seen */
  readonly unborn: number
  readonly badTimes: number
}

/** What became of a message. */
export interface Heard {
  readonly parts: readonly SparkplugPart[]
  /** messages were lost between the last one of the node and this one */
  readonly gap?: { readonly node: string; readonly from: UnixMs }
  /** the node whose births are needed */
  readonly wants?: string
}

/** Follows births, deaths and the sequence of edge nodes (Sparkplug 3.0 §5.8, §6.4). Never sends anything. */
export interface SparkplugNodes {
  /** undefined: not a message of a node, such as a command of another host */
  hear(message: Message, arrival: UnixMs): Heard | PayloadProblem | undefined
}

interface Birth {
  readonly name: string
  readonly datatype: number | undefined
  /** gaps of the node until then */
  readonly gaps: number
}

interface Device {
  readonly byAlias: Map<string, Birth>
  readonly byName: Map<string, Birth>
}

interface Node {
  /** by name; '' is the node itself */
  readonly devices: Map<string, Device>
  /** of the last message; undefined: none since the node was born again or first heard of */
  seq: number | undefined
  /** of the birth; undefined: none seen */
  bdSeq: string | undefined
  gaps: number
  heardAt: UnixMs
}

export function makeSparkplugNodes(): SparkplugNodes {
  const nodes = new Map<string, Node>()

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
      const device = node.devices.get(topic.device) ?? { byAlias: new Map(), byName: new Map() }
      if (!node.devices.has(topic.device)) {
        if (node.devices.size >= MOST_DEVICES) return tooMany('devices of a node', MOST_DEVICES)
        node.devices.set(topic.device, device)
      }
      const gap = follow(topic, node, payload, arrival)
      if (topic.type === 'DDEATH') {
        clear(device)
        return { parts: [deathOf(message.topic, readTime(payload.timestamp))], ...gap }
      }
      if (topic.type === 'NBIRTH') {
        for (const other of node.devices.values()) clear(other)
        node.bdSeq = bdSeqOf(payload)
      }
      if (topic.type === 'DBIRTH') clear(device)
      const metrics = flatten(payload.metrics)
      if (topic.type === 'NBIRTH' || topic.type === 'DBIRTH') learn(device, metrics, node.gaps)
      const part = resolve(message.topic, device, node, payload, metrics)
      const wants = part.unborn > 0 || gap ? { wants: topic.node } : {}
      return { parts: [part], ...gap, ...wants }
    },
  }
}

/** A will that was left behind by a connection before this birth says nothing about now (§6.4.21). */
function die(topic: SparkplugTopic, node: Node, payload: SparkplugPayload): Heard {
  const bdSeq = bdSeqOf(payload)
  if (node.bdSeq !== undefined && bdSeq !== undefined && bdSeq !== node.bdSeq) return { parts: [] }
  node.bdSeq = undefined
  node.seq = undefined
  for (const device of node.devices.values()) clear(device)
  const [group, name] = topic.node.split('/')
  // A will is written when the node connects, so its own time is not that of the death.
  return {
    parts: ['', ...[...node.devices.keys()].filter((device) => device !== '')].map((device) =>
      deathOf(`spBv1.0/${group}/NDEATH/${name}${device === '' ? '' : `/${device}`}`, undefined),
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

function resolve(
  topic: string,
  device: Device,
  node: Node,
  payload: SparkplugPayload,
  metrics: readonly Metric[],
): SparkplugPart {
  const values: Value[] = []
  let unborn = 0
  let badTimes = 0
  for (const metric of metrics) {
    const birth = metric.name === undefined ? device.byAlias.get(metric.alias ?? '') : device.byName.get(metric.name)
    const name = metric.name ?? birth?.name
    const value = metric.isNull ? null : metricValue(metric.wire, metric.datatype ?? birth?.datatype)
    if (name === undefined || value === undefined) {
      unborn++
      continue
    }
    const written = metric.timestamp ?? payload.timestamp
    const at = written === undefined ? undefined : readTime(written)
    if (written !== undefined && at === undefined) {
      badTimes++
      continue
    }
    // Where messages are missing one of them may have been a birth, which gives aliases anew.
    const sure = metric.name !== undefined || birth?.gaps === node.gaps ? GOOD : UNSURE
    const stated = metric.quality === 500 ? REPORTED_BAD : readQuality('opc_da', metric.quality)
    values.push({ name, value, at, quality: stated === GOOD ? sure : stated, isHistorical: metric.isHistorical })
  }
  return { topic, isDeath: false, at: undefined, values, unborn, badTimes }
}

/** Members of templates stand beside the metrics, as TEMPLATE/MEMBER. */
function flatten(metrics: readonly Metric[], prefix = ''): readonly Metric[] {
  if (prefix === '' && metrics.every((metric) => metric.members.length === 0)) return metrics
  return metrics.flatMap((metric): readonly Metric[] => {
    const name = metric.name === undefined ? undefined : prefix + metric.name
    const own: Metric = { ...metric, name }
    if (metric.members.length === 0 || name === undefined) return [own]
    const inner = metric.members.map((m) => ({ ...m, timestamp: m.timestamp ?? metric.timestamp }))
    return flatten(inner, `${name}/`)
  })
}

function learn(device: Device, metrics: readonly Metric[], gaps: number): void {
  for (const { name, alias, datatype } of metrics) {
    if (name === undefined || device.byName.size >= MOST_METRICS) continue
    const birth = { name, datatype, gaps }
    device.byName.set(name, birth)
    if (alias !== undefined) device.byAlias.set(alias, birth)
  }
}

function bdSeqOf(payload: SparkplugPayload): string | undefined {
  const metric = payload.metrics.find(({ name }) => name === 'bdSeq')
  return metric?.wire.kind === 'int' || metric?.wire.kind === 'long' ? String(metric.wire.value) : undefined
}

function deathOf(topic: string, at: UnixMs | undefined): SparkplugPart {
  return { topic, isDeath: true, at, values: [], unborn: 0, badTimes: 0 }
}

function emptyNode(heardAt: UnixMs): Node {
  return { devices: new Map(), seq: undefined, bdSeq: undefined, gaps: 0, heardAt }
}

function clear(device: Device): void {
  device.byAlias.clear()
  device.byName.clear()
}

function tooMany(what: string, most: number): PayloadProblem {
  return { reason: 'too_many_assets', detail: `more than ${most} Sparkplug ${what}` }
}
