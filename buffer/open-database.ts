import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { Fault } from '../core/fault.ts'
import type { SignalSpec } from '../core/signal.ts'
import { checkOwner, connect, type Db, databasePath, faultOf, isDamage, syncFolder } from './database.ts'
import { isWalBroken } from './pages.ts'
import { type OnProgress, salvage } from './salvage.ts'
import { isOurs } from './wreck.ts'

/** Why a file was set aside: it is damaged, another program's, or of a newer Sluice. */
export const ASIDE = ['damaged', 'foreign', 'newer'] as const
/** A file that was moved out of the way and is kept as it was. */
export interface SetAside {
  readonly why: (typeof ASIDE)[number]
  readonly file: string
}

/** What of the free space of the disk a salvaged file may take. */
const SHARE_OF_DISK = 0.9
/** The journals first: a fresh database must never find an old one's. */
const SUFFIXES = ['-wal', '-journal', ''] as const

/**
 * Opens the file of a data folder (`connect`). A damaged one is set aside and what can be read in it is in a fresh one; a
 * foreign or newer one is set aside untouched. Nothing is moved before the fresh file is whole, so a kill in between costs
 * nothing.
 * @param options.damaged it was found damaged while it was open
 * @param options.known rows of the dictionary that the process holds, by index
 * @param options.onProgress of a salvage
 * @throws Fault `store-locked` | `store-io` | `store-full`
 */
export function openDatabase(
  data_dir: string,
  options: {
    readonly max_size: number
    readonly now: number
    readonly damaged?: boolean
    readonly known?: readonly SignalSpec[]
    readonly onProgress?: OnProgress
  },
): { readonly db: Db; readonly set_aside: SetAside | undefined } {
  const { now, known = [], onProgress } = options
  const path = databasePath(data_dir)
  try {
    // Not its parents: a mount that is missing must not be replaced by a folder on the system disk.
    if (!existsSync(data_dir)) {
      mkdirSync(data_dir, { mode: 0o700 })
      syncFolder(dirname(data_dir)) // else a power cut may take the new folder with all that is in it
    }
    let set_aside = existsSync(`${path}.new`) ? swap(data_dir, now) : undefined
    const why = options.damaged ? 'damaged' : judge(path)
    if (why) set_aside = replace(data_dir, why, { now, known, onProgress })
    prepareFile(data_dir)
    try {
      return { db: connect(path, options.max_size), set_aside }
    } catch (error) {
      if (why || !isUnusable(error)) throw error
    }
    set_aside = replace(data_dir, 'damaged', { now, known, onProgress })
    return { db: connect(path, options.max_size), set_aside }
  } catch (error) {
    throw faultOf(error, path) ?? error
  }
}

/** What is wrong with a file that nobody has open; undefined where nothing can be seen. */
function judge(path: string): SetAside['why'] | undefined {
  // SQLite would delete a log that has no database.
  if (sizeOf(path) === 0) return sizeOf(`${path}-wal`) > 0 ? 'damaged' : undefined
  try {
    // Read-only, so that not even the log of a file that is not ours is worked into it.
    using resources = new DisposableStack()
    const db = resources.adopt(new Database(path, { readonly: true, timeout: 1_000 }), (open) => open.close())
    checkOwner(db, path)
  } catch (error) {
    if (isUnusable(error)) return 'damaged'
    const code = error instanceof Fault ? error.code : undefined
    // A flipped bit in the header of a file of ours.
    if (code === 'store-foreign' || code === 'store-newer')
      return isOurs(path) ? 'damaged' : code === 'store-newer' ? 'newer' : 'foreign'
    if (faultOf(error, path)?.code === 'store-locked') throw error
    return undefined // whether it can be written is the next question, and it says why not
  }
  return isWalBroken(path) ? 'damaged' : undefined
}

/** Whether SQLite cannot work with what stands in the file: it is damaged, or lacks tables it should have. */
function isUnusable(error: unknown): boolean {
  return isDamage(error) || (error instanceof Database.SqliteError && error.code === 'SQLITE_ERROR')
}

/** Puts a fresh file in the place of one that cannot be used. */
function replace(
  data_dir: string,
  why: SetAside['why'],
  salvaging: {
    readonly now: number
    readonly known: readonly SignalSpec[]
    readonly onProgress: OnProgress | undefined
  },
): SetAside | undefined {
  const { now } = salvaging
  using _lock = takeLock(data_dir)
  const path = databasePath(data_dir)
  if (why !== 'damaged') return setAside(data_dir, why, now)
  if (!existsSync(path) && !existsSync(`${path}-wal`)) return undefined
  const { bavail, bsize } = statfsSync(data_dir)
  salvage(path, `${path}.part`, { ...salvaging, room: bavail * bsize * SHARE_OF_DISK })
  renameSync(`${path}.part`, `${path}.new`)
  syncFolder(data_dir)
  return swap(data_dir, now)
}

/** A salvaged file that is whole takes its place; it may have been made by a process that was killed. */
function swap(data_dir: string, now: number): SetAside | undefined {
  const path = databasePath(data_dir)
  const aside = setAside(data_dir, 'damaged', now)
  renameSync(`${path}.new`, path)
  syncFolder(data_dir)
  return aside
}

/** Two agents must not mend one folder at the same time. */
function takeLock(data_dir: string): Disposable {
  const path = `${databasePath(data_dir)}.lock`
  const db = new Database(path, { timeout: 0 })
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    throw error
  }
  return {
    [Symbol.dispose]() {
      db.close()
      rmSync(path, { force: true })
    },
  }
}

/** An empty file only its owner may read, whose name survives a power cut. */
function prepareFile(data_dir: string): void {
  closeSync(openSync(databasePath(data_dir), 'a', 0o600))
  syncFolder(data_dir)
}

/** Moves database and journals out of the way. @returns undefined where nothing was there */
function setAside(data_dir: string, why: SetAside['why'], now: number): SetAside | undefined {
  const path = databasePath(data_dir)
  const name = `${path}.${why}-${new Date(now).toISOString().replace(/[:.]/g, '')}`
  let file = name
  for (let i = 2; SUFFIXES.some((suffix) => existsSync(file + suffix)); i++) file = `${name}-${i}`
  rmSync(`${path}-shm`, { force: true }) // an index of the log, made anew by whoever opens it
  if (sizeOf(`${path}-wal`) === 0) rmSync(`${path}-wal`, { force: true })
  const there = SUFFIXES.filter((suffix) => existsSync(path + suffix))
  for (const suffix of there) renameSync(path + suffix, file + suffix)
  syncFolder(data_dir)
  return there.length > 0 ? { why, file } : undefined
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
