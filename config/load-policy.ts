import { createHash } from 'node:crypto'
import { type Contract, contractSchema } from '../core/contract.ts'
import type { FaultCode } from '../core/fault.ts'
import type { Problem } from '../core/problem.ts'
import { compilePolicy, type DisclosurePlan, isExpired, type KnownSignal } from '../privacy/compile.ts'
import { type Noised, noisedElsewhere } from '../privacy/noised-elsewhere.ts'
import { type Policy, policySchema } from '../privacy/schema.ts'
import type { LocatedProblem } from './problem.ts'
import { prepare, readBytes, type Surroundings } from './read.ts'
import { valueAt, withoutPaths, withValueAt } from './schema-walk.ts'
import { beside } from './secrets.ts'
import { readYaml } from './yaml.ts'

/** What a policy and its contract say, ready for the disclosure step. */
export interface LoadedPolicy {
  readonly policy: Policy
  /** the policy as written, without its secrets; its salted hash goes into every manifest */
  readonly document: unknown
  readonly contract: Contract
  /** SHA-256 of the contract file's bytes, hex */
  readonly contract_sha256: string
  readonly plan: DisclosurePlan
}

/** A policy that can be used, or why not. `problems` lie in the policy and the contract. */
export type PolicyResult =
  | { readonly kind: 'ok'; readonly loaded: LoadedPolicy }
  | { readonly kind: 'bad'; readonly code: FaultCode; readonly problems: readonly LocatedProblem[] }

/**
 * Reads the policy of a pool and the contract that it names, and compiles them.
 * @param file path of the policy; paths in it are relative to it
 * @param context.noised what other pools publish with noise: a signal that is noised anywhere is nowhere published without
 * @param context.keyless for those who only look: the plant key need not be there, and stands for none where it is not
 */
export function loadPolicy(
  bytes: Uint8Array,
  file: string,
  context: {
    readonly pool: string
    readonly known: KnownSignal
    readonly surroundings: Surroundings
    readonly noised?: Noised
    readonly keyless?: boolean
  },
): PolicyResult {
  const read = readYaml(bytes, file)
  if (!read.document) return { kind: 'bad', code: 'policy-invalid', problems: read.problems }
  const prepared = prepare(read.document, policySchema, context.surroundings.env)
  // A key that is missing hides nothing else that is wrong.
  const value = prepared.secretProblems.reduce((all, { secret }) => withValueAt(all, secret, NO_KEY), prepared.value)
  const checked = prepared.check(policySchema, value)
  const secretProblems = context.keyless ? [] : prepared.secretProblems
  // The contract is read even where the rest of the policy is wrong, so that all problems are told at once.
  const contract = namedContract(prepared.value, file)
  const own: readonly Problem[] = [
    ...secretProblems,
    ...(checked.ok ? [] : checked.problems),
    ...(contract.problem ? [contract.problem] : []),
  ]
  const ready =
    checked.ok && contract.loaded?.contract ? { policy: checked.data, contract: contract.loaded.contract } : undefined
  const contract_sha256 = contract.loaded?.sha256 ?? ''
  const compiled = ready && compilePolicy({ ...ready, contract_sha256, pool: context.pool, known: context.known })
  const expired = compiled?.plan && isExpired(compiled.plan, context.surroundings.now) ? [EXPIRED] : []
  const bare = compiled?.plan && context.noised ? noisedElsewhere(compiled.plan, context.noised) : []
  const problems = [
    ...read.problems,
    ...prepared.locate([...own, ...(compiled?.problems ?? []), ...bare, ...expired]),
    ...(contract.loaded?.problems ?? []),
  ]
  if (!ready || !compiled?.plan || problems.length > 0) {
    const [key] = secretProblems
    const ofKey = key && (key.absent ? 'key-missing' : 'key-invalid')
    return { kind: 'bad', code: ofKey ?? (expired.length > 0 ? 'policy-expired' : 'policy-invalid'), problems }
  }
  const document = withoutPaths(read.document.value, prepared.secrets)
  return { kind: 'ok', loaded: { ...ready, document, contract_sha256, plan: compiled.plan } }
}

/** Stands for a key that cannot be had; nothing is ever sealed with it. */
const NO_KEY = Buffer.alloc(32).toString('base64')

const EXPIRED: Problem = {
  path: ['expires'],
  message: 'the policy has expired: nothing is sealed',
  hint: 'have the data steward renew it; readings wait until then',
}

/** The contract that a policy names, with the problem that belongs into the policy. */
function namedContract(
  policy: unknown,
  policyFile: string,
): { readonly loaded?: LoadedContract; readonly problem?: Problem } {
  const named = valueAt(policy, ['contract', 'file'])
  if (typeof named !== 'string' || named === '') return {}
  const file = beside(policyFile, named)
  const read = readBytes(file)
  if (!('bytes' in read)) return { problem: { path: ['contract', 'file'], ...read } }
  const loaded = loadContract(read.bytes, file)
  const pinned = valueAt(policy, ['contract', 'sha256'])
  if (typeof pinned !== 'string' || pinned.toLowerCase() === loaded.sha256) return { loaded }
  return {
    loaded,
    problem: {
      path: ['contract', 'sha256'],
      message: `${file} has another hash: ${loaded.sha256}`,
      hint: 'compare it with the hash the pool published, and only then write it here',
    },
  }
}

/** A contract file as far as it is right. */
export interface LoadedContract {
  readonly contract: Contract | undefined
  /** of the file's bytes, hex */
  readonly sha256: string
  readonly problems: readonly LocatedProblem[]
}

/** Reads a contract. Contracts are published by the pool and hold no secrets. */
export function loadContract(bytes: Uint8Array, file: string): LoadedContract {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const read = readYaml(bytes, file)
  if (!read.document) return { contract: undefined, sha256, problems: read.problems }
  const prepared = prepare(read.document, contractSchema, {})
  const checked = prepared.check(contractSchema, prepared.value)
  const problems = [...read.problems, ...(checked.ok ? [] : prepared.locate(checked.problems))]
  return { contract: checked.ok && problems.length === 0 ? checked.data : undefined, sha256, problems }
}
