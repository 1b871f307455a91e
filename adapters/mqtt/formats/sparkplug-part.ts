import type { UnixMs } from '../../../core/brand.ts'
import { GOOD, qualityCode } from '../../../core/quality.ts'
import { makeTimeReader } from '../time.ts'
import { REPORTED_BAD, readQuality } from './quality.ts'
import { type Metric, metricValue, type SparkplugPayload } from './sparkplug-payload.ts'

const UNSURE = qualityCode('uncertain', 'sequence')

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
  /** metrics that are known by alias alone, where messages were lost since the birth */
  readonly unsure: number
  readonly badTimes: number
}

/** What the last birth of a node or device said. */
export interface Born {
  readonly byAlias: ReadonlyMap<string, BornMetric>
  readonly byName: ReadonlyMap<string, BornMetric>
  /** true: no message was lost since, so no birth either */
  readonly isSure: boolean
}

export interface BornMetric {
  readonly name: string
  readonly datatype: number | undefined
}

/** The values of a message, by what the birth said. */
export function resolve(
  topic: string,
  { byAlias, byName, isSure }: Born,
  payload: SparkplugPayload,
  metrics: readonly Metric[],
): SparkplugPart {
  const values: Value[] = []
  let unborn = 0
  let unsure = 0
  let badTimes = 0
  for (const metric of metrics) {
    const birth = metric.name === undefined ? byAlias.get(metric.alias ?? '') : byName.get(metric.name)
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
    const isGuess = metric.name === undefined && !isSure
    if (isGuess) unsure++
    const stated = metric.quality === 500 ? REPORTED_BAD : readQuality('opc_da', metric.quality)
    const quality = stated === GOOD && isGuess ? UNSURE : stated
    values.push({ name, value, at, quality, isHistorical: metric.isHistorical })
  }
  return { topic, isDeath: false, at: undefined, values, unborn, unsure, badTimes }
}

/** A death, by its own time where it has one. */
export function deathOf(topic: string, timestamp: number | undefined): SparkplugPart {
  const at = timestamp === undefined ? undefined : readTime(timestamp)
  return { topic, isDeath: true, at, values: [], unborn: 0, unsure: 0, badTimes: 0 }
}

/** Members of templates stand beside the metrics, as TEMPLATE/MEMBER. */
export function flatten(metrics: readonly Metric[], prefix = ''): readonly Metric[] {
  if (prefix === '' && metrics.every((metric) => metric.members.length === 0)) return metrics
  return metrics.flatMap((metric): readonly Metric[] => {
    const name = metric.name === undefined ? undefined : prefix + metric.name
    const own: Metric = { ...metric, name }
    if (metric.members.length === 0 || name === undefined) return [own]
    const inner = metric.members.map((m) => ({ ...m, timestamp: m.timestamp ?? metric.timestamp }))
    return flatten(inner, `${name}/`)
  })
}
