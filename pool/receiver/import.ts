import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { formatContentDigest, sha256Of } from '../../uplink/signature.ts'
import { readVolumeList, VOLUME_LIST } from '../../uplink/volumes.ts'
import { readManifest } from './check-file.ts'
import type { PoolSetup } from './config.ts'
import { bury, type ReceiverParts, receiveBatch } from './receive.ts'
import type { Reply } from './reply.ts'
import { withdrawStream } from './withdraw.ts'

/** What became of the files of a folder. Paths are relative to it. */
export interface ImportReport {
  readonly stored: number
  /** stored before, with the same bytes */
  readonly known: number
  /** batches that their plants gave up */
  readonly buried: number
  /** streams that their plants took back */
  readonly withdrawn: number
  readonly refused: readonly { readonly file: string; readonly problem: string; readonly detail: string }[]
  /** files that a volume's list names and that are not there, or not as they were written: to be copied again */
  readonly missing: readonly string[]
  readonly damaged: readonly string[]
}

/** Larger files are not even read. */
const LARGEST = 2 ** 26

/**
 * Takes what directory pools left in a folder, at any depth, as if it had come over HTTP: every check and the same place
 * in the lake. Doing it twice changes nothing.
 * @throws Fault `config-unreadable` where the folder cannot be read
 */
export async function importFolder(
  dir: string,
  pools: ReadonlyMap<string, PoolSetup>,
  parts: ReceiverParts,
): Promise<ImportReport> {
  const files = await namesIn(dir)
  const listed = await listedIn(dir, files)
  const report = { stored: 0, known: 0, buried: 0, withdrawn: 0 }
  const refused: { file: string; problem: string; detail: string }[] = []
  const damaged: string[] = []

  async function take(file: string): Promise<void> {
    const path = join(dir, file)
    const refuse = (problem: string, detail: string): void => void refused.push({ file, problem, detail })
    if ((await stat(path)).size > LARGEST) return refuse('too-large', 'no sealed file is as large as this')
    const body = await readFile(path)
    const sha256 = sha256Of(body)
    if (listed.has(file) && listed.get(file) !== sha256) return void damaged.push(file)
    const signature = await readFile(`${path}.sig`, 'utf8').catch(() => undefined)
    if (signature === undefined) return refuse('request-malformed', 'the signature that belongs beside it is not there')
    const headers = { 'content-digest': formatContentDigest(sha256), 'batch-signature': signature.trim() }
    const id = basename(file).replace(/\.\w+$/, '')
    if (file.endsWith('.withdrawal')) {
      const replies = [...pools.values()].map((pool) => withdrawStream({ pool, id, headers }, parts))
      if (replies.some(({ status }) => status === 200)) report.withdrawn++
      else refuse(...problemOf(replies[0]!))
      return
    }
    if (file.endsWith('.tombstone')) {
      // It does not name its pool, but only one verifies it.
      const replies = [...pools.values()].map((pool) => bury({ pool, id, headers, body }, parts))
      const noted = replies.some(({ status }) => status === 204)
      if (noted) report.buried++
      else refuse(...problemOf(replies[0]!))
      return
    }
    const pool = pools.get(readManifest(body)?.pool ?? '')
    if (!pool) return refuse('schema-unknown', 'it names no pool of this receiver')
    const reply = await receiveBatch({ pool, id, headers, body }, parts)
    if (reply.status === 201) report.stored++
    else if (reply.status === 200) report.known++
    else refuse(...problemOf(reply))
  }

  for (const file of files.filter((name) => /\.(parquet|tombstone)$/.test(name))) await take(file)
  // Last, so that what lies beside them goes with its stream and is not refused.
  for (const file of files.filter((name) => /^[0-9A-V]{13}\.withdrawal$/.test(basename(name)))) await take(file)
  const there = new Set(files)
  return { ...report, refused, damaged, missing: [...listed.keys()].filter((file) => !there.has(file)) }
}

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    return files.map((entry) => relative(dir, join(entry.parentPath, entry.name))).sort()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new Fault('config-unreadable', { file: dir }, `the folder cannot be read: ${code}`, { cause })
  }
}

/** Digests of the files that the lists of all volumes name. */
async function listedIn(dir: string, files: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const listed = new Map<string, string>()
  for (const list of files.filter((name) => basename(name) === VOLUME_LIST)) {
    for (const { file, sha256 } of await readVolumeList(join(dir, dirname(list)))) {
      listed.set(join(dirname(list), basename(file)), sha256)
    }
  }
  return listed
}

function problemOf({ body }: Reply): [problem: string, detail: string] {
  const { type, detail } = JSON.parse(String(body)) as { readonly type: string; readonly detail: string }
  return [type.split(':').at(-1)!, detail]
}
