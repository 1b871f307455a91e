import { PAGE } from './database.ts'
import type { Pages } from './pages.ts'

/**
 * Rows in the pages of a SQLite file, as far as they are whole (https://sqlite.org/fileformat2.html §1.5 to §2). Nothing here
 * trusts a number it reads: what does not fit is left out.
 */

/** What a column holds on the disk. */
export type Cell = null | number | bigint | string | Buffer

/** A row of a table, or an entry of an index, whose last column is then the row's number. */
export interface Entry {
  /** number of the row; undefined in an index and in a table without one */
  readonly rowid: number | undefined
  readonly columns: readonly Cell[]
}

const TABLE_LEAF = 0x0d
const TABLE_INTERIOR = 0x05
const INDEX_LEAF = 0x0a
const INDEX_INTERIOR = 0x02
/** Longest payload that lies wholly in a page (§1.6), and what of a longer one lies there at least. */
const MOST_LOCAL = { table: PAGE - 35, index: Math.floor(((PAGE - 12) * 64) / 255) - 23 }
const LEAST_LOCAL = Math.floor(((PAGE - 12) * 32) / 255) - 23
/** Page 1 begins with the header of the file. */
const FILE_HEADER = 100
/** Nothing that Sluice stores comes near this (bytes); a longer payload is damage. */
const LONGEST = 2 ** 28

/** Whether a page says of itself that it holds rows of a table with row numbers. */
export function isTableLeaf(page: Buffer): boolean {
  return page[0] === TABLE_LEAF
}

/** Pages that an interior page points to. */
export function childrenOf(page: Buffer, number: number): readonly number[] {
  const start = number === 1 ? FILE_HEADER : 0
  const type = page[start]
  if (type !== TABLE_INTERIOR && type !== INDEX_INTERIOR) return []
  return [...pointers(page, start).map((at) => page.readUInt32BE(at)), page.readUInt32BE(start + 8)]
}

/**
 * Number and place of the rows that lie in a page of a table, without reading what goes on in other pages; undefined for each
 * whose head is not whole, and for a page of none.
 */
export function* rowsOf(page: Buffer): Generator<{ readonly rowid: number; readonly at: number } | undefined, void> {
  if (page[0] === TABLE_INTERIOR) return
  if (!isTableLeaf(page)) return yield undefined
  for (const at of pointers(page, 0)) {
    yield whole(() => {
      const [length, afterLength] = varint(page, at)
      const [rowid, from] = varint(page, afterLength)
      const [end, first] = varint(page, from)
      let bytes = end
      for (let type: number, next = first; next < from + end; bytes += widthOf(type)) [type, next] = varint(page, next)
      return bytes === length ? { rowid, at } : undefined
    })
  }
}

/** A row by its place; undefined where it cannot be read. */
export function rowAt(pages: Pages, number: number, at: number): Entry | undefined {
  return whole(() => readEntry(pages, pages.page(number), at, true))
}

/** @returns undefined where what is read is not whole */
function whole<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return undefined
  }
}

/** The rows or index entries that lie in a page, in order; undefined for each that cannot be read, and for a page of none. */
export function* entriesOf(pages: Pages, number: number): Generator<Entry | undefined, void> {
  const page = pages.page(number)
  const start = number === 1 ? FILE_HEADER : 0
  const type = page[start]
  if (type === TABLE_INTERIOR) return
  if (type !== TABLE_LEAF && type !== INDEX_LEAF && type !== INDEX_INTERIOR) return yield undefined
  for (const at of pointers(page, start)) {
    yield whole(() => readEntry(pages, page, type === INDEX_INTERIOR ? at + 4 : at, type === TABLE_LEAF))
  }
}

/** Places of the cells of a page. */
function pointers(page: Buffer, start: number): readonly number[] {
  const type = page[start]
  const from = start + (type === TABLE_INTERIOR || type === INDEX_INTERIOR ? 12 : 8)
  const n = Math.min(page.readUInt16BE(start + 3), Math.floor((PAGE - from) / 2))
  return Array.from({ length: n }, (_, i) => page.readUInt16BE(from + 2 * i)).filter(
    (at) => at >= from && at < PAGE - 4,
  )
}

/** @throws RangeError where the cell is not whole */
function readEntry(pages: Pages, page: Buffer, at: number, isTable: boolean): Entry {
  const [length, afterLength] = varint(page, at)
  const [rowid, from] = isTable ? varint(page, afterLength) : [undefined, afterLength]
  return { rowid, columns: columnsOf(payload(pages, page, from, length, isTable)) }
}

function payload(pages: Pages, page: Buffer, at: number, length: number, isTable: boolean): Buffer {
  if (length > LONGEST) throw new RangeError('a payload is too long')
  const most = isTable ? MOST_LOCAL.table : MOST_LOCAL.index
  if (length <= most) return slice(page, at, length)
  const wanted = LEAST_LOCAL + ((length - LEAST_LOCAL) % (PAGE - 4))
  const local = wanted <= most ? wanted : LEAST_LOCAL
  if (length > pages.count * PAGE) throw new RangeError('a payload is longer than the file')
  const bytes = Buffer.allocUnsafe(length)
  slice(page, at, local).copy(bytes)
  let next = slice(page, at + local, 4).readUInt32BE(0)
  for (let done = local; done < length; done += PAGE - 4) {
    if (next < 2 || next > pages.count) throw new RangeError('a payload goes on nowhere')
    const overflow = pages.glance(next)
    overflow.copy(bytes, done, 4, Math.min(PAGE, 4 + length - done))
    next = overflow.readUInt32BE(0)
  }
  return bytes
}

/** Columns of a record (§2.1). */
function columnsOf(record: Buffer): readonly Cell[] {
  const [end, first] = varint(record, 0)
  const columns: Cell[] = []
  let body = end
  for (let at = first; at < end; ) {
    const [type, next] = varint(record, at)
    const width = widthOf(type)
    columns.push(cell(type, slice(record, body, width)))
    body += width
    at = next
  }
  if (body !== record.length) throw new RangeError('a record is not as long as it says')
  return columns
}

const WIDTHS = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0] as const

function widthOf(type: number): number {
  const width = type < 12 ? WIDTHS[type] : Math.floor((type - 12) / 2)
  if (width === undefined) throw new RangeError('a column has a type that there is not')
  return width
}

function cell(type: number, bytes: Buffer): Cell {
  if (type === 0) return null
  if (type <= 5) return bytes.readIntBE(0, bytes.length)
  if (type === 6) return plain(bytes.readBigInt64BE(0))
  if (type === 7) return bytes.readDoubleBE(0)
  if (type < 12) return type - 8
  return type % 2 === 0 ? bytes : bytes.toString('utf8')
}

function plain(n: bigint): number | bigint {
  return n >= Number.MIN_SAFE_INTEGER && n <= Number.MAX_SAFE_INTEGER ? Number(n) : n
}

/** Bytes that may be kept. @throws RangeError past the end */
function slice(bytes: Buffer, at: number, length: number): Buffer {
  if (length < 0 || at + length > bytes.length) throw new RangeError('it ends too early')
  return bytes.subarray(at, at + length)
}

/** A big-endian variable-length integer (§1.6) and where it ends; those beyond 2^53 are damage here. */
function varint(bytes: Buffer, at: number): readonly [number, number] {
  let value = 0
  for (let i = 0; i < 8; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) throw new RangeError('it ends too early')
    value = value * 128 + (byte & 127)
    if (byte < 128) {
      if (!Number.isSafeInteger(value)) throw new RangeError('a number is too large')
      return [value, at + i + 1]
    }
  }
  throw new RangeError('a number is too large')
}

const LEAST_ENTRY = 5
/** Pages that one page of the pointer map tells about, and itself. */
const MAPPED = Math.floor(PAGE / LEAST_ENTRY) + 1
/** The page that holds SQLite's lock bytes is never used. */
const LOCK_PAGE = 2 ** 30 / PAGE + 1
const IS_FREE = 2
const IS_INNER = 5

/** What the file's pointer map says of a page (§1.8): auto-vacuum keeps it for every page, beside the trees. */
type Mapped = { readonly kind: number; readonly parent: number } | undefined

/** Looks pages up in the pointer map; its pages are asked for again and again, so the latest one stays. */
function openMap(pages: Pages): (number: number) => Mapped {
  let held: { readonly number: number; readonly page: Buffer } | undefined
  return (number) => {
    if (number < 2) return undefined
    const nominal = Math.floor((number - 2) / MAPPED) * MAPPED + 2
    const map = nominal === LOCK_PAGE ? nominal + 1 : nominal
    if (number <= map || map > pages.count) return undefined
    const at = LEAST_ENTRY * (number - map - 1)
    if (at + LEAST_ENTRY > PAGE) return undefined
    if (held?.number !== map) held = { number: map, page: pages.page(map) }
    return { kind: held.page[at]!, parent: held.page.readUInt32BE(at + 1) }
  }
}

/** Which tree a page belongs to, by the root of the tree. */
export interface Owners {
  /** Pages of a tree, its root first. */
  of(root: number): readonly number[]
  /** Whether a tree points to pages that the file does not have. */
  isCut(root: number): boolean
  /** Whether no tree holds the page, though the map does not say that what lies in it was deleted. */
  isUnclaimed(number: number): boolean
}

/**
 * Finds the pages of each tree from above, and from below by the pointer map where a page in between is damaged.
 * @param roots pages where a tree begins; of two that claim a page the first has it
 */
export function findOwners(pages: Pages, roots: readonly number[]): Owners {
  const mapped = openMap(pages)
  const owner = new Uint32Array(pages.count + 1)
  const found = new Map<number, number[]>(roots.map((root) => [root, []]))
  const cut = new Set(roots.filter((root) => root > pages.count))
  function give(number: number, root: number): void {
    owner[number] = root
    found.get(root)!.push(number)
  }
  function descend(number: number, root: number): void {
    for (const child of childrenOf(pages.glance(number), number)) {
      if (child < 1 || child > pages.count) cut.add(root)
      if (child < 1 || child > pages.count || owner[child] !== 0) continue
      give(child, root)
      descend(child, root)
    }
  }
  const begun = roots.filter((root) => root <= pages.count)
  for (const root of begun) give(root, root)
  for (const root of begun) descend(root, root)

  for (let number = 2; number <= pages.count; number++) {
    const path = new Set<number>()
    let at = number
    while (owner[at] === 0 && !path.has(at)) {
      const entry = mapped(at)
      if (entry?.kind !== IS_INNER || entry.parent > pages.count) break
      path.add(at)
      at = entry.parent
    }
    if (owner[at] !== 0) for (const page of path) give(page, owner[at]!)
  }
  return {
    of: (root) => found.get(root) ?? [],
    isCut: (root) => cut.has(root),
    isUnclaimed: (number) => owner[number] === 0 && mapped(number)?.kind !== IS_FREE,
  }
}
