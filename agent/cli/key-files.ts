import { randomBytes } from 'node:crypto'
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
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
import type { LoadedConfig } from '../../config/load.ts'
import { makeClock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { writeKeyFile } from '../audit/audit-key.ts'
import { askAgent, socketPath } from '../daemon/control.ts'
import type { KeyEvent } from '../daemon/key-desk.ts'
import { checkDataFolder, openDataFolder } from './data-folder.ts'

/** The text of a key file. @throws Fault `key-missing` | `key-invalid` where there is none, or others may use it */
export function readKeyFile(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (!stat) throw new Fault('key-missing', { file }, 'there is no such key file')
  if ((stat.mode & 0o077) !== 0)
    throw new Fault('key-invalid', { file }, 'others than its owner may use the key: chmod 600, and consider it known')
  return readFileSync(file, 'utf8').trim()
}

/** Writes a key file for whoever owns `like`, even where root does it: the agent must be able to read it. */
export function writeKeyBeside(like: string, file: string, text: string): void {
  const { uid, gid } = statSync(like)
  writeKeyFile(file, text)
  if (process.geteuid?.() === 0) chownSync(file, uid, gid)
}

/** Puts another key in the place of one, which is erased, or (`keep`) lies elsewhere already. */
export function replaceKeyFile(file: string, text: string, old: 'keep' | 'erase'): void {
  rmSync(`${file}.new`, { force: true }) // left by a run that was cut
  writeKeyBeside(file, `${file}.new`, text)
  if (old === 'erase') renameSync(file, `${file}.gone`)
  renameSync(`${file}.new`, file)
  syncFolder(dirname(file))
  if (old === 'erase') eraseFile(`${file}.gone`)
}

/** Overwrites a file where it lies and removes it; what a flash chip or a copying file system keeps elsewhere it cannot reach. */
export function eraseFile(file: string): void {
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

/** Writes an event into the log. @returns where that was */
export type KeyLog = (event: KeyEvent) => Promise<'agent' | 'folder' | 'nowhere'>

/**
 * Where a key event will be logged: by the running agent, else in its data folder. Asked for before anything is done to a key,
 * so that nothing is done that cannot be logged; only where no agent ever ran there is no log yet.
 * @throws Fault as `askAgent`, `checkDataFolder`
 */
export async function openKeyLog(
  loaded: LoadedConfig & { readonly gateway: NonNullable<LoadedConfig['gateway']> },
): Promise<KeyLog> {
  const { data_dir } = loaded.gateway
  const socket = socketPath(data_dir, loaded.control?.socket)
  try {
    await askAgent(socket, 'status')
    return async (event) => {
      await askAgent(socket, 'key', JSON.stringify(event))
      return 'agent'
    }
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'agent-absent')) throw error
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
