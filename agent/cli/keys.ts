import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { Fault } from '../../core/fault.ts'
import { parseSigningKey } from '../../uplink/signature.ts'
import { printJson } from './common.ts'

/**
 * `sluice keys new plant|signing FILE`: 32 random bytes as one line of base64, readable by the owner alone. For a
 * signing key they are the Ed25519 seed, and the public half is printed for the pool's operator.
 */
export function newKey(kind: string, file: string, options: { readonly json?: boolean }): void {
  if (kind !== 'plant' && kind !== 'signing')
    throw new Fault('usage', {}, `"${kind}" is not a kind of key: plant or signing`)
  const text = randomBytes(32).toString('base64')
  try {
    writeFileSync(file, `${text}\n`, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    throw new Fault(
      exists ? 'file-exists' : 'config-unreadable',
      { file },
      exists ? 'the file exists already' : 'the file cannot be written',
      { cause },
    )
  }
  const publicKey = kind === 'signing' ? parseSigningKey(text).id : null
  if (options.json) return printJson({ kind, file, public: publicKey })
  console.log(`${file}: new ${kind} key. Keep a copy in a safe place; nobody can make it again.`)
  if (publicKey) console.log(`Give this to the pool: ${publicKey}`)
}
