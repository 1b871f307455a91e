import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { parseSigningKey, type SigningKey } from '../../uplink/signature.ts'

/** Name of the file that a signing key lies in once another took its place. @param id its public half */
export function formerKeyFile(file: string, id: string): string {
  return `${file}.old-${Buffer.from(id).toString('hex').slice(16, 32)}`
}

/**
 * Signing keys that `sluice keys rotate` put aside beside the present one, newest first; kept for withdrawal. What cannot be
 * read, what others may read and what is no key is left out: a pool that is left must be asked with the keys that there are.
 * @param leftOut told of each, and why
 */
export function formerKeys(file: string, leftOut: (path: string, why: string) => void): readonly SigningKey[] {
  function unlessRefused<T>(path: string, read: () => T): readonly T[] {
    try {
      return [read()]
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === undefined) throw error
      leftOut(path, error instanceof Fault ? error.message : `it cannot be read: ${code}`)
      return []
    }
  }

  const folder = dirname(file)
  const names = unlessRefused(folder, () => readdirSync(folder)).flat()
  const found = names
    .filter((name) => name.startsWith(`${basename(file)}.old-`))
    .map((name) => join(folder, name))
    .flatMap((path) => unlessRefused(path, () => readFormerKey(path)))
  return found.sort((a, b) => b.mtimeMs - a.mtimeMs).map(({ key }) => key)
}

function readFormerKey(file: string): { readonly key: SigningKey; readonly mtimeMs: number } {
  const { mode, mtimeMs } = statSync(file)
  if ((mode & 0o077) !== 0) throw new Fault('key-invalid', { file }, 'others than its owner may use it')
  return { key: parseSigningKey(readFileSync(file, 'utf8')), mtimeMs }
}
