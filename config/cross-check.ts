import { placeOf } from '../adapters/modbus/transport-schema.ts'
import type { Problem } from '../core/problem.ts'
import type { SourceConfig } from './schema.ts'

type Path = readonly (string | number)[]

/** A source that passed its schema. */
export interface NamedSource {
  readonly name: string
  readonly config: SourceConfig
}

/**
 * Signals that two sources feed: at most one can be right.
 * @param lineOf line of a path, to name both places
 */
export function doubledSignals(sources: readonly NamedSource[], lineOf: (path: Path) => number): readonly Problem[] {
  const first = new Map<string, { readonly source: string; readonly path: Path }>()
  const problems: Problem[] = []
  for (const source of sources)
    for (const { id, path } of signalPaths(source)) {
      const before = first.get(id)
      if (!before) first.set(id, { source: source.name, path })
      // Within one source the adapter knows better what a second one means.
      else if (before.source !== source.name)
        problems.push({
          path,
          message: `signal ${id} comes from two sources: ${before.source} (line ${lineOf(before.path)}) has it too`,
          hint: 'rename one of them, or give it another asset',
        })
    }
  return problems
}

/** Signals whose asset the configuration names, and where. */
function signalPaths({ name, config }: NamedSource): readonly { readonly id: string; readonly path: Path }[] {
  switch (config.kind) {
    case 'modbus':
      return Object.entries(config.devices).flatMap(([device, { asset = device, signals }]) =>
        Object.keys(signals).map((signal) => ({
          id: `${asset}/${signal}`,
          path: ['sources', name, 'devices', device, 'signals', signal],
        })),
      )
    case 'mqtt':
      return config.subscriptions.flatMap(({ asset, signals }, i) =>
        asset === undefined
          ? []
          : Object.keys(signals).map((signal) => ({
              id: `${asset}/${signal}`,
              path: ['sources', name, 'subscriptions', i, 'signals', signal],
            })),
      )
  }
}

/** Sources that talk to one place; a device that takes a single connection would refuse one of them. */
export function sharedPlaces(sources: readonly NamedSource[], lineOf: (path: Path) => number): readonly Problem[] {
  const first = new Map<string, NamedSource>()
  return sources.flatMap((source): readonly Problem[] => {
    // A broker takes many clients.
    if (source.config.kind !== 'modbus') return []
    const { place, option } = placeOf(source.config)
    const before = first.get(place)
    if (!before) {
      first.set(place, source)
      return []
    }
    return [
      {
        path: ['sources', source.name, option],
        message: `source ${before.name} (line ${lineOf(['sources', before.name, option])}) uses ${place} already`,
        hint: `put its devices under ${before.name}: one source is one connection`,
      },
    ]
  })
}
