import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pool, SealedBatch, Verdict } from '../core/batch.ts'
import { Fault } from '../core/fault.ts'
import { absent, syncFolder, writeDurably } from './durable-file.ts'
import { PROBLEMS } from './problem.ts'
import { formatBatchSignature, sha256Of } from './signature.ts'
import { makeVolumes } from './volumes.ts'

/**
 * A folder in the place of a pool, for sites without a network: `<batch id>.parquet` and, beside it, `<batch id>.parquet.sig`
 * with the text of the `Batch-Signature` header; `<batch id>.tombstone` likewise. A batch is accepted when both are fsynced
 * and renamed and it stands in the list of its volume; the signature goes first, so whoever sees a batch sees its signature.
 * A stream that is withdrawn leaves `<stream>.withdrawal`, likewise, and takes away what of it still lies here.
 * The folder itself is never made: where it is absent the medium is not mounted, and the files would land on the disk below.
 * @param options.volume_size bytes after which the next batch goes into a new subfolder; absent: all lie in `dir`
 */
export function openDirectoryPool(options: {
  readonly name: string
  readonly dir: string
  readonly volume_size?: number | undefined
}): Pool {
  const { name, dir } = options
  const volumes = makeVolumes(dir, options.volume_size)

  async function store(batch: SealedBatch): Promise<Verdict> {
    const file = `${batch.id}.parquet`
    await stat(dir)
    const known = await volumes.find(file)
    const folder = known ?? (await volumes.open(batch.bytes.length))
    const path = join(folder, file)
    const there = known && (await readFile(path).catch(absent))
    if (there && sha256Of(there) !== batch.sha256) {
      const message = `digest-mismatch: ${PROBLEMS['digest-mismatch'].title}`
      return {
        kind: 'rejected',
        fault: new Fault('pool-mismatch', { pool: name, batch: batch.id, file: path }, message),
      }
    }
    await put(folder, file, batch, there !== undefined)
    return { kind: 'accepted', receipt: { kind: 'file', path, sha256: batch.sha256 } }
  }

  async function put(
    folder: string,
    file: string,
    what: Pick<SealedBatch, 'bytes' | 'sha256' | 'key' | 'signature'>,
    isThere: boolean,
  ): Promise<void> {
    await writeDurably(folder, `${file}.sig`, Buffer.from(`${formatBatchSignature(what)}\n`))
    if (!isThere) await writeDurably(folder, file, what.bytes)
    await syncFolder(folder)
    await volumes.list(folder, { file, bytes: what.bytes.length, sha256: what.sha256 })
  }

  const faultOf = (batch: string, message: string, cause?: unknown): Fault =>
    new Fault('pool-folder', { pool: name, batch, file: dir }, message, { cause })

  /** What the disk says, as a fault; anything else is a bug. */
  function refusal(batch: string, cause: unknown): Fault {
    const { code } = cause as NodeJS.ErrnoException
    if (code === undefined) throw cause
    const message = code === 'ENOENT' ? 'the folder is not there' : `the folder could not be written: ${code}`
    return faultOf(batch, message, cause)
  }

  return {
    async deliver(batch, signal) {
      if (signal.aborted) return { kind: 'retry', after_ms: 0, fault: faultOf(batch.id, 'stopped') }
      try {
        return await store(batch)
      } catch (cause) {
        return { kind: 'retry', after_ms: 0, fault: refusal(batch.id, cause) }
      }
    },
    async bury(tombstone) {
      const file = `${tombstone.id}.tombstone`
      try {
        await stat(dir)
        const known = await volumes.find(file)
        await put(known ?? (await volumes.open(tombstone.bytes.length)), file, tombstone, known !== undefined)
        return null
      } catch (cause) {
        return refusal(tombstone.id, cause)
      }
    },
    async withdraw(withdrawal) {
      const { stream, sha256 } = withdrawal
      const file = `${stream}.withdrawal`
      try {
        await stat(dir)
        const known = await volumes.find(file)
        const folder = known ?? (await volumes.open(withdrawal.bytes.length))
        await put(folder, file, withdrawal, known !== undefined)
        await volumes.remove(new Set([...withdrawal.ids()].map((id) => `${id}.parquet`)))
        return { kind: 'withdrawn', receipt: { kind: 'file', sha256 } }
      } catch (cause) {
        return { kind: 'failed', fault: refusal(stream, cause) }
      }
    },
    async [Symbol.asyncDispose]() {
      // Nothing stays open between two batches, so that the medium can be taken out.
    },
  }
}
