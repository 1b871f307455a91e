import Database from 'better-sqlite3'
import type { Cell } from './b-tree.ts'
import type { Db } from './database.ts'
import type { Row } from './wreck.ts'

/** Takes over the rows that the table's own rules let in. */
export function copyRows(db: Db, table: string, rows: Iterable<Row>): void {
  const copy = makeCopy(db, table)
  for (const row of rows) copy(row)
}

/** Takes over a row that the table's own rules let in. Statements are kept, because each takes memory that is not the heap's. */
export function makeCopy(db: Db, table: string): (row: Row) => void {
  const statements = new Map<string, Database.Statement>()
  return (row) => {
    const names = Object.keys(row)
    const sql = `INSERT OR IGNORE INTO ${table} (${names}) VALUES (${names.map(() => '?')})`
    const insert = statements.get(sql) ?? db.prepare(sql)
    statements.set(sql, insert)
    try {
      insert.run(...Object.values(row).map((value) => (isEndless(value) ? null : value)))
    } catch (error) {
      if (!(error instanceof Database.SqliteError && error.code.startsWith('SQLITE_CONSTRAINT'))) throw error
    }
  }
}

/** No number that Sluice stores is infinite; readings do not lie in columns. */
function isEndless(value: Cell): boolean {
  return value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY
}
