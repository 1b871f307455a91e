import { statSync } from 'node:fs'
import { clearQuarantineAlarms } from './batch-store.ts'
import { PAGE } from './database.ts'
import type { FreeDisk } from './free-disk.ts'
import { allowedBytes, pages, usedPages } from './make-room.ts'
import { OPENING_ALARMS } from './recover.ts'
import { dropRetired, emptyBehindRetired } from './retire.ts'
import type { Tables } from './tables.ts'

const DAY = 86_400_000
/** Blocks deleted and pages returned in one call, so that a commit never waits long for it. */
const MOST_BLOCKS = 512
const MOST_PAGES = 500
/** Free pages are reused; only more than this, and more than a tenth of the file, is returned to the disk. */
const SPARE_PAGES = 1_000
const LONGEST_WAL = 4 * 2 ** 20

/** Deletes what nobody needs any more; every piece is bounded. */
export function tidyTables(
  tables: Tables,
  now: number,
  limits: { readonly keep_raw: number; readonly max_age: number },
  disk: FreeDisk,
): void {
  const { db, log, pools, outbox, journal } = tables
  db.transaction(() => {
    const passed = pools.lowestCursor(log.nextSeq())
    const free = Math.min(passed, pools.heldByRetired()?.from ?? passed)
    const idle = log
      .oldest(MOST_BLOCKS)
      .filter((block) => block.seq + block.n <= free && block.arrival < now - limits.keep_raw)
      .at(-1)
    if (idle) log.deleteThrough(idle.position)
    emptyBehindRetired(tables, passed, now - limits.keep_raw, MOST_BLOCKS)
    // A retired pool that comes back takes up at the front of the log.
    log.forgetLost(Math.min(free, log.oldest(1)[0]?.seq ?? free))
    pools.stampRetired(now)
    dropRetired(tables, now - limits.max_age, now)
    outbox.prune(now - limits.max_age)
    clearQuarantineAlarms(tables, now) // the last one may have gone for room or with a retired pool
    journal.prune(now - limits.max_age)
    // What happened once and is over; a day is enough for a person to see it, and it comes again if it goes on.
    journal.clearOlder([...OPENING_ALARMS, 'store:age'], now - DAY, now)
    if (usedPages(db) * PAGE < allowedBytes(db, disk) * 0.9) journal.clear('store:full', now)
    if (!disk.isLow) journal.clear('store:disk', now)
  })()

  const free = pages(db, 'freelist_count')
  const shrink = free > SPARE_PAGES && free > pages(db, 'page_count') / 10
  if (shrink) db.pragma(`incremental_vacuum(${MOST_PAGES})`)
  const wal = statSync(`${db.name}-wal`, { throwIfNoEntry: false })?.size ?? 0
  if (shrink || wal > LONGEST_WAL) db.pragma('wal_checkpoint(TRUNCATE)')
  disk.restoreBallast()
}
