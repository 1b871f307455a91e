import Database from 'better-sqlite3'
import { type Cell, type Entry, entriesOf, findOwners, isTableLeaf, rowAt, rowsOf } from './b-tree.ts'
import { layOut, migrate, PAGE } from './database.ts'
import { MIGRATIONS } from './migrations.ts'
import { openPages, type Pages } from './pages.ts'

export type Row = Readonly<Record<string, Cell>>

/** What is left of a damaged file of ours, table by table. Reads only. */
export interface Wreck extends Disposable {
  /** `user_version` of the file; the newest where that is lost */
  readonly version: number
  readonly tables: readonly string[]
  /**
   * Rows of a table that can be read and that a second copy, in a UNIQUE index, does not contradict; what only that copy
   * has of others.
   */
  rows(table: string): IteratorObject<Row>
  /**
   * Rows of the leaves of the log, and of leaves that nobody claims, in their order; undefined for each that cannot be
   * read. Their checksum must say whether they are what was written.
   * @param room bytes; of a larger file the newest that may fit
   */
  chunks(room: number): IteratorObject<Row | undefined>
  /** Whether something of a table is known to be missing, as far as its pages tell. */
  isTorn(table: string): boolean
}

/** A table as the migrations make it, which is the same in every file of one version. */
interface Shape {
  readonly name: string
  readonly root: number
  /** as they lie in a row on the disk */
  readonly columns: readonly string[]
  /** column that is the row's number, or undefined */
  readonly key: string | undefined
  /** its UNIQUE indexes: a second copy of these columns */
  readonly copies: readonly { readonly root: number; readonly columns: readonly string[] }[]
}

/** Page where the table of tables begins. */
const SCHEMA = 1
/** Offset of `user_version` in the header (fileformat2 §1.3). */
const USER_VERSION = 60

/**
 * @param goesOn called every few pages
 * @throws where the file cannot be read at all
 */
export function openWreck(path: string, goesOn?: () => void): Wreck {
  const pages = openPages(path, goesOn)
  const version = schemaVersion(pages) ?? statedVersion(pages) ?? MIGRATIONS.length
  const shapes = new Map(shapesOf(version).map((shape) => [shape.name, shape]))
  const log = shapes.get('chunk')!
  const others = [...shapes.values()].flatMap(({ root, copies }) => [root, ...copies.map((copy) => copy.root)])
  const roots = [log.root, ...others.filter((root) => root !== log.root), SCHEMA]
  const owners = findOwners(pages, roots)
  /** roots of trees that lack something, and tables whose copies contradict them */
  const torn = new Set<number | string>(roots.filter((root) => owners.isCut(root)))

  function* entries(root: number): Generator<Entry> {
    for (const number of owners.of(root)) {
      for (const entry of entriesOf(pages, number)) {
        if (entry) yield entry
        else torn.add(root)
      }
    }
  }

  /** What an index has of each row, by its number. */
  function copyOf({ root, columns }: Shape['copies'][number], key: string): Copy {
    const rows = new Map<Cell, Row>()
    for (const entry of entries(root)) {
      const row = rowOf(entry, [...columns, key], undefined)
      if (row) rows.set(row[key]!, row)
    }
    return { columns, rows, ids: new Map(rows.entries().map(([id, row]) => [textOf(row, columns), id])) }
  }

  return {
    version,
    tables: [...shapes.keys()],
    *rows(table) {
      const shape = shapes.get(table)!
      const { key = '' } = shape
      const copies = shape.copies.map((copy) => copyOf(copy, key))
      const seen = new Set<Cell>()
      for (const entry of entries(shape.root)) {
        const row = rowOf(entry, shape.columns, shape.key)
        if (row) seen.add(row[key] ?? null) // where two copies contradict, neither is believed
        if (row && copies.every((copy) => agrees(row, row[key]!, copy))) yield row
        else torn.add(table)
      }
      for (const { rows } of copies) {
        for (const [id, row] of rows) {
          if (seen.has(id)) continue
          torn.add(table)
          yield row
        }
      }
    },
    *chunks(room) {
      const leaves = new Set<number>(owners.of(log.root))
      for (let number = 2; number <= pages.count; number++) {
        if (isTableLeaf(pages.glance(number)) && owners.isUnclaimed(number)) leaves.add(number)
      }
      const ids: number[] = []
      const places: number[] = []
      for (const number of leaves) {
        for (const row of rowsOf(pages.page(number))) {
          if (!row) yield undefined
          else places[ids.push(row.rowid) - 1] = number * PAGE + row.at
        }
      }
      // By row, because a leaf that was used again holds rows of two times.
      const order = Uint32Array.from(ids, (_, i) => i).sort((a, b) => ids[a]! - ids[b]!)
      const skipped = Math.ceil(order.length * Math.max(0, 1 - room / (pages.count * PAGE)))
      for (const i of order.subarray(skipped)) {
        const entry = rowAt(pages, Math.floor(places[i]! / PAGE), places[i]! % PAGE)
        yield entry && rowOf(entry, log.columns, log.key)
      }
    },
    isTorn: (table) => torn.has(table) || torn.has(shapes.get(table)!.root),
    [Symbol.dispose]: () => pages[Symbol.dispose](),
  }
}

/** @returns undefined where the entry is not of this shape */
function rowOf(entry: Entry, columns: readonly string[], key: string | undefined): Row | undefined {
  if (entry.columns.length > columns.length || (entry.rowid === undefined) !== (key === undefined)) return undefined
  // A row from before a column was added lacks it.
  const row = Object.fromEntries(columns.map((name, i) => [name, entry.columns[i] ?? null]))
  return key === undefined ? row : { ...row, [key]: entry.rowid! }
}

interface Copy {
  readonly columns: readonly string[]
  readonly rows: ReadonlyMap<Cell, Row>
  /** which row has these columns */
  readonly ids: ReadonlyMap<string, Cell>
}

const textOf = (row: Row, columns: readonly string[]): string => columns.map((name) => String(row[name])).join('\0')

/** An older page of the index may lack the row; it must not have another under its number, or its columns under another. */
function agrees(row: Row, id: Cell, { columns, rows, ids }: Copy): boolean {
  const copy = rows.get(id)
  return copy ? textOf(copy, columns) === textOf(row, columns) : !ids.has(textOf(row, columns))
}

/** Whether a file has the tables of ours, whatever its header says. */
export function isOurs(path: string): boolean {
  using pages = openPages(path)
  return schemaVersion(pages) !== undefined
}

/** The version whose tables are the file's, to the letter. */
function schemaVersion(pages: Pages): number | undefined {
  const columnsOfSchema = ['type', 'name', 'tbl_name', 'rootpage', 'sql']
  const { of } = findOwners(pages, [SCHEMA])
  const entries = of(SCHEMA).flatMap((number) => [...entriesOf(pages, number)])
  const found = entries.map((entry) => entry && rowOf(entry, columnsOfSchema, 'rowid')?.sql)
  return MIGRATIONS.map((_, i) => i + 1).find((version) => {
    using fresh = openFresh(version)
    const expected = fresh.db.prepare<[], string | null>('SELECT sql FROM sqlite_schema').pluck().all()
    return expected.length === found.length && expected.every((sql) => found.includes(sql))
  })
}

function statedVersion(pages: Pages): number | undefined {
  const stated = pages.count > 0 ? pages.page(1).readUInt32BE(USER_VERSION) : 0
  return stated >= 1 && stated <= MIGRATIONS.length ? stated : undefined
}

/** An empty file of this version, in memory. */
function openFresh(version: number): Disposable & { readonly db: Database.Database } {
  const db = new Database(':memory:')
  layOut(db)
  migrate(db, MIGRATIONS.slice(0, version))
  return { db, [Symbol.dispose]: () => void db.close() }
}

/** The tables that a file of this version has. */
function shapesOf(version: number): readonly Shape[] {
  using fresh = openFresh(version)
  const { db } = fresh
  const roots = new Map(db.prepare<[], [string, number]>('SELECT name, rootpage FROM sqlite_schema').raw().all())
  const tables = db
    .prepare<[], { name: string; wr: 0 | 1 }>("SELECT name, wr FROM pragma_table_list WHERE type = 'table'")
    .all()
  const columns = db.prepare<[string], { name: string; pk: number }>('SELECT name, pk FROM pragma_table_info(?)')
  const indexes = db.prepare<[string], string>("SELECT name FROM pragma_index_list(?) WHERE origin = 'u'").pluck()
  const indexed = db.prepare<[string], string>('SELECT name FROM pragma_index_info(?) ORDER BY seqno').pluck()
  return tables
    .filter(({ name }) => roots.has(name))
    .map(({ name, wr }) => {
      const all = columns.all(name)
      const keys = all.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk)
      const inOrder = wr === 1 ? [...keys, ...all.filter(({ pk }) => pk === 0)] : all
      return {
        name,
        root: roots.get(name)!,
        columns: inOrder.map((column) => column.name),
        key: wr === 1 ? undefined : keys[0]?.name,
        copies: indexes.all(name).map((index) => ({ root: roots.get(index)!, columns: indexed.all(index) })),
      }
    })
}
