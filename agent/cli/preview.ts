import { loadConfig } from '../../config/load.ts'
import { renderProblems } from '../../config/problem.ts'
import { Fault } from '../../core/fault.ts'
import { formatDuration } from '../../core/option.ts'
import { type Explained, explainPolicy } from '../../privacy/preview.ts'
import type { SourceConfig } from '../daemon/sources.ts'
import { type CommonOptions, EXIT_USAGE, printJson, table } from './common.ts'

/**
 * `sluice preview`: for each pool, signal by signal, what it becomes or why it is withheld. Reads files only; nothing is
 * drawn, charged or sent.
 */
export function preview(options: CommonOptions & { readonly pool?: string }): void {
  const loaded = loadConfig(options.config)
  if (loaded.problems.length > 0) {
    console.error(renderProblems(loaded.problems))
    process.exitCode = EXIT_USAGE
  }
  const pools = Object.entries(loaded.pools).filter(([name]) => options.pool === undefined || name === options.pool)
  if (options.pool !== undefined && pools.length === 0)
    throw new Fault('usage', { pool: options.pool }, 'there is no such pool')
  const signals = Object.values(loaded.sources).flatMap((source) => (source.kind === 'ok' ? source.plan.signals : []))
  const wildcards = Object.values(loaded.sources).flatMap((source) =>
    source.kind === 'ok' ? captured(source.config) : [],
  )
  const shown = pools.map(([pool, { gate }]) =>
    gate.kind === 'open'
      ? { pool, gate: 'open' as const, signals: withWildcards(explainPolicy(gate.plan, signals), wildcards) }
      : { pool, gate: 'shut' as const, reason: gate.fault.message, signals: [] },
  )
  if (shown.some((p) => p.gate === 'shut')) process.exitCode = EXIT_USAGE
  if (options.json) return printJson(shown)

  for (const { pool, gate, signals: explained, ...rest } of shown) {
    console.log(`pool ${pool}: gate ${gate}${'reason' in rest ? `, nothing leaves: ${rest.reason}` : ''}`)
    const leaves = explained.flatMap((s) =>
      s.becomes.map((c) => [
        `  ${s.signal}`,
        `${c.dataset}.${c.column}`,
        `${c.stat} over ${formatDuration(c.window_ms)}`,
        c.range ? `${c.range[0]} to ${c.range[1]} ${c.unit} in steps of ${c.step}` : 'listed categories only',
        c.accepted_risk === null ? '' : `RISK ACCEPTED: ${c.accepted_risk}`,
      ]),
    )
    const withheld = explained.filter((s) => s.withheld !== null).map((s) => [`  ${s.signal}`, s.withheld!])
    if (leaves.length > 0) console.log(`leaves the plant\n${table(leaves)}`)
    if (withheld.length > 0) console.log(`stays inside\n${table(withheld)}`)
  }
}

/** Names of signals whose asset a topic captures: which assets will come is known only when they do. */
function captured(config: SourceConfig): readonly string[] {
  if (config.kind !== 'mqtt') return []
  return config.subscriptions.filter((s) => s.asset === undefined).flatMap((s) => Object.keys(s.signals))
}

/** What a broker may bring besides the signals that the policy names stays inside, and is shown to. */
function withWildcards(explained: readonly Explained[], names: readonly string[]): readonly Explained[] {
  return [
    ...explained,
    ...names.map((name) => {
      const isNamed = explained.some(({ signal, becomes }) => becomes.length > 0 && signal.endsWith(`/${name}`))
      const withheld = isNamed
        ? 'of every other asset: no rule of the policy names it'
        : 'no rule of the policy names it'
      return { signal: `{asset}/${name}`, becomes: [], withheld }
    }),
  ]
}
