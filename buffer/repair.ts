import { rmSync } from 'node:fs'
import type { UnixMs } from '../core/brand.ts'
import { Fault } from '../core/fault.ts'
import { silentLog } from '../core/log.ts'
import { connect, faultOf } from './database.ts'
import { recover } from './recover.ts'
import { type Salvaged, salvage } from './salvage.ts'
import { makeTables } from './tables.ts'

/** No limit of a data folder holds for a file that is only read (bytes). */
const MOST = 1e12

/**
 * Salvages a file, such as one that was set aside, into a new one that can be looked at and exported. Where nothing of it can
 * be read no file is left.
 * @throws Fault `store-damaged` where it holds nothing that can be read, `store-io`, `store-full`
 */
export function repairFile(from: string, to: string, now: UnixMs): Salvaged {
  try {
    const found = salvage(from, to, { now, room: Number.POSITIVE_INFINITY, known: [] })
    if (found.blocks === 0) {
      rmSync(to)
      throw new Fault('store-damaged', { file: from }, 'no reading in it can be read')
    }
    const db = connect(to, MOST)
    try {
      recover(makeTables(db), { mark: undefined, machine: null, set_aside: undefined, now }, silentLog)
      db.pragma('wal_checkpoint(TRUNCATE)')
    } finally {
      db.close()
    }
    return found
  } catch (error) {
    throw faultOf(error, from) ?? error
  }
}
