import { createHash } from 'node:crypto'
import type { Receipt } from './batch.ts'
import { canonicalJson } from './encoding.ts'

/** A batch as the transparency log names it. */
interface OfBatch {
  readonly pool: string
  readonly batch: string
  /** of the sealed file, hex */
  readonly sha256: string
}

/** What a receipt says; of a file without its path, which is the plant's own. */
export type LoggedReceipt = Extract<Receipt, { kind: 'signed' }> | Omit<Extract<Receipt, { kind: 'file' }>, 'path'>

/**
 * What the transparency log has a leaf for (docs/audit.md). Never a reading's value, and no name that the pool does not know
 * too: an export of the log may leave the plant. Times are RFC 3339 in UTC, hashes hex.
 */
export type AuditEvent =
  | (OfBatch & {
      readonly kind: 'sealed'
      readonly dataset: string
      readonly contributor: string
      readonly stream: string
      readonly epoch: number
      readonly seq: number
      readonly rows: number
      /** first slot and end of the last one */
      readonly from: string
      readonly until: string
      /** public half of the signing key */
      readonly key: string
      /** salted hash of the policy, as in the manifest */
      readonly policy?: string
      /** hash of the contract file */
      readonly contract?: string
    })
  | (OfBatch & { readonly kind: 'delivered'; readonly receipt: LoggedReceipt })
  | (OfBatch & { readonly kind: 'refused'; readonly code: string; readonly message: string })
  | (OfBatch & { readonly kind: 'requeued' })
  | (OfBatch & { readonly kind: 'dropped'; readonly reason: string })
  | {
      readonly kind: 'gate_opened'
      readonly pool: string
      readonly profile: string
      readonly expires: string
      /** salted hashes of the policy, by epoch */
      readonly policy: readonly string[]
      readonly contract: string
      /** columns that are finer than the profile allows, `dataset/column` */
      readonly accepted_risks: readonly string[]
    }
  | { readonly kind: 'gate_shut'; readonly pool: string; readonly code: string }
  | {
      readonly kind: 'budget_exhausted'
      readonly pool: string
      readonly dataset: string
      /** columns of the contract that are null for it */
      readonly columns: readonly string[]
      readonly from: string
      readonly until: string
    }
  | {
      readonly kind: 'key_rotated'
      readonly what: 'signing'
      /** public halves */
      readonly before: string
      readonly after: string
    }
  | {
      readonly kind: 'key_rotated'
      readonly what: 'audit'
      readonly before: string
      readonly after: string
      /** by the two keys, base64; absent where the old one was lost, and another made in its place */
      readonly sigs?: { readonly before: string; readonly after: string }
    }
  | { readonly kind: 'key_destroyed'; readonly what: 'plant'; readonly pools: readonly string[] }
  | { readonly kind: 'withdrawal_ordered'; readonly pool: string; readonly streams: readonly string[] }
  | { readonly kind: 'withdrawn'; readonly pool: string; readonly stream: string; readonly receipt: object }
  | { readonly kind: 'joined'; readonly pool: string }
  /** the oldest leaves were given up for room: the first that is left follows on `hash` */
  | { readonly kind: 'given_up'; readonly before: number; readonly hash: string }
  /** leaves were lost with a damaged or older database: so many are left, where there had been `expected` */
  | {
      readonly kind: 'damaged'
      readonly left: number
      /** places where the chain does not hold */
      readonly breaks: number
      readonly expected: number
      /** batches that were lost with it */
      readonly batches: number
    }

export type AuditKind = AuditEvent['kind']

/** Every kind, for whoever lists. */
export const AUDIT_KINDS = [
  'sealed',
  'delivered',
  'refused',
  'requeued',
  'dropped',
  'gate_opened',
  'gate_shut',
  'budget_exhausted',
  'key_rotated',
  'key_destroyed',
  'withdrawal_ordered',
  'withdrawn',
  'joined',
  'given_up',
  'damaged',
] as const satisfies readonly AuditKind[]

/** What every leaf says beside its event. */
export interface LeafHead {
  readonly v: 1
  /** its place in the log, from 0 */
  readonly n: number
  /** RFC 3339, by the clock of the gateway */
  readonly at: string
  /** hash of the leaf before, hex */
  readonly prev: string
}
export type Leaf = LeafHead & AuditEvent

/** What the first leaf follows on. */
export const GENESIS = '0'.repeat(64)

/** The text of a leaf: RFC 8785 JSON, which is what is hashed. @param at UnixMs */
export function encodeLeaf(
  event: AuditEvent,
  place: { readonly n: number; readonly at: number; readonly prev: string },
): string {
  return canonicalJson({ ...event, v: 1, n: place.n, at: new Date(place.at).toISOString(), prev: place.prev })
}

/** SHA-256 over `"sluice-audit/v1" ‖ 0 ‖ leaf`, hex. */
export function hashLeaf(text: string): string {
  return createHash('sha256').update(`sluice-audit/v1\0${text}`).digest('hex')
}

/** How far a log has come: so many leaves, and the hash of the last. */
export interface AuditHead {
  readonly size: number
  readonly hash: string
}
