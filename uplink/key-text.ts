/** How public keys and key ids are written: `ed25519:` and the base64 of the 32 raw bytes (RFC 8032). */
const PUBLIC_KEY = /^ed25519:([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$/

/** The 32 raw bytes, or undefined for any other text. */
export function parsePublicKey(text: string): Uint8Array | undefined {
  const base64 = PUBLIC_KEY.exec(text)?.[1]
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64')
}

/** @param raw the 32 bytes of an Ed25519 public key */
export function formatPublicKey(raw: Uint8Array): string {
  return `ed25519:${Buffer.from(raw).toString('base64')}`
}
