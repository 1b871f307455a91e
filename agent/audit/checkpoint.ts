import { z } from 'zod'
import type { AuditHead } from '../../core/audit.ts'
import { canonicalJson } from '../../core/encoding.ts'
import { type SigningKey, signClaims, verifyClaims } from '../../uplink/signature.ts'

const checkpoint = z.strictObject({
  v: z.literal(1),
  /** so many leaves, and the hash of the last one */
  size: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.iso.datetime(),
  kid: z.string(),
  sig: z.base64(),
})

/** What the audit key says of the log: Ed25519 over `"sluice-checkpoint/v1" ‖ 0 ‖ JCS(checkpoint without sig)`. */
export type Checkpoint = Readonly<z.infer<typeof checkpoint>>

/** The text of a new checkpoint, one line. @param at UnixMs */
export function signCheckpoint(key: SigningKey, { size, hash }: AuditHead, at: number): string {
  return canonicalJson(signClaims(key, 'checkpoint', { v: 1, size, hash, at: new Date(at).toISOString() }))
}

/** Undefined where the text is no checkpoint; whether its key signed it is another question. */
export function readCheckpoint(text: string): Checkpoint | undefined {
  try {
    return checkpoint.safeParse(JSON.parse(text)).data
  } catch {
    return undefined // a line that a power cut tore
  }
}

/** Whether the key that it names signed it. */
export function isSigned(signed: Checkpoint): boolean {
  return verifyClaims('checkpoint', signed, signed.kid)
}
