import type { BatchId, StreamWithdrawal, WithdrawalOutcome } from '../core/batch.ts'
import { canonicalJson } from '../core/encoding.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import { batchIdOf } from './manifest.ts'
import { type SigningKey, sha256Of, signBatch, verifyClaims, withdrawalReceiptSchema } from './signature.ts'
import type { Answer } from './verdict.ts'

/** A stream that batches were sealed in, with the numbers of the first and last of each dataset. */
interface Sealed {
  readonly stream: string
  readonly epoch: number
  readonly contributor: string
  readonly datasets: readonly { readonly dataset: string; readonly first: number; readonly last: number }[]
}

/** What the pool is told of a stream that its plant takes back, signed by the plant. */
export function makeWithdrawal(pool: string, sealed: Sealed, signing: SigningKey): StreamWithdrawal {
  const { stream, epoch, contributor, datasets } = sealed
  const bytes = Buffer.from(canonicalJson({ v: 1, stream }))
  function* ids(): Generator<BatchId> {
    for (const { dataset, first, last } of datasets)
      for (let seq = first; seq <= last; seq++) yield batchIdOf({ pool, dataset, contributor, stream, epoch, seq })
  }
  const signature = signBatch(signing, pool, sha256Of(stream), 'withdrawal')
  return { pool, stream, bytes, sha256: sha256Of(bytes), key: signing.id, signature, ids }
}

/** What a pool's answer means for a withdrawal. Pure. @param receiptKey pinned */
export function withdrawalOutcome(
  { status, body }: Answer,
  { pool, stream, ids }: StreamWithdrawal,
  receiptKey: string,
): WithdrawalOutcome {
  const failed = (code: FaultCode, message: string): WithdrawalOutcome => ({
    kind: 'failed',
    fault: new Fault(code, { pool }, `stream ${stream} is not withdrawn: ${message}`),
  })
  if (status === 200) {
    const parsed = withdrawalReceiptSchema.safeParse(parseJson(body))
    if (!parsed.success) return failed('pool-receipt', 'the pool answered without a receipt')
    const receipt = parsed.data
    if (receipt.pool !== pool || receipt.stream !== stream)
      return failed('pool-receipt', 'the receipt is for another stream')
    if (!verifyClaims('withdrawal-receipt', receipt, receiptKey))
      return failed('pool-receipt', 'the receipt is not signed by the pinned key')
    // Some may never have arrived, and a data folder put back from before knows fewer than there were: only as many can be compared.
    const known = [...ids()].sort()
    if (receipt.batches === known.length && receipt.sha256 !== sha256Of(canonicalJson(known)))
      return failed('pool-receipt', 'the receipt is for other batches than were sealed in it')
    return { kind: 'withdrawn', receipt: { kind: 'signed', ...receipt } }
  }
  if (status === 401 || status === 403)
    return failed('pool-identity', `the pool, or something before it, answered ${status}`)
  const isTransient = status === 408 || status === 425 || status === 429 || status >= 500
  return failed(isTransient ? 'pool-unavailable' : 'pool-unexpected', `the pool answered ${status}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
