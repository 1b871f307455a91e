import type { LoadedConfig } from '../../config/load.ts'
import type { DisclosurePlan } from '../../privacy/compile.ts'
import { type Explained, explainPolicy } from '../../privacy/preview.ts'
import type { SourceConfig } from '../daemon/sources.ts'

/** What each signal of the configuration becomes, or why it stays inside; also of those that a broker may bring. */
export function explainSignals(plan: DisclosurePlan, { sources }: Pick<LoadedConfig, 'sources'>): readonly Explained[] {
  const right = Object.values(sources).flatMap((source) => (source.kind === 'ok' ? [source] : []))
  const explained = explainPolicy(
    plan,
    right.flatMap((source) => source.plan.signals),
  )
  const names = new Set(right.flatMap((source) => captured(source.config)))
  return [...explained, ...[...names].map((name) => wildcard(name, explained))]
}

/** Names of signals whose asset a topic captures: which assets will come is known only when they do. */
function captured(config: SourceConfig): readonly string[] {
  if (config.kind !== 'mqtt') return []
  return config.subscriptions.filter((s) => s.asset === undefined).flatMap((s) => Object.keys(s.signals))
}

/** What a broker may bring besides the signals that the policy names stays inside, and is shown to. */
function wildcard(name: string, explained: readonly Explained[]): Explained {
  const isNamed = explained.some(({ signal, becomes }) => becomes.length > 0 && signal.endsWith(`/${name}`))
  const withheld = isNamed ? 'of every other asset: no rule of the policy names it' : 'no rule of the policy names it'
  return { signal: `{asset}/${name}`, becomes: [], withheld }
}
