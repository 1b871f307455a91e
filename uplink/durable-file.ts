import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Writes a file that after a power cut is there whole or not at all, once its folder is synced. */
export async function writeDurably(dir: string, name: string, bytes: Uint8Array): Promise<void> {
  const temp = join(dir, `.${name}.tmp`)
  try {
    await using file = await open(temp, 'w', 0o644)
    await file.writeFile(bytes)
    await file.sync()
  } catch (error) {
    await rm(temp, { force: true }).catch(() => undefined) // the first error is the one that says why
    throw error
  }
  await rename(temp, join(dir, name))
}

/** Makes names in a folder durable. */
export async function syncFolder(dir: string): Promise<void> {
  await using folder = await open(dir, 'r')
  await folder.sync()
}

/** Undefined for a file or folder that is not there. @throws any other error */
export function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
