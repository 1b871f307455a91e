import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LoadedConfig } from '../config/load.ts'
import type { SignalSpec } from '../core/signal.ts'
import { writeKey } from '../test/support/key-file.ts'
import { kindOf, type PlantReadings } from './plant-readings.ts'

/** The pool's name, and that of its dataset: the means of all but the switched signals. */
export const POOL = 'bench'
export const DATASET = 'stream'

/** The files of an agent whose one source has the signals of `makePlantReadings`. */
export interface PlantFiles {
  readonly assets: number
  /** signals of each */
  readonly names: number
  /** how often each is read, as the configuration writes it */
  readonly period: string
  /** of the dataset's slots and batches, likewise */
  readonly grid: string
  readonly cadence: string
  readonly size_class: string
  /** YAML, flow style: options of the buffer, and of the pool besides `policy` and `signing_key` */
  readonly buffer: string
  readonly pool: string
}

/** Writes them with fresh keys (`signing.key`, `plant.key`), `policy.yaml` and `contract.yaml`. @returns the configuration's path */
export function writePlantFiles(folder: string, plant: PlantFiles): string {
  const path = (name: string): string => join(folder, name)
  for (const name of ['plant.key', 'signing.key']) writeKey(path(name))
  const numbers = Array.from({ length: plant.names }, (_, i) => i)
  const shared = numbers.filter((i) => kindOf(i) !== 'switched')
  const assets = Array.from({ length: plant.assets }, (_, i) => `asset-${i}`)
  const contract = `version: 1
pool: ${POOL}
epochs: [2026-01-01]
asset_classes: [press]
datasets:
  ${DATASET}:
    kind: stream
    grid: ${plant.grid}
    cadence: ${plant.cadence}
    size_class: ${plant.size_class}
    columns:
${shared.map((i) => `      c${i}: { meaning: a signal, unit: "1", stat: mean, range: [-1000, 1000], step: 0.1 }`).join('\n')}
`
  writeFileSync(path('contract.yaml'), contract)
  const sha256 = createHash('sha256').update(contract).digest('hex')
  writeFileSync(
    path('policy.yaml'),
    `version: 1
pool: ${POOL}
contract: { file: contract.yaml, sha256: "${sha256}" }
expires: 2040-12-31
plant_key: { file: plant.key }
assets: { ${assets.map((asset) => `${asset}: { class: press }`).join(', ')} }
datasets:
  ${DATASET}:
${shared.map((i) => `    c${i}: { from: "{asset}/signal-${i}", range: [-1000, 1000], step: 20 }`).join('\n')}
`,
  )
  const type = (i: number): string => ({ switched: 'bool', counter: 'uint32' })[kindOf(i) as string] ?? 'float32'
  const signals = numbers.map((i) => `signal-${i}: { holding: ${i * 2}, type: ${type(i)} }`)
  writeFileSync(
    path('sluice.yaml'),
    `version: 1
gateway: { name: bench, data_dir: data }
sources:
  plc:
    kind: modbus
    host: 127.0.0.1
    port: 9
    devices:
${assets.map((asset, i) => `      ${asset}: { unit_id: ${i + 1}, period: ${plant.period}, signals: { ${signals.join(', ')} } }`).join('\n')}
buffer: { ${plant.buffer} }
pools:
  ${POOL}: { ${plant.pool}, policy: policy.yaml, signing_key: { file: signing.key } }
`,
  )
  return path('sluice.yaml')
}

/** The plant's signals in its own order, as the configuration has them. */
export function configuredSignals(loaded: LoadedConfig, plant: PlantReadings): readonly SignalSpec[] {
  const specs = Object.values(loaded.sources).flatMap((source) => (source.kind === 'ok' ? source.plan.signals : []))
  const byId = new Map(specs.map((spec) => [spec.id, spec]))
  return plant.signals.map(({ id }) => byId.get(id)!)
}
