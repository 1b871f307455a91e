import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { DiskOp } from './disk-trace.ts'

/** Bytes a disk writes as a whole; anything longer may be torn at these borders. */
const SECTOR = 512

/** How a disk treats what was not synced when the power went. */
export type Weather =
  /** all of it is there: a killed process */
  | 'all'
  /** nothing of it is there */
  | 'none'
  /** as it came, up to a point; the last write torn */
  | 'prefix'
  /** any of it, whole */
  | 'subset'
  /** any sectors of it */
  | 'torn'

export const WEATHERS = ['all', 'none', 'prefix', 'subset', 'torn'] as const satisfies readonly Weather[]

interface Inode {
  readonly durable: Content
  pending: Change[]
}
/** `bytes` may be longer than the file is. */
interface Content {
  bytes: Buffer
  size: number
}
type Change = { readonly at: number } & (
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly size: number }
)
/** Names that change together: a rename is atomic in a folder's journal. */
interface NameChange {
  readonly at: number
  readonly folder: string
  /** null: the name is gone; a folder has no inode of its own here */
  readonly names: readonly (readonly [path: string, entry: Inode | 'folder' | null])[]
}
type Names = Map<string, Inode | 'folder'>

/**
 * A disk with a volatile cache below `root`, as POSIX promises it and no more: a file's bytes are safe after fsync of the
 * file, its name only after fsync of the folder. What is not safe may be there or not.
 * @param options.folders below `root` from the start on
 * @param options.lies the disk says that it synced and does not: the control that a proof must convict
 */
export function makeDisk(
  root: string,
  options: { readonly folders?: readonly string[]; readonly lies?: boolean } = {},
) {
  const durable: Names = new Map((options.folders ?? []).map((path) => [path, 'folder']))
  /** as the process sees it */
  const present: Names = new Map(durable)
  let pendingNames: NameChange[] = []

  function file(path: string): Inode {
    const found = present.get(path)
    if (found === undefined || found === 'folder') throw new Error(`the trace writes to ${path}, which it never made`)
    return found
  }

  function rename(at: number, folder: string, names: NameChange['names']): void {
    pendingNames.push({ at, folder, names })
    applyNames(present, names)
  }

  function sync(path: string, since: number): void {
    if (options.lies) return
    const entry = present.get(path)
    if (path === root || entry === 'folder') {
      for (const change of pendingNames)
        if (change.folder === path && change.at < since) applyNames(durable, change.names)
      pendingNames = pendingNames.filter((change) => change.folder !== path || change.at >= since)
    } else if (entry) {
      for (const change of entry.pending) if (change.at < since) apply(entry.durable, change)
      entry.pending = entry.pending.filter((change) => change.at >= since)
    }
  }

  return {
    /** Takes the operation with index `at` of the trace. */
    take(op: DiskOp, at: number): void {
      switch (op.kind) {
        case 'create': {
          const found = present.get(op.path)
          if (!found)
            rename(at, dirname(op.path), [[op.path, { durable: { bytes: Buffer.alloc(0), size: 0 }, pending: [] }]])
          else if (op.truncates) file(op.path).pending.push({ at, kind: 'truncate', size: 0 })
          return
        }
        case 'folder':
          return rename(at, dirname(op.path), [[op.path, 'folder']])
        case 'write':
          file(op.path).pending.push({ at, kind: 'write', offset: op.offset, bytes: op.bytes })
          return
        case 'truncate':
          file(op.path).pending.push({ at, kind: 'truncate', size: op.size })
          return
        case 'rename':
          return rename(at, dirname(op.to), [
            [op.path, null],
            [op.to, file(op.path)],
          ])
        case 'remove':
          return rename(at, dirname(op.path), [[op.path, null]])
        case 'sync':
          return sync(op.path, op.since)
        case 'said':
          return
      }
    },

    /** What the process would read from a file now. */
    bytesOf(path: string): Buffer {
      const { durable, pending } = file(path)
      const content = copyOf(durable)
      for (const change of pending) apply(content, change)
      return content.bytes.subarray(0, content.size)
    },

    /** Writes to `target` what the disk may hold if the power goes now. */
    writeState(target: string, weather: Weather, random: () => number): void {
      const share = random()
      const isKept = (): boolean => weather === 'all' || (weather !== 'none' && random() < share)
      const last = lastKept(weather, random)
      const names: Names = new Map(durable)
      for (const change of pendingNames) {
        if (weather === 'prefix' ? change.at <= last : isKept()) applyNames(names, change.names)
      }
      for (const [path, entry] of names) {
        if (entry === 'folder') continue
        const content = copyOf(entry.durable)
        for (const change of entry.pending) {
          if (weather === 'prefix' && change.at > last) break
          if (weather === 'torn' || change.at === last) applyTorn(content, change, random)
          else if (weather === 'prefix' || isKept()) apply(content, change)
        }
        // A name whose folder did not survive is not there either.
        if (!reaches(names, path)) continue
        const copy = join(target, relative(root, path))
        mkdirSync(dirname(copy), { recursive: true })
        writeFileSync(copy, content.bytes.subarray(0, content.size))
      }
    },
  }

  function lastKept(weather: Weather, random: () => number): number {
    if (weather !== 'prefix') return Number.POSITIVE_INFINITY
    const all = [...new Set(present.values())].flatMap((entry) => (entry === 'folder' ? [] : entry.pending))
    const times = [...all, ...pendingNames].map(({ at }) => at).sort((a, b) => a - b)
    return times[Math.floor(random() * (times.length + 1)) - 1] ?? -1
  }

  function reaches(names: Names, path: string): boolean {
    for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
      if (names.get(folder) !== 'folder') return false
    }
    return true
  }
}

function applyNames(names: Names, changes: NameChange['names']): void {
  for (const [path, entry] of changes) {
    if (entry) names.set(path, entry)
    else names.delete(path)
  }
}

function copyOf({ bytes, size }: Content): Content {
  return { bytes: Buffer.from(bytes), size }
}

function apply(content: Content, change: Change): void {
  const end = change.kind === 'truncate' ? change.size : change.offset + change.bytes.length
  if (end > content.bytes.length) content.bytes = Buffer.concat([content.bytes, Buffer.alloc(end)], end * 2)
  if (change.kind === 'write') {
    change.bytes.copy(content.bytes, change.offset)
    content.size = Math.max(content.size, end)
  } else {
    content.bytes.fill(0, end)
    content.size = end
  }
}

function applyTorn(content: Content, change: Change, random: () => number): void {
  if (change.kind === 'truncate') {
    if (random() < 0.5) apply(content, change)
    return
  }
  for (let from = 0; from < change.bytes.length; ) {
    const offset = change.offset + from
    const until = Math.min(change.bytes.length, from + SECTOR - (offset % SECTOR))
    if (random() < 0.5) apply(content, { ...change, offset, bytes: change.bytes.subarray(from, until) })
    from = until
  }
}
