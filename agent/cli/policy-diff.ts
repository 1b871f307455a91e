import { Fault } from '../../core/fault.ts'
import { type Change, comparePolicies } from '../../privacy/diff.ts'
import { EXIT_FAILED, printJson, table } from './common.ts'
import { factsOf, openPolicies, type PolicyOptions, readPolicy } from './policy-files.ts'

/**
 * `sluice policy diff OTHER`: what OTHER would change about the policy that is in place, or with `--old` what the policy
 * in place has changed about OTHER. Exit 1 unless all that differs is tighter.
 */
export function diffPolicy(other: string, options: PolicyOptions & { readonly old?: boolean }): void {
  const { loaded, policies } = openPolicies(options, 'compare')
  const [own] = policies
  if (!own || policies.length > 1) throw new Fault('usage', {}, 'name the pool that the policy is for: --pool')
  const there = factsOf(own)
  const compared = factsOf({ result: readPolicy(loaded, own.pool, other, 'compare') })
  if (!there || !compared) return
  const [before, after] = options.old ? [compared, there] : [there, compared]
  const changes = comparePolicies(before.facts, after.facts)
  if (changes.some(({ kind }) => kind !== 'tighter')) process.exitCode = EXIT_FAILED
  const [from, to] = options.old ? [other, own.file] : [own.file, other]
  if (options.json) return printJson({ from, to, changes })
  console.log(`from ${from}\nto   ${to}`)
  console.log(changes.length === 0 ? 'no difference in what leaves' : renderChanges(changes))
}

/** One line a change. */
export function renderChanges(changes: readonly Change[]): string {
  return table(
    changes.map(({ kind, where, what, before, after }) => [
      kind.toUpperCase(),
      where,
      what,
      before === null ? `now ${after}` : after === null ? `no more ${before}` : `${before} → ${after}`,
    ]),
  )
}
