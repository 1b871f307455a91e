import type { SignalSpec } from '../core/signal.ts'
import { damage, databasePath, faultOf, isDamage } from './database.ts'
import { type HighWater, readHighWater } from './high-water.ts'
import { openDatabase } from './open-database.ts'
import type { StoreOptions } from './port.ts'
import { recover } from './recover.ts'
import type { OnProgress } from './salvage.ts'
import { findUnsound } from './soundness.ts'
import { makeTables, type Tables } from './tables.ts'

/** A salvage says each so many ms that it goes on, and in the log. */
const TOLD = 1_000
const LOGGED = 10_000

/** What the store knows when it opens its file, for the first time or again. */
export interface Opening extends Pick<StoreOptions, 'data_dir' | 'boot' | 'max_size' | 'now' | 'log' | 'busy'> {
  /** bytes */
  readonly min_free: number
  readonly machine: string | null
  /** after an error: newer than what the high-water file says */
  readonly mark: HighWater | undefined
  /** the dictionary of this run, whose indexes callers hold */
  readonly known: readonly SignalSpec[]
  /** the file was found damaged while it was open */
  readonly isDamaged: boolean
}

export interface Opened {
  readonly tables: Tables
  readonly mark: HighWater
  /** when the folder was last written to, as far as its high-water file knows */
  readonly heard: number | undefined
}

/**
 * Opens the file and squares it with its high-water file. Damage that only shows when its tables are read is answered by a
 * second opening.
 * @throws Fault `store-locked` | `store-io` | `store-full`
 */
export function openTables(opening: Opening): Opened {
  try {
    return openOnce(opening)
  } catch (error) {
    if (opening.isDamaged || (faultOf(error, databasePath(opening.data_dir)) && !isDamage(error))) throw error
    opening.log.warn({ err: error }, 'what stands in the file is damaged')
    return openOnce({ ...opening, isDamaged: true })
  }
}

function openOnce(opening: Opening): Opened {
  const { data_dir, max_size, min_free, now, log, machine, known, isDamaged } = opening
  const mark = opening.mark ?? readHighWater(data_dir)
  const { db, set_aside } = openDatabase(data_dir, {
    max_size,
    now,
    known,
    damaged: isDamaged,
    onProgress: makeProgress(opening),
  })
  try {
    const tables = makeTables(db, max_size, opening.boot)
    const isBegun = tables.meta.get('stream_secret') !== undefined
    const unsound = isBegun ? findUnsound(tables, data_dir, now, mark?.raw_seq) : undefined
    if (unsound !== undefined) throw damage(unsound)
    const squared = recover(tables, { mark, machine, set_aside, now }, log)
    tables.dictionary.internSignals(known)
    if (tables.meta.get('max_size') !== max_size) tables.meta.set('max_size', max_size)
    if (tables.meta.get('min_free') !== min_free) tables.meta.set('min_free', min_free)
    return { tables, mark: squared, heard: mark?.at }
  } catch (error) {
    db.close()
    throw error
  }
}

/** Says of a salvage each second that it goes on, and in the log how far it is. */
export function makeProgress({ busy, log }: Pick<Opening, 'busy' | 'log'>): OnProgress {
  let [told, logged] = [performance.now(), performance.now()]
  return (done, all) => {
    const now = performance.now()
    if (now - told < TOLD) return
    told = now
    busy?.()
    if (now - logged < LOGGED) return
    logged = now
    log.warn({}, `salvaging: ${Math.round(done / 1e6)} of ${Math.round(all / 1e6)} MB`)
  }
}
