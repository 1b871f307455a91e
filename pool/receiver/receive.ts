import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import type { Log } from '../../core/log.ts'
import { batchIdOf, type Manifest } from '../../uplink/manifest.ts'
import type { ProblemName } from '../../uplink/problem.ts'
import {
  type Purpose,
  parseBatchSignature,
  parseContentDigest,
  type SigningKey,
  sha256Of,
  signReceipt,
  verifyBatch,
} from '../../uplink/signature.ts'
import type { BatchIndex, IndexedBatch } from './batch-index.ts'
import { checkFile } from './check-file.ts'
import type { PoolSetup } from './config.ts'
import type { Lake } from './lake.ts'
import { problemReply, type Reply } from './reply.ts'

/** What requests about batches work on. */
export interface ReceiverParts {
  readonly index: BatchIndex
  readonly lake: Lake
  readonly receiptKey: SigningKey
  readonly log: Log
}

/** A request about one batch, its body whole. */
export interface BatchRequest {
  readonly pool: PoolSetup
  readonly id: string
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** Whose request it is, or the problem with it. */
type Sender =
  | { readonly account: string; readonly key: string; readonly signature: string; readonly sha256: string }
  | { readonly reply: Reply }

/** `PUT …/batches/{id}`: checks in POOL.md's order, stores, then answers with a signed receipt. */
export async function receiveBatch(request: BatchRequest, parts: ReceiverParts): Promise<Reply> {
  const { pool, id, body } = request
  const { index, lake, log } = parts
  const sender = senderOf(request, 'batch')
  if ('reply' in sender) return sender.reply
  const reject = (problem: ProblemName, detail: string, manifest?: Manifest): Reply => {
    const { contributor = '', stream = '' } = manifest ?? {}
    index.reject({ pool: pool.id, account: sender.account, contributor, stream, problem })
    log.warn({ pool: pool.id, batch: id, account: sender.account, problem }, detail)
    return problemReply(problem, detail)
  }
  const again = (there: IndexedBatch): Reply =>
    there.account !== sender.account
      ? problemReply('identity', 'the batch is from another contributor')
      : there.sha256 === sender.sha256
        ? receiptReply(200, there.receipt)
        : reject('digest-mismatch', 'the id is stored with other bytes')

  const isGone = (stream: string): boolean => index.withdrawal(pool.id, stream, sender.account) !== undefined
  const gone = (): Reply => problemReply('withdrawn', 'the stream was withdrawn by its contributor')
  const known = index.find(pool.id, id)
  if (known && isGone(known.stream)) return gone()
  if (known && known.state !== 'incoming') return again(known)
  if (!pool.open) return problemReply('pool-closed', 'the pool takes no more batches')
  const file = await checkFile(body, { document: pool.contract, sha256: pool.contract_sha256 })
  if (file.refusal) return reject(file.refusal.problem, file.refusal.detail, file.manifest)
  const { manifest } = file
  if (manifest.batch_id !== id || batchIdOf(manifest) !== id)
    return reject('schema-unknown', 'the id is not that of the manifest', manifest)
  if (!index.bind(pool.id, manifest.epoch, manifest.contributor, sender.account))
    return problemReply('identity', 'the contributor in the manifest is another account')

  const { dataset, contributor, stream, epoch, seq, rows } = manifest
  if (isGone(stream)) return gone()
  const { sha256, account, key, signature } = sender
  const received = new Date().toISOString()
  const receipt = signReceipt(parts.receiptKey, { v: 1, pool: pool.id, contributor, batch_id: id, sha256, received })
  const batch: IndexedBatch = {
    ...{ pool: pool.id, id, dataset, contributor, account, key, signature, stream, epoch, seq, rows, sha256 },
    from_ms: file.from,
    until_ms: file.until,
    path: `${pool.id}/${dataset}/${new Date(file.from).toISOString().slice(0, 10)}/${id}.parquet`,
    receipt: JSON.stringify(receipt),
  }
  const storing = lake.store(batch, body)
  if (storing !== 'stored') return again(index.find(pool.id, id)!)
  log.info({ pool: pool.id, batch: id, dataset, rows }, 'stored')
  return receiptReply(201, batch.receipt)
}

/** `GET …/batches/{id}`: the receipt. */
export function giveReceipt({ pool, id }: Pick<BatchRequest, 'pool' | 'id'>, { index }: ReceiverParts): Reply {
  const there = index.find(pool.id, id)
  if (!there || there.state === 'incoming') return problemReply('not-found', 'there is no such batch')
  return receiptReply(200, there.receipt)
}

const tombstoneSchema = z.strictObject({
  v: z.literal(1),
  dataset: z.string(),
  contributor: z.string().regex(/^[0-9A-V]{26}$/),
  stream: z.string().regex(/^[0-9A-V]{13}$/),
  epoch: z.number().int().nonnegative(),
  seq: z.number().int().nonnegative(),
  /** why the plant dropped it, a word of its ledger */
  reason: z.string().regex(/^[a-z_]{1,32}$/),
})

/** `PUT …/batches/{id}/tombstone`: the plant dropped this batch, the pool is not to wait for it. */
export function bury(request: BatchRequest, { index }: ReceiverParts): Reply {
  const { pool, id } = request
  const sender = senderOf(request, 'tombstone')
  if ('reply' in sender) return sender.reply
  const parsed = tombstoneSchema.safeParse(parseJson(request.body))
  if (!parsed.success) return problemReply('request-malformed', 'the body is not a tombstone')
  const { v: _, ...tombstone } = parsed.data
  const dataset = Object.hasOwn(pool.contract.datasets, tombstone.dataset)
  if (!dataset || batchIdOf({ pool: pool.id, ...tombstone }) !== id)
    return problemReply('request-malformed', 'the id is not that of the tombstone')
  if (!index.bind(pool.id, tombstone.epoch, tombstone.contributor, sender.account))
    return problemReply('identity', 'the contributor in the tombstone is another account')
  index.bury({ pool: pool.id, id, ...tombstone })
  return { status: 204, body: '' }
}

function senderOf({ pool, headers, body }: BatchRequest, purpose: Purpose): Sender {
  const digest = parseContentDigest(headerOf(headers, 'content-digest'))
  if (!digest) return { reply: problemReply('request-malformed', 'Content-Digest with sha-256 is missing') }
  const sha256 = sha256Of(body)
  if (digest !== sha256) return { reply: problemReply('body-corrupt', 'the body does not match its Content-Digest') }
  const signed = parseBatchSignature(headerOf(headers, 'batch-signature'))
  const account = signed && pool.accounts.get(signed.key)
  if (!account) return { reply: problemReply('identity', 'the key is not that of a registered contributor') }
  if (!verifyBatch({ ...signed, pool: pool.id, sha256, purpose }))
    return { reply: problemReply('identity', 'the signature does not verify') }
  return { account, ...signed, sha256 }
}

/** A header that came once, else undefined. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? undefined : value
}

function receiptReply(status: 200 | 201, receipt: string): Reply {
  return { status, contentType: 'application/json', body: receipt }
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}
