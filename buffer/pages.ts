import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { PAGE } from './database.ts'

/**
 * A SQLite file page by page, without SQLite (https://sqlite.org/fileformat2.html): what is left of a file that SQLite
 * itself refuses. Reads only.
 */
export interface Pages extends Disposable {
  /** Pages are numbered from 1 to this. */
  readonly count: number
  /** The newest committed bytes of a page; a file that ends within it gives zeros for the rest. */
  page(number: number): Buffer
  /** The same, overwritten by the next glance: a large file is read without leaving a buffer a page behind. */
  glance(number: number): Buffer
}

/** Pages that are read between two words that it goes on. */
const STRETCH = 64

/**
 * Opens a database file with what lies in its write-ahead log; either may be missing.
 * @param goesOn called every few pages, for who waits
 * @throws where one cannot be read
 */
export function openPages(path: string, goesOn: () => void = () => undefined): Pages {
  const wal = readWal(path)
  const fd = existsSync(path) ? openSync(path, 'r') : undefined
  const size = fd === undefined ? 0 : fstatSync(fd).size
  const newest = [...wal.pages.keys()].reduce((most, number) => Math.max(most, number), 0)
  let pagesRead = 0
  const scratch = Buffer.alloc(PAGE)
  function read(number: number, into: () => Buffer): Buffer {
    if (++pagesRead % STRETCH === 0) goesOn()
    const logged = wal.pages.get(number)
    if (logged) return logged
    const bytes = into()
    const n = fd === undefined ? 0 : readSync(fd, bytes, 0, PAGE, (number - 1) * PAGE)
    return bytes.fill(0, n)
  }
  return {
    count: Math.max(Math.ceil(size / PAGE), newest),
    page: (number) => read(number, () => Buffer.alloc(PAGE)),
    glance: (number) => read(number, () => scratch),
    [Symbol.dispose]() {
      if (fd !== undefined) closeSync(fd)
    },
  }
}

const WAL_HEADER = 32
const FRAME_HEADER = 24
/** Magic number of a log whose checksums are big-endian; the one below is little-endian. */
const MAGIC = 0x377f0683

/**
 * Whether commits lie behind a broken place of the write-ahead log, where SQLite would silently leave them out. The last
 * commit of a log may be torn by a power cut, because nobody was told of it yet; two behind a broken place cannot be.
 */
export function isWalBroken(path: string): boolean {
  return readWal(path).behind >= 2
}

interface Wal {
  readonly pages: ReadonlyMap<number, Buffer>
  /** whole commits behind the first frame that is not */
  readonly behind: number
}

/** The committed frames that are whole. Each frame's checksum goes on from the one before, which stands there too. */
function readWal(path: string): Wal {
  const pages = new Map<number, Buffer>()
  if (!statSync(`${path}-wal`, { throwIfNoEntry: false })?.isFile()) return { pages, behind: 0 }
  const log = readFileSync(`${path}-wal`)
  if (log.length < WAL_HEADER + FRAME_HEADER) return { pages, behind: 0 }
  const bigEndian = log.readUInt32BE(0) === MAGIC
  let sum = log.subarray(24, 32)
  let isBroken = !checksum([log.subarray(0, 24)], Buffer.alloc(8), bigEndian).equals(sum)
  const salts = isBroken ? log.subarray(WAL_HEADER + 8, WAL_HEADER + 16) : log.subarray(16, 24)
  let open = new Map<number, Buffer>()
  let behind = 0
  for (let at = WAL_HEADER; at + FRAME_HEADER + PAGE <= log.length; at += FRAME_HEADER + PAGE) {
    const header = log.subarray(at, at + FRAME_HEADER)
    if (!header.subarray(8, 16).equals(salts)) {
      // Frames of an earlier use of the log follow its end; within it, this one is damaged.
      isBroken = true
      sum = header.subarray(16, 24)
      continue
    }
    const data = log.subarray(at + FRAME_HEADER, at + FRAME_HEADER + PAGE)
    const stated = header.subarray(16, 24)
    if (checksum([header.subarray(0, 8), data], sum, bigEndian).equals(stated)) open.set(header.readUInt32BE(0), data)
    else isBroken = true
    sum = stated
    if (header.readUInt32BE(4) === 0) continue
    for (const [number, bytes] of open) pages.set(number, bytes)
    open = new Map()
    if (isBroken) behind++
  }
  return { pages, behind }
}

/** The log's running checksum (fileformat2, "Checksum Algorithm"). */
function checksum(parts: readonly Buffer[], before: Buffer, bigEndian: boolean): Buffer {
  let [a, b] = [before.readUInt32BE(0), before.readUInt32BE(4)]
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 8) {
      a = (a + (bigEndian ? part.readUInt32BE(at) : part.readUInt32LE(at)) + b) >>> 0
      b = (b + (bigEndian ? part.readUInt32BE(at + 4) : part.readUInt32LE(at + 4)) + a) >>> 0
    }
  }
  const sum = Buffer.alloc(8)
  sum.writeUInt32BE(a, 0)
  sum.writeUInt32BE(b, 4)
  return sum
}
