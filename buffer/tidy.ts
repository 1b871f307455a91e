import { statSync } from 'node:fs'
import { mostLeaves } from './audit.ts'
import { clearQuarantineAlarms } from './batch-store.ts'
import { PAGE } from './database.ts'
import type { FreeDisk } from './free-disk.ts'
import { allowedBytes, pages, usedPages } from './make-room.ts'
import { OPENING_ALARMS } from './recover.ts'
import { dropRetired, emptyBehindRetired } from './retire.ts'
import type { Tables } from './tables.ts'

const DAY = 86_400_000
/** Blocks deleted and pages returned at a time; a call goes on with it for so long (ms), for commits wait meanwhile. */
const MOST_BLOCKS = 512
const MOST_PAGES = 500
const LONGEST = 50
/** Free pages are reused; only more than this, and more than a tenth of the file, is returned to the disk. */
const SPARE_PAGES = 1_000
const LONGEST_WAL = 4 * 2 ** 20

/** Deletes what nobody needs any more and returns free pages to the disk, for a moment; the rest is left to the next call. */
export function tidyTables(
  tables: Tables,
  now: number,
  limits: { readonly keep_raw: number; readonly max_age: number; readonly max_size: number },
  disk: FreeDisk,
): void {
  const { db, log, pools, outbox, journal, audit } = tables
  const until = performance.now() + LONGEST
  while (db.transaction(() => deleteIdle(tables, now - limits.keep_raw))() && performance.now() < until);
  db.transaction(() => {
    const { passed, free } = unclaimed(tables)
    emptyBehindRetired(tables, passed, now - limits.keep_raw, MOST_BLOCKS)
    // A retired pool that comes back takes up at the front of the log.
    log.forgetLost(Math.min(free, log.oldest(1)[0]?.seq ?? free))
    pools.stampRetired(now)
    dropRetired(tables, now - limits.max_age, now)
    outbox.prune(now - limits.max_age, 'too')
    audit.prune(mostLeaves(limits.max_size), now)
    clearQuarantineAlarms(tables, now) // the last one may have gone for room or with a retired pool
    journal.prune(now - limits.max_age)
    // What happened once and is over; a day is enough for a person to see it, and it comes again if it goes on.
    journal.clearOlder([...OPENING_ALARMS, 'store:restored', 'store:age', 'audit:chain'], now - DAY, now)
    if (usedPages(db) * PAGE < allowedBytes(db, disk) * 0.9) journal.clear('store:full', now)
    if (!disk.isLow) journal.clear('store:disk', now)
  })()

  let shrunk = false
  for (; isLoose(tables) && (!shrunk || performance.now() < until); shrunk = true) {
    db.pragma(`incremental_vacuum(${MOST_PAGES})`)
    db.pragma('wal_checkpoint(TRUNCATE)') // pages moved into gaps must not pile up in the journal
  }
  const wal = statSync(`${db.name}-wal`, { throwIfNoEntry: false })?.size ?? 0
  if (wal > LONGEST_WAL) db.pragma('wal_checkpoint(TRUNCATE)')
  disk.restoreBallast()
}

/** Sequences before `passed` no configured pool waits for, those before `free` no retired one either. */
function unclaimed({ log, pools }: Tables): { readonly passed: number; readonly free: number } {
  const passed = pools.lowestCursor(log.nextSeq())
  return { passed, free: Math.min(passed, pools.heldByRetired()?.from ?? passed) }
}

/** Deletes some of the oldest blocks that nobody waits for and that arrived before `before`. @returns whether more may follow */
function deleteIdle(tables: Tables, before: number): boolean {
  const { free } = unclaimed(tables)
  const oldest = tables.log.oldest(MOST_BLOCKS)
  const idle = oldest.filter((block) => block.seq + block.n <= free && block.arrival < before)
  const last = idle.at(-1)
  if (last) tables.log.deleteThrough(last.position)
  return idle.length === MOST_BLOCKS
}

/** Whether more of the file is free than is worth keeping for what comes next. */
function isLoose({ db }: Tables): boolean {
  const free = pages(db, 'freelist_count')
  return free > SPARE_PAGES && free > pages(db, 'page_count') / 10
}
