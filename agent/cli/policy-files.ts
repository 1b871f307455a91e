import { type LoadedConfig, loadConfig } from '../../config/load.ts'
import { type LoadedPolicy, loadPolicy, type PolicyResult } from '../../config/load-policy.ts'
import { knownSignals } from '../../config/load-sources.ts'
import { renderProblems } from '../../config/problem.ts'
import { readBytes } from '../../config/read.ts'
import { makeClock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { describePolicy, type PolicyFacts } from '../../privacy/facts.ts'
import type { SealablePolicy } from '../preview/recent-log.ts'
import { type CommonOptions, EXIT_USAGE } from './common.ts'

/** Options of the commands that look at policies. */
export interface PolicyOptions extends CommonOptions {
  readonly pool?: string
  /** a file to look at in the place of the configured one */
  readonly policy?: string
}

/** How a policy is read. `check`: as the agent would; `look`: without its key; `compare`: by what is written alone. */
type Reading = 'check' | 'look' | 'compare'

/** A policy that was read, for the pool that names it. */
export interface PolicyFile {
  readonly pool: string
  readonly file: string
  readonly result: PolicyResult
}

/**
 * The policies of all pools, or of the one that `--pool` names; `--policy` takes a draft in the place of a pool's own.
 * @throws Fault `usage` where there is no such pool, or a draft could be of several
 */
export function openPolicies(
  options: PolicyOptions,
  reading: Reading,
): { readonly loaded: LoadedConfig; readonly policies: readonly PolicyFile[] } {
  const loaded = loadConfig(options.config)
  const named = Object.entries(loaded.pools).filter(([pool]) => options.pool === undefined || pool === options.pool)
  if (named.length === 0 && Object.keys(loaded.pools).length === 0 && loaded.problems.length > 0) {
    console.error(renderProblems(loaded.problems))
    throw new Fault('config-invalid', { file: options.config }, 'the configuration names no pool that can be read')
  }
  if (options.pool !== undefined && named.length === 0)
    throw new Fault('usage', { pool: options.pool }, 'there is no such pool')
  if (options.policy !== undefined && named.length !== 1)
    throw new Fault('usage', {}, 'name the pool that the policy is for: --pool')
  const policies = named.map(([pool, { policy_file }]) => {
    const file = options.policy ?? policy_file
    if (file === undefined) throw new Fault('policy-missing', { pool }, 'the configuration names no policy')
    return { pool, file, result: readPolicy(loaded, pool, file, reading) }
  })
  return { loaded, policies }
}

/** Reads a policy for a pool. @throws Fault `config-unreadable` */
export function readPolicy(loaded: LoadedConfig, pool: string, file: string, reading: Reading): PolicyResult {
  const read = readBytes(file)
  if (!('bytes' in read)) throw new Fault('config-unreadable', { pool, file }, read.message)
  const known = knownSignals(loaded.sources)
  const compare = reading === 'compare'
  const noised = loaded.pools[pool]?.noised_elsewhere
  return loadPolicy(read.bytes, file, {
    pool,
    // An older policy may have expired, and may name signals that are gone.
    known: compare ? (id) => known(id) ?? { sources: [] } : known,
    surroundings: { env: process.env, now: compare ? 0 : makeClock().now() },
    ...(!compare && noised && { noised }),
    keyless: reading !== 'check',
  })
}

/** What is needed of a policy to seal by it. */
export function sealableOf(
  pool: string,
  { plan, document, contract, contract_sha256 }: LoadedPolicy,
  { clock }: LoadedConfig,
): SealablePolicy {
  return { pool, plan, document, contract: { id: contract.pool, sha256: contract_sha256 }, max_skew: clock.max_skew }
}

/** A policy without problems in figures; where there are any they are printed, and the command has failed. */
export function factsOf({
  result,
}: Pick<PolicyFile, 'result'>): (LoadedPolicy & { readonly facts: PolicyFacts }) | undefined {
  if (result.kind === 'ok') return { ...result.loaded, facts: describePolicy(result.loaded) }
  console.error(renderProblems(result.problems))
  process.exitCode = EXIT_USAGE
  return undefined
}
