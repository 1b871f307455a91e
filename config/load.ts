import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { type BufferOptions, bufferSchema } from '../buffer/schema.ts'
import { makeClock } from '../core/clock.ts'
import type { Problem } from '../core/problem.ts'
import { type LoadedPool, loadPools } from './load-pools.ts'
import { knownSignals, type LoadedSource, loadSources } from './load-sources.ts'
import { type LocatedProblem, sortProblems } from './problem.ts'
import { type Prepared, prepare, readBytes, type Surroundings } from './read.ts'
import {
  type AuditConfig,
  auditSchema,
  type ClockConfig,
  type ControlConfig,
  clockSchema,
  configSchema,
  controlSchema,
  type GatewayConfig,
  gatewaySchema,
} from './schema.ts'
import { isRecord } from './schema-walk.ts'
import { checkSection } from './section.ts'
import { readYaml } from './yaml.ts'

/** A configuration as far as it is right. Without `gateway` or `buffer` nothing can run. */
export interface LoadedConfig {
  readonly file: string
  readonly gateway: GatewayConfig | undefined
  readonly buffer: BufferOptions | undefined
  /** the defaults where the section is wrong */
  readonly clock: ClockConfig
  /** the defaults where the section is wrong */
  readonly audit: AuditConfig
  readonly control: ControlConfig | undefined
  readonly sources: Readonly<Record<string, LoadedSource>>
  readonly pools: Readonly<Record<string, LoadedPool>>
  /** everything that is wrong, file by file, by line */
  readonly problems: readonly LocatedProblem[]
  /** what is right and may not mean what its author thinks, by line */
  readonly warnings: readonly LocatedProblem[]
}

/**
 * Reads a configuration with its secrets, policies and contracts. Opens files only, never the network. What is wrong
 * is in `problems`; parts that are right are there whatever the others are. Paths of folders become absolute.
 */
export function loadConfig(
  file: string,
  surroundings: Surroundings = { env: process.env, now: makeClock().now() },
): LoadedConfig {
  const nothing = (problems: readonly LocatedProblem[]): LoadedConfig => ({
    file,
    gateway: undefined,
    buffer: undefined,
    clock: clockSchema.parse(undefined),
    audit: auditSchema.parse(undefined),
    control: undefined,
    sources: {},
    pools: {},
    problems,
    warnings: [],
  })
  const opened = readBytes(file)
  if (!('bytes' in opened))
    return nothing([{ file, line: 1, column: 1, path: '', message: opened.message, hint: opened.hint, source: null }])
  const read = readYaml(opened.bytes, file)
  if (!read.document) return nothing(read.problems)
  const prepared = prepare(read.document, configSchema, surroundings.env)

  if (!isRecord(prepared.value)) return nothing(prepared.locate(noMapping(prepared)))
  const outline = unknownKeys(prepared)
  const version = checkSection(prepared, 'version', configSchema.shape.version)
  const gateway = checkSection(prepared, 'gateway', gatewaySchema)
  const buffer = checkSection(prepared, 'buffer', bufferSchema)
  const clock = checkSection(prepared, 'clock', clockSchema)
  const audit = checkSection(prepared, 'audit', auditSchema)
  const control = checkSection(prepared, 'control', controlSchema)
  const sources = loadSources(prepared)
  const pools = loadPools(prepared, knownSignals(sources.loaded), surroundings)

  const own = [outline, version, gateway, buffer, clock, audit, control, sources, pools].flatMap(
    (part) => part.problems,
  )
  const inFolder = (path: string): string => resolve(dirname(file), path)
  const socket = control.config?.socket
  const { checkpoints, every } = audit.config ?? auditSchema.parse(undefined)
  return {
    file,
    // Another version is another grammar: nothing that this one understands can be believed.
    gateway: version.config && gateway.config && { ...gateway.config, data_dir: inFolder(gateway.config.data_dir) },
    buffer: buffer.config,
    clock: clock.config ?? clockSchema.parse(undefined),
    audit: { every, checkpoints: checkpoints === undefined ? undefined : inFolder(checkpoints) },
    control: socket === undefined ? control.config : { socket: inFolder(socket) },
    sources: sources.loaded,
    pools: pools.loaded,
    problems: [...sortProblems([...read.problems, ...prepared.locate(own)]), ...sources.elsewhere, ...pools.elsewhere],
    warnings: sortProblems([...sources.warnings, ...pools.warnings]),
  }
}

function noMapping(prepared: Prepared): readonly Problem[] {
  if (prepared.value === null) return [{ path: [], message: 'the file is empty', hint: 'begin with `version: 1`' }]
  const checked = prepared.check(configSchema, prepared.value)
  return checked.ok ? [] : checked.problems
}

function unknownKeys(prepared: Prepared): { readonly problems: readonly Problem[] } {
  const known = Object.keys(configSchema.shape).map((key) => [key, z.unknown().optional()])
  const checked = prepared.check(z.strictObject(Object.fromEntries(known)), prepared.value)
  return { problems: checked.ok ? [] : checked.problems }
}
