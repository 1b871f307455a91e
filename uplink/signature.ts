import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { z } from 'zod'
import type { Receipt } from '../core/batch.ts'
import { canonicalJson, lengthPrefixed } from '../core/encoding.ts'
import { Fault } from '../core/fault.ts'

/** PKCS #8 of an Ed25519 private key up to its 32-byte seed (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const BASE64_OF_32_BYTES = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/

/** An Ed25519 key that can sign. */
export interface SigningKey {
  /** the public half, `ed25519:` and the base64 of its 32 bytes */
  readonly id: string
  readonly secret: KeyObject
}

/**
 * Reads a key file: one line, the base64 of the 32-byte Ed25519 seed (RFC 8032 §5.1.5).
 * @throws Fault `key-invalid`
 */
export function parseSigningKey(text: string): SigningKey {
  const line = text.trim()
  if (!BASE64_OF_32_BYTES.test(line)) throw new Fault('key-invalid', {}, 'the key is not the base64 of 32 bytes')
  const der = Buffer.concat([PKCS8_PREFIX, Buffer.from(line, 'base64')])
  const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const { x } = createPublicKey(secret).export({ format: 'jwk' })
  return { id: formatPublicKey(Buffer.from(x!, 'base64url')), secret }
}

/** The text of a new key file, without the line's end. */
export function newSigningKey(): string {
  return randomBytes(32).toString('base64')
}

/** The 32 raw bytes of a public key's text, or undefined for any other text. */
export function parsePublicKey(text: string): Uint8Array | undefined {
  const base64 = text.startsWith('ed25519:') ? text.slice('ed25519:'.length) : ''
  return BASE64_OF_32_BYTES.test(base64) ? Buffer.from(base64, 'base64') : undefined
}

/** @param raw the 32 bytes of an Ed25519 public key */
function formatPublicKey(raw: Uint8Array): string {
  return `ed25519:${Buffer.from(raw).toString('base64')}`
}

/** What a plant signs towards a pool; each has a prefix of its own, so that none can be taken for another. */
export type Purpose = 'batch' | 'tombstone' | 'withdrawal'

/** `"sluice-<purpose>/v1" ‖ 0 ‖ u32be(len) ‖ pool ‖ SHA-256(body)` (POOL.md, Signature). */
function signedBytes(purpose: Purpose, pool: string, sha256: string): Buffer {
  return Buffer.concat([Buffer.from(`sluice-${purpose}/v1\0`), lengthPrefixed(pool), Buffer.from(sha256, 'hex')])
}

/**
 * Signature of a sealed file; of a tombstone's body, or of the id of a batch or stream that is withdrawn, where `purpose` says so.
 * @param sha256 of the bytes, hex
 * @returns base64 of 64 bytes
 */
export function signBatch(key: SigningKey, pool: string, sha256: string, purpose: Purpose = 'batch'): string {
  return sign(null, signedBytes(purpose, pool, sha256), key.secret).toString('base64')
}

/** @param signed.key `ed25519:…` · `signature` base64 · `sha256` hex */
export function verifyBatch(signed: {
  readonly pool: string
  readonly sha256: string
  readonly key: string
  readonly signature: string
  readonly purpose?: Purpose
}): boolean {
  return verifies(signed.key, signedBytes(signed.purpose ?? 'batch', signed.pool, signed.sha256), signed.signature)
}

function verifies(key: string, bytes: Buffer, signature: string): boolean {
  const raw = parsePublicKey(key)
  const sig = Buffer.from(signature, 'base64')
  if (!raw || sig.length !== 64) return false
  const x = Buffer.from(raw).toString('base64url')
  return verify(null, bytes, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), sig)
}

/** A receipt as it travels. */
export type WireReceipt = Omit<Extract<Receipt, { kind: 'signed' }>, 'kind'>

export const receiptSchema = z.strictObject({
  v: z.literal(1),
  pool: z.string(),
  contributor: z.string(),
  batch_id: z.string(),
  sha256: z.string(),
  received: z.iso.datetime(),
  kid: z.string(),
  sig: z.base64(),
})

/** What is signed as JSON; each has a prefix of its own, so that none can be taken for another. */
export type ClaimKind = 'receipt' | 'withdrawal-receipt' | 'checkpoint' | 'audit-rotation'

/** `"sluice-<kind>/v1" ‖ 0 ‖ JCS(claims without sig)` (POOL.md, HTTP). */
function claimBytes(kind: ClaimKind, unsigned: object): Buffer {
  return Buffer.from(`sluice-${kind}/v1\0${canonicalJson(unsigned)}`)
}

/** Completes claims with the id of the key and the signature, base64. */
export function signClaims<T extends object>(
  key: SigningKey,
  kind: ClaimKind,
  claims: T,
): T & { readonly kid: string; readonly sig: string } {
  const unsigned = { ...claims, kid: key.id }
  return { ...unsigned, sig: sign(null, claimBytes(kind, unsigned), key.secret).toString('base64') }
}

/** @param key the key that it must be; the `kid` in the claims is not believed */
export function verifyClaims(kind: ClaimKind, signed: { readonly sig: string }, key: string): boolean {
  const { sig, ...unsigned } = signed
  return verifies(key, claimBytes(kind, unsigned), sig)
}

/** Completes a receipt with the pool's key id and signature. */
export function signReceipt(key: SigningKey, claims: Omit<WireReceipt, 'kid' | 'sig'>): WireReceipt {
  return signClaims(key, 'receipt', claims)
}

/** @param receiptKey the pinned key; the `kid` in the receipt is not believed */
export function verifyReceipt(receipt: WireReceipt, receiptKey: string): boolean {
  return verifyClaims('receipt', receipt, receiptKey)
}

export const withdrawalReceiptSchema = z.strictObject({
  v: z.literal(1),
  pool: z.string(),
  stream: z.string(),
  /** so many batches of it are gone */
  batches: z.int().min(0),
  /** over the JCS of their ids in ascending order, hex */
  sha256: z.string(),
  withdrawn: z.iso.datetime(),
  kid: z.string(),
  sig: z.base64(),
})

/** A pool's word that a stream is gone: Ed25519 over `"sluice-withdrawal-receipt/v1" ‖ 0 ‖ JCS(receipt without sig)`. */
export type WithdrawalReceipt = Readonly<z.infer<typeof withdrawalReceiptSchema>>

/** SHA-256 in hex. */
export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** `Content-Digest` of bytes with this SHA-256 (RFC 9530 §2). */
export function formatContentDigest(sha256: string): string {
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`
}

/** The SHA-256 (hex) in a `Content-Digest`, or undefined. */
export function parseContentDigest(field: string | undefined): string | undefined {
  const base64 = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(field ?? '')?.[1]
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('hex')
}

/** `Batch-Signature`: the header of a request, and the text of a `.sig` file in a directory pool. */
export function formatBatchSignature(signed: { readonly key: string; readonly signature: string }): string {
  return `keyid="${signed.key}", ed25519=:${signed.signature}:`
}

/** Reads what `formatBatchSignature` wrote, or undefined. */
export function parseBatchSignature(
  field: string | undefined,
): { readonly key: string; readonly signature: string } | undefined {
  const m = /^keyid="(ed25519:[A-Za-z0-9+/]{43}=)",\s*ed25519=:([A-Za-z0-9+/]{86}==):$/.exec(field?.trim() ?? '')
  return m ? { key: m[1]!, signature: m[2]! } : undefined
}
