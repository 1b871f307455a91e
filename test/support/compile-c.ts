import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Compiles a C file of this folder unless that was done for this source and these flags; gives the path of the result. */
export async function compileC(file: string, flags: readonly string[]): Promise<string> {
  const source = join(import.meta.dirname, file)
  const version = createHash('sha256')
    .update(await readFile(source))
    .update(flags.join())
    .digest('hex')
    .slice(0, 16)
  const cache = join(import.meta.dirname, '../../node_modules/.cache/sluice')
  const compiled = join(cache, `${basename(file, '.c')}-${version}`)
  if (existsSync(compiled)) return compiled
  await mkdir(cache, { recursive: true })
  const fresh = `${compiled}.${process.pid}`
  await run('gcc', ['-O2', '-o', fresh, source, ...flags])
  await rename(fresh, compiled)
  return compiled
}
