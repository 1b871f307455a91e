import { dirname, resolve } from 'node:path'
import { Fault, type FaultCode } from '../core/fault.ts'
import type { Problem } from '../core/problem.ts'
import type { KnownSignal } from '../privacy/compile.ts'
import { type Noised, noisedBy } from '../privacy/noised-elsewhere.ts'
import { capacityADay, demandADay } from '../uplink/plan.ts'
import { type PoolConfig, poolSchema } from '../uplink/schema.ts'
import { type LoadedPolicy, loadPolicy, type PolicyResult } from './load-policy.ts'
import type { LocatedProblem } from './problem.ts'
import { type Prepared, readBytes, type Surroundings } from './read.ts'
import { valueAt } from './schema-walk.ts'
import { beside, fileOf } from './secrets.ts'
import { checkEntries, type Entry } from './section.ts'

/** A pool that may not disclose, and why. */
export interface ShutGate {
  readonly kind: 'shut'
  readonly fault: Fault
}

/** Whether a pool may disclose. */
export type LoadedGate = ({ readonly kind: 'open' } & LoadedPolicy) | ShutGate

/** A pool; `config` is undefined where its part of the file is wrong, and the gate is shut then. */
export type LoadedPool = {
  /** path of its policy; undefined where none is written */
  readonly policy_file: string | undefined
  /** what the other pools publish with noise */
  readonly noised_elsewhere: Noised
} & (
  | {
      readonly config: PoolConfig
      readonly gate: LoadedGate
      /** files that its certificates were read from */
      readonly tls_files: Readonly<Partial<Record<'ca' | 'cert' | 'key', string>>>
      /** file that the signing key was read from */
      readonly signing_file: string | undefined
    }
  | { readonly config: undefined; readonly gate: ShutGate }
)

/** Checks each pool with its policy and contract, and against what others have noised. `elsewhere`: problems in those files. */
export function loadPools(
  prepared: Prepared,
  known: KnownSignal,
  surroundings: Surroundings,
): {
  readonly loaded: Readonly<Record<string, LoadedPool>>
  readonly problems: readonly Problem[]
  readonly elsewhere: readonly LocatedProblem[]
  readonly warnings: readonly LocatedProblem[]
} {
  const { entries, problems } = checkEntries(prepared, 'pools', poolSchema)
  const found: Problem[] = [...problems]
  const elsewhere: LocatedProblem[] = []
  const warnings: Problem[] = []
  const alone = entries.map((entry) => loadNamedPolicy(prepared, entry, known, surroundings))
  const noised = alone.map(({ result }) => (result?.kind === 'ok' ? [...noisedBy(result.loaded.plan)] : []))
  const loaded = entries.map((entry, i): readonly [string, LoadedPool] => {
    const { config } = entry
    const noised_elsewhere: Noised = new Map(noised.toSpliced(i, 1).flat())
    const policy =
      noised_elsewhere.size > 0 ? loadNamedPolicy(prepared, entry, known, surroundings, noised_elsewhere) : alone[i]!
    found.push(...entry.problems, ...(policy.problem ? [policy.problem] : []))
    if (policy.result?.kind === 'bad') elsewhere.push(...policy.result.problems)

    const shut = (code: FaultCode, first: LocatedProblem | undefined): ShutGate => ({
      kind: 'shut',
      fault: new Fault(code, { pool: entry.name }, first ? inOneLine(first) : 'not usable'),
    })
    const policy_file = policy.file
    if (!config) {
      const gate = shut(codeOf(prepared, entry), prepared.locate(entry.problems)[0])
      return [entry.name, { policy_file, noised_elsewhere, config, gate }]
    }
    const gate = !policy.result
      ? shut('policy-missing', policy.problem && prepared.locate([policy.problem])[0])
      : policy.result.kind === 'bad'
        ? shut(policy.result.code, policy.result.problems[0])
        : { kind: 'open' as const, ...policy.result.loaded }
    if (gate.kind === 'open') warnings.push(...tooNarrow(entry, config, gate))
    return [
      entry.name,
      {
        policy_file,
        noised_elsewhere,
        config: withFolder(config, dirname(prepared.document.file)),
        gate,
        tls_files: tlsFiles(prepared, entry),
        signing_file: secretFile(prepared, entry, 'signing_key'),
      },
    ]
  })
  return { loaded: Object.fromEntries(loaded), problems: found, elsewhere, warnings: prepared.locate(warnings) }
}

/** Limits of a pool that let less through than its datasets come to: its backlog would grow for ever. */
function tooNarrow(
  { path }: Entry<PoolConfig>,
  config: PoolConfig,
  { plan, contract }: LoadedPolicy,
): readonly Problem[] {
  const capacity = capacityADay(config)
  const demand = demandADay(plan.datasets.map(({ name }) => contract.datasets[name]!))
  if (!capacity || demand <= capacity.bytes) return []
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
  const message = `${mb(capacity.bytes)} a day is less than the ${mb(demand)} that the datasets come to`
  return [
    { path: [...path, capacity.limit], message, hint: 'raise it, or what waits is given up at the limits of `buffer`' },
  ]
}

/** The policy is read even where other parts of the pool are wrong, so that all problems are told at once. */
function loadNamedPolicy(
  prepared: Prepared,
  { name: pool, path }: Entry<PoolConfig>,
  known: KnownSignal,
  surroundings: Surroundings,
  noised?: Noised,
): { readonly file?: string; readonly result?: PolicyResult; readonly problem?: Problem } {
  const named = valueAt(prepared.value, [...path, 'policy'])
  if (typeof named !== 'string' || named === '') return {}
  const file = beside(prepared.document.file, named)
  const read = readBytes(file)
  if (!('bytes' in read)) return { file, problem: { path: [...path, 'policy'], ...read } }
  return { file, result: loadPolicy(read.bytes, file, { pool, known, surroundings, ...(noised && { noised }) }) }
}

function secretFile({ document }: Prepared, { path }: Entry<PoolConfig>, ...at: readonly string[]): string | undefined {
  return fileOf(valueAt(document.value, [...path, ...at]), document.file)
}

function tlsFiles(prepared: Prepared, entry: Entry<PoolConfig>): Readonly<Record<string, string>> {
  const files = ['ca', 'cert', 'key'].flatMap((what) => {
    const file = secretFile(prepared, entry, 'tls', what)
    return file === undefined ? [] : [[what, file] as const]
  })
  return Object.fromEntries(files)
}

function codeOf(prepared: Prepared, { path }: Entry<PoolConfig>): FaultCode {
  const key = prepared.secretProblems.find((p) => path.every((step, i) => p.path[i] === step))
  return key ? (key.absent ? 'key-missing' : 'key-invalid') : 'policy-invalid'
}

function inOneLine({ file, line, column, message }: LocatedProblem): string {
  return `${file}:${line}:${column}: ${message}`
}

function withFolder(config: PoolConfig, folder: string): PoolConfig {
  return config.dir === undefined ? config : { ...config, dir: resolve(folder, config.dir) }
}
