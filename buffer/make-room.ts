import { type Db, PAGE } from './database.ts'
import { evictThrough } from './give-up.ts'
import type { FateOnEviction } from './port.ts'
import type { Tables } from './tables.ts'

/**
 * Kept free for what is written between two commits of readings (batches, accounts, alarms): a share of the cap, and at
 * least these bytes.
 */
const RESERVE = 0.02
const LEAST_RESERVE = 2 ** 20
/** Once room is made, this share more, so that not every commit evicts. */
const STEP = 0.01
/** Of ended outages this share of their bound stays, and settled batches this long (ms), while there are readings to give up. */
const OUTAGES_KEPT = 0.1
const SETTLED_KEPT = 86_400_000
/** Blocks given up at a time, and at most in one commit where a step is larger. */
const STRIDE = 16
const MOST = 256

export interface Room {
  /** pools that lost pending readings */
  readonly evicted: ReadonlySet<string>
  /** batches dropped because no readings were left to give up */
  readonly dropped: number
}

/** Pages of the file that hold something. */
export function usedPages(db: Db): number {
  return pages(db, 'page_count') - pages(db, 'freelist_count')
}

export function pages(db: Db, pragma: 'page_count' | 'freelist_count' | 'max_page_count'): number {
  return Number(db.pragma(pragma, { simple: true }))
}

/**
 * Makes room for `bytes` more under the cap: first records of what is over (ended outages, settled batches), then the
 * oldest readings (those published go with nothing lost), the last records, batches last.
 * Part of the commit that needs it.
 */
export function makeRoom(
  tables: Tables,
  bytes: number,
  max_size: number,
  fate: FateOnEviction | undefined,
  at: number,
  wrongFate: (pool: string) => void,
): Room {
  const { db, log, outbox, journal } = tables
  const need = Math.ceil((bytes * 1.1) / PAGE) + 4
  const reserve = Math.max(max_size * RESERVE, LEAST_RESERVE)
  const high = Math.floor((max_size - reserve) / PAGE) - need
  const low = high - (max_size / PAGE) * STEP
  const evicted = new Set<string>()
  const before = usedPages(db)
  let dropped = 0
  if (before <= high) return { evicted, dropped }
  journal.forgetOutages(OUTAGES_KEPT)
  outbox.prune(at - SETTLED_KEPT)
  for (let done = 0; ; done += STRIDE) {
    const used = usedPages(db)
    // A cap that was lowered is reached over many commits; each only makes the room it takes.
    if (used <= low || (done >= MOST && (used <= high || before - used >= need))) break
    // One more than a stride, because the last block of the log always stays.
    const through = log.oldest(STRIDE + 1).at(-2)?.position
    if (through !== undefined) {
      for (const pool of evictThrough(tables, through, 'full', fate, wrongFate)) evicted.add(pool)
    } else if (used <= high || forgetRecords(tables) === 0) {
      if (used <= high || !outbox.dropOldest('full', at)) break
      dropped++
    }
  }
  return { evicted, dropped }
}

/** Gives up records of what is over that are left. @returns how many */
function forgetRecords({ journal, outbox }: Tables): number {
  return journal.forgetOutages(0) + outbox.prune(Number.POSITIVE_INFINITY)
}

/**
 * Position of the newest of the oldest blocks that arrived before `before`. Blocks stored under a clock that was not
 * trusted have no age: they go with the next one that has.
 */
export function oldestAged({ log }: Tables, before: number): number | undefined {
  return log
    .oldest(MOST + 1)
    .slice(0, -1)
    .findLast(({ sane, arrival }) => sane === 1 && arrival < before)?.position
}
