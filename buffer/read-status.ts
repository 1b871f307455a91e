import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import { unixMs } from '../core/brand.ts'
import { Fault } from '../core/fault.ts'
import { checkOwner, databasePath, faultOf } from './database.ts'
import { MIGRATIONS } from './migrations.ts'
import type { StoreStatus } from './port.ts'
import { statusOf } from './status.ts'
import { makeTables } from './tables.ts'

/**
 * Status of a data folder that no agent has open; the database stays as it is (SQLite may leave an empty journal).
 * @param now UnixMs
 * @throws Fault `agent-absent` where the folder holds nothing yet, `store-locked` while an agent runs, `store-foreign`,
 * `store-newer`, `store-io`
 */
export function readStatus(data_dir: string, now: number): StoreStatus {
  const path = databasePath(data_dir)
  if (!existsSync(path)) {
    throw new Fault('agent-absent', { file: path }, 'nothing is stored here: no agent has run with this data_dir yet')
  }
  try {
    using resources = new DisposableStack()
    const db = resources.adopt(new Database(path, { readonly: true, timeout: 1_000 }), (open) => open.close())
    if (checkOwner(db, path) || Number(db.pragma('user_version', { simple: true })) < MIGRATIONS.length) {
      throw new Fault('agent-absent', { file: path }, 'the file is not of this version yet: start the agent once')
    }
    return statusOf(makeTables(db), data_dir, unixMs(now))
  } catch (error) {
    throw faultOf(error, path) ?? error
  }
}
