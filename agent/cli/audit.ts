import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fewestLeaves, mostLeaves } from '../../buffer/audit.ts'
import type { AuditKind, Leaf } from '../../core/audit.ts'
import { readLeaf } from '../../core/audit-chain.ts'
import { canonicalJson } from '../../core/encoding.ts'
import { Fault } from '../../core/fault.ts'
import { receiptSchema, type WireReceipt } from '../../uplink/signature.ts'
import { readAuditKey } from '../audit/audit-key.ts'
import { readCheckpoint } from '../audit/checkpoint.ts'
import { readCopies } from '../audit/copies.ts'
import { type AuditCheck, makeAuditCheck, statesOf } from '../audit/verify.ts'
import type { BufferDesk } from '../daemon/buffer-desk.ts'
import { openBuffer } from './buffer.ts'
import { type CommonOptions, EXIT_FAILED, loadWithGateway, printJson, table } from './common.ts'

/** Leaves and checkpoints asked for at a time. */
const PIECE = 256
export const FORMAT = 'sluice-audit/v1'

type Source = Pick<BufferDesk, 'ask'>

async function* leavesOf(desk: Source): AsyncGenerator<string> {
  for (let from = 0; ; ) {
    const texts: readonly string[] = await desk.ask({ kind: 'leaves', from, limit: PIECE })
    yield* texts
    if (texts.length < PIECE) return
    // A text that is no leaf has a place all the same.
    from = (readLeaf(texts.at(-1)!)?.n ?? from + PIECE - 1) + 1
  }
}

async function checkpointsOf(desk: Source): Promise<readonly string[]> {
  const found: string[] = []
  for (let size = 0; ; ) {
    const texts: readonly string[] = await desk.ask({ kind: 'checkpoints', size, limit: PIECE })
    found.push(...texts)
    const last = texts.length === PIECE ? readCheckpoint(texts.at(-1)!) : undefined
    if (!last) return found
    size = last.size
  }
}

/** `sluice audit list`: what was logged, oldest first. */
export async function listAudit(
  options: CommonOptions & {
    readonly pool?: string
    readonly kind?: readonly AuditKind[]
    readonly since?: number
    readonly limit: number
  },
): Promise<void> {
  using buffer = await openBuffer(undefined, options)
  if (!buffer) return
  const { pool, kind, since = Number.NEGATIVE_INFINITY, limit } = options
  const found: Leaf[] = []
  for await (const text of leavesOf(buffer.desk)) {
    const leaf = readLeaf(text)
    if (!leaf || Date.parse(leaf.at) < since) continue
    if (pool !== undefined && !('pool' in leaf && leaf.pool === pool)) continue
    if (kind && !kind.includes(leaf.kind)) continue
    found.push(leaf)
    if (found.length > limit) found.shift()
  }
  if (options.json) return printJson(found)
  console.log(found.length === 0 ? 'nothing is logged' : table(found.map(rowOf)))
  if (found.length === limit) console.log(`the newest ${limit}; --limit shows more`)
}

function rowOf(leaf: Leaf): readonly string[] {
  const { v: _, n, at, prev: __, kind, ...rest } = leaf
  const { pool = '', ...details } = rest as { readonly pool?: string }
  const words = Object.entries(details).map(
    ([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return [String(n), at, kind, pool, words.join(', ')]
}

/** `sluice audit export`: leaves, checkpoints and public key as JSON lines, for whoever verifies them elsewhere. */
export async function exportAudit(options: CommonOptions): Promise<void> {
  using buffer = await openBuffer(undefined, options)
  if (!buffer) return
  const checkpoints = await checkpointsOf(buffer.desk)
  const bySize = new Map(checkpoints.map((text) => [readCheckpoint(text)?.size ?? 0, text]))
  const { size } = await buffer.desk.ask({ kind: 'log' })
  const key = ownKey(buffer.data_dir) ?? readCheckpoint(checkpoints.at(-1) ?? '')?.kid ?? null
  console.log(canonicalJson({ format: FORMAT, key, size }))
  for await (const text of leavesOf(buffer.desk)) {
    const leaf = readLeaf(text)
    console.log(leaf ? `{"leaf":${text}}` : JSON.stringify({ leaf: text }))
    const checkpoint = leaf && bySize.get(leaf.n + 1)
    if (checkpoint !== undefined) console.log(`{"checkpoint":${checkpoint}}`)
  }
}

/**
 * `sluice audit verify`: follows the whole chain, holds it against checkpoints and receipts, and says what that proves.
 * Exit 1 where something is not as it was written.
 */
export async function verifyAudit(
  options: CommonOptions & {
    readonly checkpoints?: string
    readonly receipts?: string
    readonly export?: string
    readonly key?: string
  },
): Promise<void> {
  const loaded = options.export === undefined ? loadWithGateway(options.config) : undefined
  if (options.export === undefined && !loaded) return
  const dir = options.checkpoints === undefined ? loaded?.audit.checkpoints : resolve(options.checkpoints)
  const pinned = Object.entries(loaded?.pools ?? {}).flatMap(([name, { config }]) =>
    config?.receipt_key === undefined ? [] : [[name, config.receipt_key] as const],
  )
  // The key that an export names is not believed: whoever forges one names their own.
  const key = options.key ?? (loaded && ownKey(loaded.gateway.data_dir))
  const check = makeAuditCheck({ key, receiptKeys: new Map(pinned) })
  for (const text of await copiesIn(dir, loaded?.gateway.name, options.checkpoints !== undefined))
    check.checkpoint(text, 'elsewhere')
  if (options.export !== undefined) takeExport(options.export, check)
  else {
    using buffer = await openBuffer(undefined, options)
    if (!buffer) return
    for (const text of await checkpointsOf(buffer.desk)) check.checkpoint(text, 'here')
    for await (const text of leavesOf(buffer.desk)) check.leaf(text)
  }
  if (options.receipts !== undefined) for (const receipt of readReceipts(options.receipts)) check.receipt(receipt)
  const found = check.findings()
  if (!found.ok) process.exitCode = EXIT_FAILED
  const fewest = loaded?.buffer && fewestLeaves(mostLeaves(loaded.buffer.max_size))
  const states = statesOf(found, found.held ? dir : undefined, fewest)
  if (options.json) return printJson({ ...found, states })
  for (const line of [...found.problems, ...states]) console.log(line)
  for (const id of found.keys) console.log(`audit key: ${id}`)
}

/** The public half of a data folder's audit key; undefined where it is not there or not ours to read. */
function ownKey(data_dir: string): string | undefined {
  try {
    return readAuditKey(data_dir).id
  } catch {
    return undefined // then the checkpoints say which key it is, and whoever verifies compares it
  }
}

/** @param gateway only its files; all where absent @param isAsked the folder was named on the command line */
async function copiesIn(
  dir: string | undefined,
  gateway: string | undefined,
  isAsked: boolean,
): Promise<readonly string[]> {
  if (dir === undefined) return []
  try {
    const copies = await readCopies(dir, gateway)
    if (copies.length === 0) console.error(`sluice: ${dir} holds no checkpoints of this log yet`)
    return copies
  } catch (cause) {
    const message = `the folder of the checkpoints cannot be read: ${(cause as NodeJS.ErrnoException).code}`
    if (isAsked) throw new Fault('config-unreadable', { file: dir }, message, { cause })
    console.error(`sluice: ${dir}: ${message}; nothing is compared with it`)
    return []
  }
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new Fault('config-unreadable', { file }, `the file cannot be read: ${code}`, { cause })
  }
}

/** Lines are taken as text, for the text of a leaf is what is hashed. */
function takeExport(file: string, check: AuditCheck): void {
  const lines = linesOf(file)
  const head = parseJson(lines[0] ?? '') as { readonly format?: unknown } | null | undefined
  if (head?.format !== FORMAT) throw new Fault('usage', { file }, 'this is no export of a transparency log')
  const inside = (prefix: string): readonly string[] =>
    lines.flatMap((line) => (line.startsWith(prefix) && line.endsWith('}') ? [line.slice(prefix.length, -1)] : []))
  for (const text of inside('{"checkpoint":')) check.checkpoint(text, 'here')
  for (const text of inside('{"leaf":')) check.leaf(text)
}

/** Receipts as the pool gives them, one JSON a line. */
function readReceipts(file: string): readonly WireReceipt[] {
  return linesOf(file).flatMap((line, i) => {
    if (line.trim() === '') return []
    const parsed = receiptSchema.safeParse(parseJson(line))
    if (parsed.success) return [parsed.data]
    throw new Fault('usage', { file, at: `line ${i + 1}` }, 'this is no receipt')
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
