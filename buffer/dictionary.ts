import { canonicalJson } from '../core/encoding.ts'
import type { SignalSpec } from '../core/signal.ts'
import type { Db } from './database.ts'

/** Rows of the dictionary that `signal` may also stand for: damage hides which signal it was. */
export const UNKNOWN_SIGNAL = -1

/** A (source, asset) that says how far it is complete. */
export interface Feed {
  readonly source: string
  readonly asset: string
}

/**
 * Small numbers for what chunks refer to: signals, feeds, runs of the process. A row never changes and never goes.
 * Each `intern…` is a transaction of its own: numbers are remembered only once they are durable.
 */
export interface Dictionary {
  internSignals(specs: readonly SignalSpec[]): readonly number[]
  /** @throws RangeError for an index that was never given out. */
  signal(index: number): SignalSpec
  /** every row, by index */
  readonly signals: readonly SignalSpec[]
  internFeeds(feeds: readonly Feed[]): readonly number[]
  feed(index: number): Feed
  internBoot(name: string): number
  boot(index: number): string
}

export function makeDictionary(db: Db): Dictionary {
  const signals = makeTable(
    db,
    'SELECT id, spec FROM signal ORDER BY id',
    'INSERT INTO signal VALUES (?, ?)',
    (spec: SignalSpec) => [canonicalJson(spec)],
    ([spec]): SignalSpec => JSON.parse(spec!),
  )
  const feeds = makeTable(
    db,
    'SELECT id, source, asset FROM feed ORDER BY id',
    'INSERT INTO feed VALUES (?, ?, ?)',
    (feed: Feed) => [feed.source, feed.asset],
    ([source, asset]) => ({ source: source!, asset: asset! }),
  )
  const boots = makeTable(
    db,
    'SELECT id, name FROM boot ORDER BY id',
    'INSERT INTO boot (id, name) VALUES (?, ?)',
    (name: string) => [name],
    ([name]) => name!,
  )
  return {
    internSignals: signals.intern,
    signal: signals.row,
    signals: signals.rows,
    internFeeds: feeds.intern,
    feed: feeds.row,
    internBoot: (name) => boots.intern([name])[0]!,
    boot: boots.row,
  }
}

/** An append-only table held in memory, numbered from 0. */
function makeTable<Row>(
  db: Db,
  select: string,
  insert: string,
  columnsOf: (row: Row) => readonly string[],
  rowOf: (columns: readonly string[]) => Row,
) {
  const rows: Row[] = []
  const indexes = new Map<string, number>()
  const keyOf = (columns: readonly string[]): string => columns.join('\0')
  for (const [id, ...columns] of db.prepare<[], [number, ...string[]]>(select).raw().iterate()) {
    rows[id] = rowOf(columns)
    indexes.set(keyOf(columns), id)
  }
  const add = db.prepare(insert)

  return {
    rows: rows as readonly Row[],
    row(index: number): Row {
      const row = rows[index]
      if (row === undefined) throw new RangeError(`index ${index} was never given out`)
      return row
    },
    intern(wanted: readonly Row[]): readonly number[] {
      const fresh = new Map<string, readonly string[]>()
      const keys = wanted.map((row) => {
        const columns = columnsOf(row)
        const key = keyOf(columns)
        if (!indexes.has(key)) fresh.set(key, columns)
        return key
      })
      if (fresh.size > 0) {
        const base = rows.length
        const added = [...fresh.values()]
        db.transaction(() => added.forEach((columns, i) => void add.run(base + i, ...columns)))()
        for (const columns of added) {
          indexes.set(keyOf(columns), rows.length)
          rows.push(rowOf(columns))
        }
      }
      return keys.map((key) => indexes.get(key)!)
    },
  }
}
