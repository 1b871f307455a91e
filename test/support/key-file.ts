import { rmSync, writeFileSync } from 'node:fs'
import { newSigningKey } from '../../uplink/signature.ts'

/** Writes a key file with a new key: a signing key, or a plant key, which looks the same. @returns the text of the key */
export function writeKey(file: string): string {
  const text = newSigningKey()
  rmSync(file, { force: true }) // a file that is there would keep its mode
  writeFileSync(file, `${text}\n`, { mode: 0o600 })
  return text
}
