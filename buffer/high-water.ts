import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { SealedBatch } from '../core/batch.ts'
import { syncFolder } from './database.ts'
import type { Publication } from './port.ts'

const whole = z.int().min(0)
const highWater = z.object({
  v: z.literal(1),
  /** fingerprint of the machine, or null where it is not judged */
  machine: z.string().nullable(),
  /** survives the database, because a broker keeps sessions under a name made from it */
  instance: z.string(),
  /** next raw sequence, at most a minute old */
  raw_seq: whole,
  /** UnixMs of the last call before it was written; with a file that is gone, all that says when that was */
  at: z.number().optional(),
  /** how far the transparency log had come, at most a minute or a batch ago */
  audit: z.object({ size: whole, hash: z.string() }).optional(),
  pools: z.record(
    z.string(),
    z.object({
      /** raw cursor at the last sealing */
      cursor: whole,
      /** where the accounts of a retired pool end */
      end: whole.optional(),
      /** since when the plant has left it, UnixMs; how often it joined again */
      withdrawn: z.number().optional(),
      joins: whole.optional(),
      /** per dataset the end of the last sealed slot, and the last batch of the present stream */
      datasets: z.record(
        z.string(),
        z.object({ slot: z.number(), last: z.object({ epoch: whole, seq: whole }).nullable() }),
      ),
      /** per dataset the end of the last slot that noise was drawn for; written before the commit of what was drawn */
      drawn: z.record(z.string(), z.number()).optional(),
    }),
  ),
})

/**
 * How far this data folder had come, kept beside the database: whoever finds the database behind it knows that commits
 * were lost. Backups leave it out, so that a restored database is known as such.
 */
export type HighWater = Readonly<z.infer<typeof highWater>>

/** The mark once noise is drawn for a batch, whether that is committed or not. */
export function markDrawn(mark: HighWater, { pool, dataset, until }: SealedBatch): HighWater {
  const before = mark.pools[pool]
  const drawn = { ...before?.drawn, [dataset]: Math.max(before?.drawn?.[dataset] ?? until, until) }
  return { ...mark, pools: { ...mark.pools, [pool]: { cursor: 0, datasets: {}, ...before, drawn } } }
}

/** The mark once a publication is committed. */
export function markPublished(mark: HighWater, { pool, next, batch }: Publication): HighWater {
  const before = mark.pools[pool]
  const datasets = { ...before?.datasets }
  if (batch) {
    const { dataset, epoch, seq, until } = batch
    datasets[dataset] = { slot: next.sealed_until[dataset] ?? until, last: { epoch, seq } }
  }
  return { ...mark, pools: { ...mark.pools, [pool]: { ...before, cursor: next.raw_seq, datasets } } }
}

function pathOf(data_dir: string): string {
  return join(data_dir, 'high-water')
}

/** What the file says; undefined where it is missing or not whole. */
export function readHighWater(data_dir: string): HighWater | undefined {
  let text: string
  try {
    text = readFileSync(pathOf(data_dir), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  const [json = '', sum] = text.split('\n')
  if (sum !== checksum(json)) return undefined
  const parsed = highWater.safeParse(JSON.parse(json))
  return parsed.success ? parsed.data : undefined
}

/** Replaces the file; after a power cut either the old or the new one is there, whole. */
export function writeHighWater(data_dir: string, mark: HighWater): void {
  const json = JSON.stringify(mark)
  const path = pathOf(data_dir)
  const fd = openSync(`${path}.new`, 'w', 0o600)
  try {
    writeFileSync(fd, `${json}\n${checksum(json)}\n`)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(`${path}.new`, path)
  syncFolder(data_dir)
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * Fingerprint of this machine, or null where /etc/machine-id is absent or empty, as in containers. Hashed, because
 * machine-id(5) asks not to expose the id itself.
 */
export function machineFingerprint(file = '/etc/machine-id'): string | null {
  let id: string
  try {
    id = readFileSync(file, 'utf8').trim()
  } catch {
    return null // absent or unreadable is what containers have
  }
  return id === '' ? null : createHash('sha256').update(`sluice machine ${id}`).digest('hex').slice(0, 16)
}
