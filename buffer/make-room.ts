import { type Db, PAGE } from './database.ts'
import type { FreeDisk } from './free-disk.ts'
import { evictThrough } from './give-up.ts'
import type { Claimed, FateOnEviction } from './port.ts'
import type { WhenFull } from './schema.ts'
import type { Tables } from './tables.ts'
import type { Thinning } from './thin.ts'

/**
 * Kept free for what is written between two commits of readings (batches, accounts, alarms): a share of the cap, and at
 * least these bytes.
 */
const RESERVE = 0.02
const LEAST_RESERVE = 2 ** 20
/** Once room is made, this share more, so that not every commit evicts; and before a paused buffer takes readings again. */
const STEP = 0.01
const RESUMED = 0.05
/** Of ended outages this share of their bound stays, and settled batches this long (ms), while there are readings to give up. */
const OUTAGES_KEPT = 0.1
const SETTLED_KEPT = 86_400_000
/** Blocks given up at a time, and at most in one commit where a step is larger. */
const STRIDE = 16
const MOST = 256

/** Blocks thinned at a time; in one commit at most so many, and bytes of them. */
const THIN_STRIDE = 16
const MOST_THINNED = 2_048
const MOST_THINNED_BYTES = 2 ** 19

export interface Room {
  /** pools that lost pending readings */
  readonly evicted: ReadonlySet<string>
  /** whether these were the oldest ones, or else of each signal some */
  readonly shortened: boolean
  /** batches dropped because no readings were left to give up */
  readonly dropped: number
  /** false: under `pause` there is no room, and nothing was given up that anyone waits for */
  readonly fits: boolean
}

/** Pages of the file that hold something. */
export function usedPages(db: Db): number {
  return pages(db, 'page_count') - pages(db, 'freelist_count')
}

export function pages(db: Db, pragma: 'page_count' | 'freelist_count' | 'max_page_count'): number {
  return Number(db.pragma(pragma, { simple: true }))
}

/** Bytes that the file may take now. */
export function allowedBytes(db: Db, disk: FreeDisk): number {
  return disk.allowance(pages(db, 'page_count') * PAGE)
}

/** How much of the file is claimed by what someone waits for. */
export function claimedOf({ db, log, pools, outbox }: Tables, cap: number): Claimed {
  const [raw, batches] = [log.bytes(), outbox.bytes()]
  const pending = log.bytes(pools.lowestCursor(log.nextSeq()))
  // Pages hold more than chunks: rows beside them, indexes, and room at the end of each.
  const pagesPerByte = raw + batches > LEAST_RESERVE ? (usedPages(db) * PAGE) / (raw + batches) : 1
  return { bytes: (pending + batches) * pagesPerByte, capacity: cap - reserveOf(cap) }
}

function reserveOf(cap: number): number {
  return Math.max(cap * RESERVE, LEAST_RESERVE)
}

/**
 * Makes room for `bytes` more under the cap: first records of what is over (ended outages, settled batches), then
 * readings that no configured pool waits for, then pending ones as `when_full` says, the last records, batches last.
 * Part of the commit that needs it.
 */
export function makeRoom(
  tables: Tables,
  need: {
    readonly bytes: number
    /** bytes that the file may take now */
    readonly cap: number
    readonly when_full: WhenFull
    /** the last commit was refused: room is made only where there is enough of it to go on for a while */
    readonly paused: boolean
    readonly at: number
  },
  ways: {
    readonly thinning: Thinning
    readonly fate: FateOnEviction | undefined
    readonly wrongFate: (pool: string) => void
  },
): Room {
  const { db, outbox, journal } = tables
  const { cap, when_full, at } = need
  const { thinning, fate, wrongFate } = ways
  const wanted = pagesFor(need.bytes)
  const high = Math.floor((cap - reserveOf(cap)) / PAGE) - wanted
  const low = high - (cap / PAGE) * (need.paused ? RESUMED : STEP)
  const enough = need.paused ? low : high
  const evicted = new Set<string>()
  const thinned = { blocks: 0, bytes: 0 }
  let gone = 0
  let dropped = 0
  let shortened = false
  const before = usedPages(db)

  function evict(through: number | undefined): boolean {
    if (through === undefined) return false
    for (const pool of evictThrough(tables, through, 'full', fate, wrongFate)) evicted.add(pool)
    gone += STRIDE
    return true
  }

  const hasThinned = (): boolean => thinned.blocks >= MOST_THINNED || thinned.bytes >= MOST_THINNED_BYTES

  function thin(): boolean {
    const piece = thinning.next(tables, THIN_STRIDE, fate, wrongFate)
    if (!piece) return false
    thinned.blocks += piece.blocks
    thinned.bytes += piece.bytes
    for (const pool of piece.evicted) evicted.add(pool)
    return true
  }

  function giveUpPending(used: number): boolean {
    if (when_full === 'pause') return false
    if (when_full === 'thin_oldest') {
      if (!hasThinned() && thin()) return true
      if (used <= high) return false // what a step more would cost is history
    }
    const went = evict(oldestThrough(tables, STRIDE))
    shortened ||= went
    return went
  }

  if (before > enough) {
    journal.forgetOutages(OUTAGES_KEPT)
    outbox.prune(at - SETTLED_KEPT, 'not')
    for (;;) {
      const used = usedPages(db)
      // A cap that was lowered is reached over many commits; each only makes the room it takes.
      const isLong = gone >= MOST || hasThinned()
      if (used <= low || (isLong && (used <= high || before - used >= wanted))) break
      if (evict(unclaimedThrough(tables, STRIDE)) || giveUpPending(used)) continue
      if (used <= high || forgetRecords(tables) === 0) {
        if (used <= high || when_full === 'pause' || !outbox.dropOldest('full', at)) break
        dropped++
      }
    }
  }
  const fits = when_full !== 'pause' || usedPages(db) <= enough
  return { evicted, shortened: shortened && evicted.size > 0, dropped, fits }
}

/**
 * Deletes published readings where what is about to be stored would not fit beside them: a batch must find room at the
 * cap, for only publishing and delivering bring more. Part of the publication's transaction.
 */
export function makeRoomForBatch(tables: Tables, bytes: number, cap: number): void {
  const most = Math.floor(cap / PAGE) - pagesFor(bytes) - pagesFor(LEAST_RESERVE / 4)
  while (usedPages(tables.db) > most) {
    const held = tables.pools.heldByRetired()?.from ?? Number.POSITIVE_INFINITY
    const through = unclaimedThrough(tables, STRIDE, held)
    if (through === undefined) return
    tables.log.deleteThrough(through)
  }
}

function pagesFor(bytes: number): number {
  return Math.ceil((bytes * 1.1) / PAGE) + 4
}

/** Position of the last of the oldest `limit` blocks; the last block of the log always stays. */
function oldestThrough({ log }: Tables, limit: number): number | undefined {
  return log.oldest(limit + 1).at(-2)?.position
}

/** The same, but only of blocks that no configured pool waits for, and that end at or before `until`. */
function unclaimedThrough({ log, pools }: Tables, limit: number, until = Number.POSITIVE_INFINITY): number | undefined {
  const passed = Math.min(until, pools.lowestCursor(log.nextSeq()))
  return log
    .oldest(limit + 1)
    .slice(0, -1)
    .findLast(({ seq, n }) => seq + n <= passed)?.position
}

/** Gives up records of what is over that are left. @returns how many */
function forgetRecords({ journal, outbox }: Tables): number {
  return journal.forgetOutages(0) + outbox.prune(Number.POSITIVE_INFINITY, 'too')
}

/**
 * Position of the newest of the oldest blocks that arrived before `before`, of so many as one commit may give up. Blocks
 * stored under a clock that was not trusted have no age: they go with the next one that has.
 * @returns undefined where there are none; `isAll`: false where more may follow
 */
export function oldestAged(
  { log }: Tables,
  before: number,
): { readonly through: number; readonly isAll: boolean } | undefined {
  const blocks = log.oldest(MOST + 1).slice(0, -1)
  const newest = blocks.findLastIndex(({ sane, arrival }) => sane === 1 && arrival < before)
  const block = blocks[newest]
  return block && { through: block.position, isAll: newest < MOST - 1 }
}
