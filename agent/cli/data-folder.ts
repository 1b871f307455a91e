import { statSync } from 'node:fs'
import { databasePath } from '../../buffer/database.ts'
import type { Store } from '../../buffer/port.ts'
import { openStore } from '../../buffer/store.ts'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import type { LoadedGateway } from './common.ts'

/**
 * Opens the store of a data folder as an agent would, for a command.
 * @param command its name
 * @throws Fault as `checkDataFolder` and `openStore`, `config-invalid`
 */
export function openDataFolder({ gateway, buffer, file }: LoadedGateway, command: string, clock: Clock): Store {
  const { data_dir } = gateway
  checkDataFolder(data_dir)
  if (!buffer) throw new Fault('config-invalid', { file }, 'the buffer section is not valid')
  const now = clock.now()
  return openStore({ ...buffer, data_dir, boot: `${command}-${now}`, now, log: silentLog })
}

/**
 * Whether a command may write to a data folder that no agent has open. Only the user whose agent made the folder may, not
 * even root: files of root in it would keep the agent from its next start.
 * @param user id of who runs the command; undefined where the system has none
 * @throws Fault `agent-absent` where nothing is stored yet, `store-owner`
 */
export function checkDataFolder(data_dir: string, user = process.geteuid?.()): void {
  const file = databasePath(data_dir)
  const found = statSync(file, { throwIfNoEntry: false })
  if (!found) {
    const message = 'nothing is stored here: no agent has run with this data_dir yet'
    throw new Fault('agent-absent', { file: data_dir }, message)
  }
  if (user === undefined || user === found.uid) return
  throw new Fault(
    'store-owner',
    { file },
    `it belongs to another user: run this as \`sudo -u '#${found.uid}' sluice …\``,
  )
}
