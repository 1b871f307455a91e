import { randomBytes } from 'node:crypto'
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { databasePath, syncFolder } from '../../buffer/database.ts'
import { makeClock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { writeKeyFile } from '../audit/audit-key.ts'
import { askAgent, socketPath } from '../daemon/control.ts'
import type { KeyEvent } from '../daemon/key-desk.ts'
import { type LoadedGateway, unlessAbsent } from './common.ts'
import { checkDataFolder, openDataFolder } from './data-folder.ts'

/** The text of a key file. @throws Fault `key-missing` | `key-invalid` where there is none, or others may use it */
export function readKeyFile(file: string): string {
  const stat = orFault(file, () => statSync(file, { throwIfNoEntry: false }))
  if (!stat) throw new Fault('key-missing', { file }, 'there is no such key file')
  if ((stat.mode & 0o077) !== 0)
    throw new Fault('key-invalid', { file }, 'others than its owner may use the key: chmod 600, and consider it known')
  return orFault(file, () => readFileSync(file, 'utf8').trim())
}

/**
 * Puts a key into a file, whole or not at all, in the place of what lies there. It belongs to whoever owns `like`, even where
 * root does it: the agent must be able to read it. @throws Fault `config-unreadable`
 */
export function putKeyFile(like: string, file: string, text: string): void {
  orFault(file, () => {
    const { uid, gid } = statSync(like)
    const fresh = `${like}.new`
    rmSync(fresh, { force: true }) // left by a run that was cut
    writeKeyFile(fresh, text)
    if (process.geteuid?.() === 0) chownSync(fresh, uid, gid)
    renameSync(fresh, file)
    syncFolder(dirname(file))
  })
}

/** The same, and erases the key that lay there. Whenever it is cut there is a key, and the next run erases what it left. */
export function replaceAndErase(file: string, text: string): void {
  const old = `${file}.gone`
  orFault(old, () => {
    const left = statSync(old, { throwIfNoEntry: false })
    // Left by a run that was cut: before it put the new key in place, this is another name of the key in use.
    if (left?.ino === statSync(file).ino) unlinkSync(old)
    else if (left) eraseFile(old)
    linkSync(file, old)
  })
  putKeyFile(file, file, text)
  eraseFile(old)
}

/**
 * Overwrites a file where it lies and removes it; what a flash chip or a copying file system keeps elsewhere it cannot reach.
 * @throws Fault `config-unreadable`
 */
export function eraseFile(file: string): void {
  orFault(file, () => overwriteAndUnlink(file))
}

function overwriteAndUnlink(file: string): void {
  const { size } = statSync(file)
  const fd = openSync(file, 'r+')
  try {
    for (let at = 0; at < size; ) at += writeSync(fd, randomBytes(size - at), 0, size - at, at)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  unlinkSync(file)
  syncFolder(dirname(file))
}

/** What the system says of a key file, as a fault. */
function orFault<T>(file: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (cause instanceof Fault || code === undefined) throw cause
    throw new Fault('config-unreadable', { file }, `the key file cannot be worked on: ${code}`, { cause })
  }
}

/** Writes an event into the log. @returns where that was */
export type KeyLog = (event: KeyEvent) => Promise<'agent' | 'folder' | 'nowhere'>

/**
 * Where a key event will be logged: by the running agent, else in its data folder. Asked for before anything is done to a key,
 * so that nothing is done that cannot be logged; only where no agent ever ran there is no log yet.
 * @throws Fault as `askAgent`, `checkDataFolder`
 */
export async function openKeyLog(loaded: LoadedGateway): Promise<KeyLog> {
  const { data_dir } = loaded.gateway
  const socket = socketPath(data_dir, loaded.control?.socket)
  if (await unlessAbsent(askAgent(socket, 'status')))
    return async (event) => {
      await askAgent(socket, 'key', JSON.stringify(event))
      return 'agent'
    }
  if (!existsSync(databasePath(data_dir))) return async () => 'nowhere'
  checkDataFolder(data_dir)
  const clock = makeClock()
  return async (event) => {
    using store = openDataFolder(loaded, 'keys', clock)
    store.record(event, clock.now())
    return 'folder'
  }
}
