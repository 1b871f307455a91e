import type { DroppedBatch, Tombstone } from '../core/batch.ts'
import { canonicalJson } from '../core/encoding.ts'
import { type SigningKey, sha256Of, signBatch } from './signature.ts'

/** What the pool is told of a batch that was dropped: the body of its tombstone, as RFC 8785 JSON, signed by the plant. */
export function makeTombstone(dropped: DroppedBatch, signing: SigningKey): Tombstone {
  const { id, pool, dataset, contributor, stream, epoch, seq, reason } = dropped
  const bytes = Buffer.from(canonicalJson({ v: 1, dataset, contributor, stream, epoch, seq, reason }))
  const sha256 = sha256Of(bytes)
  return { id, pool, bytes, sha256, key: signing.id, signature: signBatch(signing, pool, sha256, 'tombstone') }
}
