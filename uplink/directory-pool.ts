import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pool, SealedBatch, Verdict } from '../core/batch.ts'
import { Fault } from '../core/fault.ts'
import { PROBLEMS } from './problem.ts'
import { formatBatchSignature, sha256Of } from './signature.ts'

/**
 * A folder in the place of a pool, for sites without a network: `<batch id>.parquet` and, beside it, `<batch id>.parquet.sig`
 * with the text of the `Batch-Signature` header. A batch is accepted when both are fsynced and renamed; the signature
 * goes first, so whoever sees a batch sees its signature. The folder itself is never made: where it is absent the medium
 * is not mounted, and the files would land on the disk below.
 */
export function openDirectoryPool(options: { readonly name: string; readonly dir: string }): Pool {
  const { name, dir } = options

  async function store(batch: SealedBatch): Promise<Verdict> {
    const path = join(dir, `${batch.id}.parquet`)
    await stat(dir)
    const there = await readFile(path).catch(absent)
    if (there && sha256Of(there) !== batch.sha256) {
      const message = `digest-mismatch: ${PROBLEMS['digest-mismatch'].title}`
      return {
        kind: 'rejected',
        fault: new Fault('pool-rejected', { pool: name, batch: batch.id, file: path }, message),
      }
    }
    await writeDurably(dir, `${batch.id}.parquet.sig`, Buffer.from(`${formatBatchSignature(batch)}\n`))
    if (!there) await writeDurably(dir, `${batch.id}.parquet`, batch.bytes)
    await syncFolder(dir)
    return { kind: 'accepted', receipt: { kind: 'file', path, sha256: batch.sha256 } }
  }

  return {
    async deliver(batch, signal) {
      const where = { pool: name, batch: batch.id, file: dir }
      const retry = (message: string, cause?: unknown): Verdict => {
        return { kind: 'retry', after_ms: 0, fault: new Fault('pool-folder', where, message, { cause }) }
      }
      if (signal.aborted) return retry('stopped')
      try {
        return await store(batch)
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException
        if (code === undefined) throw cause
        return retry(code === 'ENOENT' ? 'the folder is not there' : `the folder could not be written: ${code}`, cause)
      }
    },
    async [Symbol.asyncDispose]() {
      // Nothing stays open between two batches, so that the medium can be taken out.
    },
  }
}

function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

async function writeDurably(dir: string, name: string, bytes: Uint8Array): Promise<void> {
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

async function syncFolder(dir: string): Promise<void> {
  await using folder = await open(dir, 'r')
  await folder.sync()
}
