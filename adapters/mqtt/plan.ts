import { name as nameSchema } from '../../core/option.ts'
import type { Problem } from '../../core/problem.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { SourcePlan } from '../source.ts'
import type { MqttSourceConfig } from './schema.ts'
import type { MqttSignal } from './signal-schema.ts'
import { isTimed, patternOf } from './subscription.ts'
import type { MqttSubscription } from './subscription-schema.ts'
import type { TopicPattern } from './topic-filter.ts'
import { warningsOf } from './warnings.ts'

/** One signal of a subscription. */
export interface Field {
  readonly name: string
  /** the dictionary row for an asset */
  spec(asset: string): SignalSpec
}

/** One subscription, as far as topics and signals go; how its payloads are read is `formats/`. */
export interface Mapping {
  readonly pattern: TopicPattern
  readonly qos: 0 | 1
  /** the fixed asset, where the topic captures none */
  readonly asset: string | undefined
  /** true: the payload may bring a time, so that something older can still come */
  readonly timed: boolean
  readonly fields: readonly Field[]
}

/** Compiles the subscriptions of a source that passed the schema. */
export function compileMappings(source: string, config: MqttSourceConfig): readonly Mapping[] {
  return config.subscriptions.map((subscription) => ({
    pattern: patternOf(subscription),
    qos: subscription.qos,
    asset: subscription.asset,
    timed: isTimed(subscription),
    fields: Object.entries(subscription.signals).map(([name, signal]) => ({
      name,
      spec: (asset: string) => specOf(source, asset, name, signal, subscription),
    })),
  }))
}

/** What is known of the source before it is opened. */
export interface MqttPlan {
  readonly plan: SourcePlan
  /** paths are relative to the source */
  readonly problems: readonly Problem[]
  /** what is right and may not mean what the operator thinks; paths as above */
  readonly warnings: readonly Problem[]
  /** true: messages may bring this signal, though a capture names its asset only when one comes */
  mayProvide(signalId: string): boolean
}

/** Signals, assets and contradictions of a source that passed the schema. */
export function planMqttSource(name: string, config: MqttSourceConfig): MqttPlan {
  const signals = new Map<string, SignalSpec>()
  for (const mapping of compileMappings(name, config))
    if (mapping.asset !== undefined)
      for (const field of mapping.fields) {
        const spec = field.spec(mapping.asset)
        signals.set(spec.id, spec)
      }
  return {
    plan: {
      signals: [...signals.values()],
      assets: [...new Set([...signals.values()].map((spec) => spec.asset))],
      polled: !config.subscriptions.some(isTimed),
    },
    problems: contradictions(name, config),
    warnings: warningsOf(config),
    mayProvide(signalId) {
      const [asset = '', signal = ''] = signalId.split('/')
      return (
        signals.has(signalId) ||
        (assetName(asset) !== undefined &&
          config.subscriptions.some((s) => s.asset === undefined && Object.hasOwn(s.signals, signal)))
      )
    },
  }
}

/** The text as an asset's name (NFC), or undefined where it cannot be one. */
export function assetName(text: string): string | undefined {
  return nameSchema.safeParse(text).data
}

/** Signals that two subscriptions give for one asset, twice or with different meanings. */
function contradictions(source: string, config: MqttSourceConfig): readonly Problem[] {
  return config.subscriptions.flatMap((later, j) =>
    Object.keys(later.signals).flatMap((name) => {
      const i = config.subscriptions.findIndex(
        (earlier, k) =>
          k < j &&
          Object.hasOwn(earlier.signals, name) &&
          (earlier.asset === undefined || later.asset === undefined || earlier.asset === later.asset),
      )
      if (i < 0) return []
      const earlier = config.subscriptions[i]!
      const fixed = earlier.asset !== undefined && later.asset !== undefined
      const meaning = (s: MqttSubscription) => {
        const { stamped_by: _, ...spec } = specOf(source, '', name, s.signals[name]!, s)
        return JSON.stringify(spec)
      }
      if (!fixed && meaning(earlier) === meaning(later)) return []
      const asset = later.asset ?? earlier.asset
      return [
        {
          path: ['subscriptions', j, 'signals', name],
          message: fixed
            ? `${asset}/${name} is already given by subscription ${i + 1}`
            : `${asset ?? '{asset}'}/${name} has another type, unit, scale, labels or cadence in subscription ${i + 1}`,
          hint: fixed ? 'give one of them another name' : 'write the same in both, or give one another name',
        },
      ]
    }),
  )
}

function specOf(
  source: string,
  asset: string,
  name: string,
  signal: MqttSignal,
  subscription: MqttSubscription,
): SignalSpec {
  const unit = signal.unit ?? (signal.type === 'string' || signal.type === 'bool' ? undefined : '1')
  return {
    id: `${asset}/${name}`,
    asset,
    name,
    source,
    type: signal.type,
    ...(unit !== undefined && { unit }),
    ...(signal.scale !== undefined && { scale: signal.scale }),
    ...(signal.offset !== undefined && { offset: signal.offset }),
    ...(signal.labels !== undefined && { labels: signal.labels }),
    cadence: signal.cadence ?? subscription.cadence,
    ...(isTimed(subscription) && { stamped_by: 'sender' as const }),
  }
}
