import { expect, it } from 'vitest'
import { canonicalJson } from '../core/encoding.ts'
import { CONTRIBUTOR, newKey, POOL, STREAM } from '../test/support/sealing.ts'
import { sha256Of, signClaims } from './signature.ts'
import { makeWithdrawal, withdrawalOutcome } from './withdrawal.ts'

const pool = newKey()
const datasets = [{ dataset: 'press-stream', first: 3, last: 5 }]
const withdrawal = makeWithdrawal(POOL, { stream: STREAM, epoch: 0, contributor: CONTRIBUTOR, datasets }, newKey())
const ids = [...withdrawal.ids()].sort()

/** What comes of a signed receipt for these batches. */
function outcomeOf(batches: readonly string[]) {
  const claims = {
    v: 1,
    pool: POOL,
    stream: STREAM,
    batches: batches.length,
    sha256: sha256Of(canonicalJson(batches)),
    withdrawn: new Date(0).toISOString(),
  }
  const body = JSON.stringify(signClaims(pool, 'withdrawal-receipt', claims))
  return withdrawalOutcome({ status: 200, contentType: undefined, retryAfter: undefined, body }, withdrawal, pool.id)
}

it.each([
  ['of all that was sealed', ids],
  ['of fewer, since some never arrived', ids.slice(1)],
  ['of more, which a data folder put back from before knows nothing of', [...ids, 'Z'.repeat(26)]],
])('takes a receipt %s', (_, batches) => {
  expect(outcomeOf(batches)).toMatchObject({ kind: 'withdrawn', receipt: { kind: 'signed', batches: batches.length } })
})

it('does not take a receipt of as many other batches', () => {
  expect(outcomeOf([...ids.slice(1), 'Z'.repeat(26)])).toMatchObject({
    kind: 'failed',
    fault: { code: 'pool-receipt' },
  })
})
