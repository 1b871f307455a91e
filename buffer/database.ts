import { closeSync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Fault } from '../core/fault.ts'
import { APPLICATION_ID, MIGRATIONS } from './migrations.ts'

export type Db = Database.Database

/** Bytes a page of the file. */
export const PAGE = 4096

/** Path of the one file. */
export function databasePath(data_dir: string): string {
  return join(data_dir, 'sluice.db')
}

/**
 * Opens the file for writing, alone, durable at every commit, at the newest schema.
 * @throws SqliteError, Fault `store-foreign` | `store-newer`
 */
export function connect(path: string, max_size: number): Db {
  const db = new Database(path, { timeout: 1_000 })
  try {
    db.pragma('locking_mode = EXCLUSIVE')
    const blank = checkOwner(db, path)
    if (blank) layOut(db)
    expectPragma(db, 'journal_mode = WAL', 'wal')
    // better-sqlite3 is built to open an existing WAL file at NORMAL, which does not fsync at commit.
    db.pragma('synchronous = FULL')
    expectPragma(db, 'synchronous', 2)
    db.pragma('wal_autocheckpoint = 1000')
    db.pragma('journal_size_limit = 4194304')
    db.pragma(`max_page_count = ${Math.floor(max_size / PAGE)}`)
    db.pragma('cache_size = -2000')
    db.pragma('trusted_schema = OFF')
    db.pragma('temp_store = MEMORY') // a full disk must not keep us from sorting what goes
    migrate(db, MIGRATIONS)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** How the pages of a file lie, before its first table; `b-tree.ts` relies on it. */
export function layOut(db: Db): void {
  db.pragma(`page_size = ${PAGE}`)
  db.pragma('auto_vacuum = INCREMENTAL')
}

/**
 * Refuses what Sluice did not write or what a newer one wrote; alters nothing.
 * @returns whether the file is still blank
 * @throws Fault `store-foreign` | `store-newer`
 */
export function checkOwner(db: Db, path: string): boolean {
  const application = db.pragma('application_id', { simple: true })
  const version = Number(db.pragma('user_version', { simple: true }))
  const tables = db.prepare<[], number>('SELECT count(*) FROM sqlite_schema').pluck().get()
  const blank = application === 0 && version === 0 && tables === 0
  if (application !== APPLICATION_ID && !blank) {
    throw new Fault('store-foreign', { file: path }, 'the file is another program’s database')
  }
  if (version > MIGRATIONS.length) {
    throw new Fault(
      'store-newer',
      { file: path },
      `the file has format ${version}, this Sluice knows ${MIGRATIONS.length}`,
    )
  }
  return blank
}

/** Brings the file to the newest format in one transaction, which also proves that we may write. */
export function migrate(db: Db, migrations: readonly string[]): void {
  db.transaction(() => {
    const version = Number(db.pragma('user_version', { simple: true }))
    for (const step of migrations.slice(version)) db.exec(step)
    if (version === migrations.length) return
    db.pragma(`application_id = ${APPLICATION_ID}`)
    db.pragma(`user_version = ${migrations.length}`)
  }).immediate()
}

function expectPragma(db: Db, pragma: string, expected: string | number): void {
  const actual = db.pragma(pragma, { simple: true })
  if (actual !== expected)
    throw new Fault('store-io', { file: db.name }, `${pragma} is ${String(actual)}, not ${expected}`)
}

/** Makes names in a folder durable. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** What SQLite cannot see is wrong with the file, said as it would. */
export function damage(message: string): Error {
  return new Database.SqliteError(message, 'SQLITE_CORRUPT')
}

/** Whether SQLite says that the file itself is not right. */
export function isDamage(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code)
}

const REFUSALS: Readonly<Record<string, string>> = {
  ENOENT: 'the folder that it should be in does not exist',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EACCES: 'this user may not read and write it',
  EPERM: 'this user may not read and write it',
  EROFS: 'the file system is read-only',
  SQLITE_READONLY: 'it may not be written',
}

/** What an operator can meet, as a Fault; undefined for anything else, which is a bug. */
export function faultOf(error: unknown, path: string): Fault | undefined {
  if (error instanceof Fault) return error
  const code =
    error instanceof Database.SqliteError
      ? error.code
      : error instanceof Error && 'syscall' in error && 'code' in error
        ? String(error.code)
        : undefined
  if (code === undefined) return undefined
  // The system names the file that it refuses, which may be another one of the folder.
  const where = { file: error instanceof Error && 'path' in error ? String(error.path) : path }
  const options = { cause: error }
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) {
    return new Fault('store-locked', where, 'another process holds the file', options)
  }
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT') {
    return new Fault('store-full', where, 'there is no room left', options)
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return new Fault('store-io', where, `the file is damaged (${code})`, options)
  }
  if (/^SQLITE_(IOERR|READONLY|CANTOPEN|PERM|AUTH|NOLFS|PROTOCOL)/.test(code) || !code.startsWith('SQLITE_')) {
    return new Fault('store-io', where, `${REFUSALS[code] ?? 'the disk refused'} (${code})`, options)
  }
  return undefined
}
