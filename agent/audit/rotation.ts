import { z } from 'zod'
import type { AuditEvent } from '../../core/audit.ts'
import { type SigningKey, signClaims, verifyClaims } from '../../uplink/signature.ts'

/** That one audit key takes the place of another. */
export type AuditKeyRotated = Extract<AuditEvent, { kind: 'key_rotated'; what: 'audit' }>

const rotation = z.object({
  before: z.string(),
  after: z.string(),
  sigs: z.object({ before: z.base64(), after: z.base64() }),
})

/**
 * What leads from one audit key to the next, signed by both: the old one says who follows it, the new one whom it follows.
 * Either signature alone could be made by whoever makes a key. Each is Ed25519 over
 * `"sluice-audit-rotation/v1" ‖ 0 ‖ JCS({v, before, after, kid})`.
 */
export function rotateAuditKey(old: SigningKey, next: SigningKey): AuditKeyRotated {
  const keys = { before: old.id, after: next.id }
  const signedBy = (key: SigningKey): string => signClaims(key, 'audit-rotation', { v: 1, ...keys }).sig
  return { kind: 'key_rotated', what: 'audit', ...keys, sigs: { before: signedBy(old), after: signedBy(next) } }
}

/** Whether both keys signed it. @param leaf as it was read: whatever stands in it */
export function isRotationSigned(leaf: AuditKeyRotated): boolean {
  const { data } = rotation.safeParse(leaf)
  if (!data) return false
  const { sigs, ...keys } = data
  return (['before', 'after'] as const).every((end) => {
    const signed = { v: 1, ...keys, kid: keys[end], sig: sigs[end] }
    return verifyClaims('audit-rotation', signed, keys[end])
  })
}
