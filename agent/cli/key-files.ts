import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { databasePath, syncFolder } from '../../buffer/database.ts'
import { openStore } from '../../buffer/store.ts'
import type { LoadedConfig } from '../../config/load.ts'
import { makeClock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { writeKeyFile } from '../audit/audit-key.ts'
import { askAgent, socketPath } from '../daemon/control.ts'
import type { KeyEvent } from '../daemon/key-desk.ts'

/** The text of a key file. @throws Fault `key-missing` | `key-invalid` where there is none, or others may use it */
export function readKeyFile(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (!stat) throw new Fault('key-missing', { file }, 'there is no such key file')
  if ((stat.mode & 0o077) !== 0)
    throw new Fault('key-invalid', { file }, 'others than its owner may use the key: chmod 600, and consider it known')
  return readFileSync(file, 'utf8').trim()
}

/** Puts another key in the place of one; after a power cut either is there, whole. */
export function replaceKeyFile(file: string, text: string): void {
  writeKeyFile(`${file}.new`, text)
  renameSync(`${file}.new`, file)
  syncFolder(dirname(file))
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

/** Tells the running agent what was done to a key, else writes it into the log of its data folder. @returns where it was logged */
export async function logKeyEvent(
  loaded: LoadedConfig & { readonly gateway: NonNullable<LoadedConfig['gateway']> },
  event: KeyEvent,
): Promise<'agent' | 'folder' | 'nowhere'> {
  const { buffer, gateway, control } = loaded
  try {
    await askAgent(socketPath(gateway.data_dir, control?.socket), 'key', JSON.stringify(event))
    return 'agent'
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'agent-absent')) throw error
  }
  const { data_dir } = gateway
  if (!existsSync(databasePath(data_dir)) || !buffer) return 'nowhere' // no agent has run: there is no log yet
  const now = makeClock().now()
  using store = openStore({ ...buffer, data_dir, boot: `keys-${now}`, now, log: silentLog })
  store.record(event, now)
  return 'folder'
}
