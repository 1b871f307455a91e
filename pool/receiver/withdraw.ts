import { canonicalJson } from '../../core/encoding.ts'
import {
  parseBatchSignature,
  sha256Of,
  signClaims,
  verifyBatch,
  type WithdrawalReceipt,
} from '../../uplink/signature.ts'
import type { PoolSetup } from './config.ts'
import { type BatchRequest, headerOf, type ReceiverParts } from './receive.ts'
import { jsonReply, problemReply, type Reply } from './reply.ts'

/** A request about one batch, or one stream, that a contributor takes back. */
type Withdrawal = Pick<BatchRequest, 'pool' | 'id' | 'headers'>

/** Whose withdrawal it is: the account of the key that signed the id; undefined where none is registered. */
function accountOf({ pool, id, headers }: Withdrawal): string | undefined {
  const signed = parseBatchSignature(headerOf(headers, 'batch-signature'))
  const account = signed && pool.accounts.get(signed.key)
  const isSigned = signed && verifyBatch({ ...signed, pool: pool.id, sha256: sha256Of(id), purpose: 'withdrawal' })
  return isSigned ? account : undefined
}

const unsigned = (): Reply => problemReply('identity', 'the withdrawal is not signed by a registered contributor')

/** `DELETE …/batches/{id}`: its contributor takes it back. The receipt stays, the rows go. */
export function withdrawBatch(request: Withdrawal, { index, lake, log }: ReceiverParts): Reply {
  const { pool, id } = request
  const account = accountOf(request)
  if (account === undefined) return unsigned()
  const there = index.find(pool.id, id)
  if (!there || there.state === 'incoming') return problemReply('not-found', 'there is no such batch')
  if (there.account !== account) return problemReply('identity', 'the batch is from another contributor')
  if (there.state === 'stored') lake.withdraw(there)
  log.info({ pool: pool.id, batch: id }, 'withdrawn')
  return { status: 204, body: '' }
}

/**
 * `DELETE …/streams/{stream}`: its contributor takes back all that came in it, and nothing of it is taken any more. Answered
 * with a signed receipt, the same each time. A crash in between is finished by the next request.
 */
export function withdrawStream(request: Withdrawal, { index, lake, log, receiptKey }: ReceiverParts): Reply {
  const { pool, id: stream } = request
  const account = accountOf(request)
  if (account === undefined) return unsigned()
  const known = index.withdrawal(pool.id, stream, account)
  if (known?.receipt) return receiptReply(known.receipt)
  if (index.isOfOthers(pool.id, stream, account))
    return problemReply('identity', 'the stream is from another contributor')
  index.orderWithdrawal(pool.id, stream, account)
  const batches = index.ofStream(pool.id, stream, account)
  for (const batch of batches) if (batch.state === 'stored') lake.withdraw(batch)
  const claims: Omit<WithdrawalReceipt, 'kid' | 'sig'> = {
    v: 1,
    pool: pool.id,
    stream,
    batches: batches.length,
    sha256: sha256Of(canonicalJson(batches.map(({ id }) => id).sort())),
    withdrawn: new Date().toISOString(),
  }
  const receipt = JSON.stringify(signClaims(receiptKey, 'withdrawal-receipt', claims))
  index.completeWithdrawal(pool.id, stream, account, receipt)
  log.info({ pool: pool.id, stream, batches: batches.length }, 'withdrawn')
  return receiptReply(receipt)
}

/** `GET …/streams/{stream}`: the receipt of its withdrawal. */
export function giveWithdrawal(
  { pool, id }: { readonly pool: PoolSetup; readonly id: string },
  { index }: ReceiverParts,
): Reply {
  const found = index.withdrawals(pool.id).find(({ stream }) => stream === id)
  return found ? receiptReply(found.receipt) : problemReply('not-found', 'no such stream was withdrawn')
}

const receiptReply = (receipt: string): Reply => jsonReply(200, JSON.parse(receipt))
