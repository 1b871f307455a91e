import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Fault } from '../core/fault.ts'
import { syncFolder } from './database.ts'

/** Bytes that the database may always take, whatever other programs leave free; the least `max_size`. */
const LEAST = 16e6
/** Bytes of the ballast: room for a commit, a checkpoint and the high-water file. */
const BALLAST = 8 * 2 ** 20
/** A disk that had less than `min_free` is not low any more once it has this times as much. */
const RECOVERED = 1.1

/** What the file system of the data folder leaves for the database. Other programs fill it too. */
export interface FreeDisk {
  /**
   * Bytes that the database may take now: `max_size`, or where the disk has less than `min_free` beside it, what it
   * has taken already (at least 16 MB, without which nothing could be held).
   */
  allowance(file_bytes: number): number
  /** Whether the disk had less than `min_free` when it was last asked. */
  readonly isLow: boolean
  /**
   * Gives up the ballast where the disk is out of room. After SQLITE_FULL not even a DELETE succeeds, for that writes to
   * the journal too. @returns whether there was one
   */
  dropBallast(): boolean
  /** Lays the ballast down again once there is room for it. */
  restoreBallast(): void
}

/** @param free bytes that this user may still write on the file system of a folder */
export function makeFreeDisk(input: {
  readonly data_dir: string
  readonly max_size: number
  readonly min_free: number
  readonly free?: ((folder: string) => number) | undefined
}): FreeDisk {
  const { data_dir, max_size, min_free, free = freeBytes } = input
  const ballast = join(data_dir, 'ballast')
  let isLow = false

  /** Bytes beyond what must stay free. */
  function spare(): number {
    const bytes = free(data_dir)
    isLow = bytes < min_free * (isLow ? RECOVERED : 1)
    return bytes - min_free
  }

  return {
    allowance(file_bytes) {
      const most = file_bytes + Math.max(0, spare())
      return Math.min(max_size, Math.max(LEAST, most))
    },
    get isLow() {
      return isLow
    },
    dropBallast() {
      // At max_size SQLite says the same, and then the disk is not what is full.
      if (!existsSync(ballast) || spare() > BALLAST) return false
      rmSync(ballast, { force: true })
      return true
    },
    restoreBallast() {
      if (existsSync(ballast) || spare() < 2 * BALLAST) return
      layDown(ballast)
      syncFolder(data_dir)
    },
  }
}

/** Random bytes, because a file system that compresses would keep no room for others. */
function layDown(path: string): void {
  const fd = openSync(path, 'wx', 0o600)
  try {
    writeFileSync(fd, randomBytes(BALLAST))
    fsyncSync(fd)
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

/** Bytes that an unprivileged user may still write on the file system of `folder`. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** Whether SQLite or the system said that there is no room left, or an opening that says it in one word. */
export function isOutOfRoom(error: unknown): boolean {
  if (error instanceof Fault) return error.code === 'store-full'
  if (error instanceof Database.SqliteError) return error.code === 'SQLITE_FULL'
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}
