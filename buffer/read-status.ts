import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import { unixMs } from '../core/brand.ts'
import { Fault } from '../core/fault.ts'
import { checkOwner, databasePath, faultOf } from './database.ts'
import { MIGRATIONS } from './migrations.ts'
import type { StoreStatus } from './port.ts'
import { statusOf } from './status.ts'
import { makeTables, type Tables } from './tables.ts'

/**
 * Status of a data folder that no agent has open.
 * @param now UnixMs
 * @throws Fault as `readTables`
 */
export function readStatus(data_dir: string, now: number): StoreStatus {
  return readTables(data_dir, (tables) => statusOf(tables, data_dir, unixMs(now)))
}

/**
 * Reads a data folder that no agent has open; the database stays as it is (SQLite may leave an empty journal).
 * @throws Fault `agent-absent` where the folder holds nothing yet, `store-locked` while an agent runs, `store-foreign`,
 * `store-newer`, `store-io`
 */
export function readTables<T>(data_dir: string, read: (tables: Tables) => T): T {
  const path = databasePath(data_dir)
  if (!existsSync(path)) {
    throw new Fault('agent-absent', { file: path }, 'nothing is stored here: no agent has run with this data_dir yet')
  }
  try {
    using opened = openReadOnly(path)
    return read(opened.tables)
  } catch (error) {
    throw faultOf(error, path) ?? error
  }
}

/**
 * Opens a file that no agent has open, for reading: that of a data folder, or one that was set aside.
 * @throws Fault as `readTables`, SqliteError
 */
export function openReadOnly(path: string): Disposable & { readonly tables: Tables } {
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 1_000 })
  try {
    if (checkOwner(db, path) || Number(db.pragma('user_version', { simple: true })) < MIGRATIONS.length) {
      throw new Fault('agent-absent', { file: path }, 'the file is not of this version yet: start the agent once')
    }
    return { tables: makeTables(db), [Symbol.dispose]: () => void db.close() }
  } catch (error) {
    db.close()
    throw error
  }
}
