import { planModbusSource } from '../adapters/modbus/plan.ts'
import { planMqttSource } from '../adapters/mqtt/plan.ts'
import type { SourcePlan } from '../adapters/source.ts'
import type { Problem } from '../core/problem.ts'
import type { KnownSignal } from '../privacy/compile.ts'
import { doubledSignals, type NamedSource, sharedPlaces } from './cross-check.ts'
import { expandProfiles } from './expand-profiles.ts'
import type { LocatedProblem } from './problem.ts'
import type { Prepared } from './read.ts'
import { type SourceConfig, sourceSchema } from './schema.ts'
import { checkEntries } from './section.ts'

/** A source as far as its part of the file is right. */
export type LoadedSource =
  | {
      readonly kind: 'ok'
      readonly config: SourceConfig
      readonly plan: SourcePlan
      /** true: it may bring this signal, though the configuration does not name its asset */
      mayProvide(signalId: string): boolean
    }
  | { readonly kind: 'bad'; readonly problems: readonly LocatedProblem[] }

/** Checks each source by itself and all against each other. `elsewhere`: problems in the files of profiles. */
export function loadSources(written: Prepared): {
  readonly loaded: Readonly<Record<string, LoadedSource>>
  readonly problems: readonly Problem[]
  readonly elsewhere: readonly LocatedProblem[]
  /** what is right and may not mean what its author thinks */
  readonly warnings: readonly LocatedProblem[]
} {
  const { prepared, ...profiles } = expandProfiles(written)
  const { entries, problems } = checkEntries(prepared, 'sources', sourceSchema)
  const lineOf = (path: readonly (string | number)[]): number => prepared.locate([{ path, message: '' }])[0]?.line ?? 1
  const right = entries.flatMap(({ name, config }): readonly NamedSource[] => (config ? [{ name, config }] : []))
  const doubled = doubledSignals(right, lineOf)
  const shared = sharedPlaces(right, lineOf)

  const found: Problem[] = [...problems, ...shared]
  const warnings: Problem[] = []
  const loaded = entries.map(({ name, path, config, problems: own }): readonly [string, LoadedSource] => {
    const planned = config && planSource(name, config)
    const placed = (p: Problem): Problem => (p.path[0] === 'sources' ? p : { ...p, path: [...path, ...p.path] })
    const wrong = [
      ...own,
      ...(planned?.problems ?? []).map(placed),
      ...doubled.filter((p) => p.path[1] === name),
      ...profiles.problems.filter((p) => p.path[1] === path[1]),
    ]
    found.push(...wrong)
    warnings.push(...(planned?.warnings ?? []).map(placed))
    const spoilt = profiles.spoilt.get(path[1]!) ?? []
    if (!config || !planned || wrong.length + spoilt.length > 0)
      return [name, { kind: 'bad', problems: [...prepared.locate(wrong), ...spoilt] }]
    return [name, { kind: 'ok', config, plan: planned.plan, mayProvide: planned.mayProvide }]
  })
  return {
    loaded: Object.fromEntries(loaded),
    problems: found,
    elsewhere: profiles.elsewhere,
    warnings: prepared.locate(warnings),
  }
}

function planSource(
  name: string,
  config: SourceConfig,
): {
  readonly plan: SourcePlan
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  mayProvide(signalId: string): boolean
} {
  switch (config.kind) {
    case 'modbus': {
      return { ...planModbusSource(name, config), mayProvide: () => false }
    }
    case 'mqtt':
      return planMqttSource(name, config)
  }
}

/**
 * What the policies may name. While a source is wrong nobody knows what it would feed, so that a mistake in a source
 * does not shut a gate as well.
 */
export function knownSignals(sources: Readonly<Record<string, LoadedSource>>): KnownSignal {
  const all = Object.entries(sources)
  const rows = new Map(
    all.flatMap(([, s]) => (s.kind === 'ok' ? s.plan.signals.map((row) => [row.id, row] as const) : [])),
  )
  return (id) => {
    const row = rows.get(id)
    if (row) return row
    const may = all.flatMap(([name, s]) => (s.kind === 'bad' || s.mayProvide(id) ? [name] : []))
    return may.length > 0 ? { sources: may } : undefined
  }
}
