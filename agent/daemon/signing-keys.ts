import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { parseSigningKey, type SigningKey } from '../../uplink/signature.ts'

/** Name of the file that a signing key lies in once another took its place. @param id its public half */
export function formerKeyFile(file: string, id: string): string {
  return `${file}.old-${Buffer.from(id).toString('hex').slice(16, 32)}`
}

/**
 * Signing keys that `sluice keys rotate` put aside beside the present one, newest first; kept for withdrawal. Those that others may read,
 * or that are none, are left out.
 */
export function formerKeys(file: string): readonly SigningKey[] {
  const folder = dirname(file)
  const names = readdirSync(folder).filter((name) => name.startsWith(`${basename(file)}.old-`))
  const found = names.flatMap((name) => {
    const path = join(folder, name)
    const { mode, mtimeMs } = statSync(path)
    const key = (mode & 0o077) === 0 ? keyIn(path) : undefined
    return key ? [{ key, mtimeMs }] : []
  })
  return found.sort((a, b) => b.mtimeMs - a.mtimeMs).map(({ key }) => key)
}

function keyIn(path: string): SigningKey | undefined {
  try {
    return parseSigningKey(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}
