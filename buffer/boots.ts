import type { Db } from './database.ts'
import type { Dictionary } from './dictionary.ts'
import type { ChunkHead } from './raw-log.ts'

/** The clocks of the machine's boots (README, "A wall clock that is wrong"). Callers bring the transaction. */
export interface Boots {
  /** Notes what a commit says about the clock of its boot, beside the block before it. */
  note(before: ChunkHead | undefined, head: ChunkHead): void
  /** Whether a block is to be stamped anew: its boot goes on, or its clock was trusted once. */
  waits(head: Pick<ChunkHead, 'boot' | 'sane'>): boolean
  /** A boot with blocks that can be stamped anew now, and wall minus monotonic time (ms) to do it by. */
  due(last: ChunkHead | undefined): { readonly boot: number; readonly wall: number } | undefined
  /** Wall minus monotonic time (ms) as it was trusted last in a boot that lost trust once; else null. */
  wall(boot: number): number | null
}

/** @param present name of the boot that goes on */
export function makeBoots(db: Db, dictionary: Dictionary, present: string): Boots {
  const wall = db.prepare<[number], number | null>('SELECT wall FROM boot WHERE id = ?').pluck()
  const setWall = db.prepare('UPDATE boot SET wall = ? WHERE id = ?')
  const waiting = db.prepare<[], { boot: number; wall: number }>(
    `SELECT id AS boot, wall FROM boot
     WHERE wall IS NOT NULL AND EXISTS (SELECT 1 FROM chunk WHERE sane = 0 AND chunk.boot = boot.id) ORDER BY id`,
  )
  const isPresent = (boot: number): boolean => dictionary.boot(boot) === present
  const wallOf = (boot: number): number | null => wall.get(boot) ?? null

  return {
    note(before, head) {
      // Only where trust is lost or comes back: a page that every commit touches is flash worn.
      if (before?.boot !== head.boot || before.sane === head.sane) return
      const trusted = head.sane === 1 ? head : before
      setWall.run(trusted.arrival - trusted.monotonic, head.boot)
    },
    waits: ({ boot, sane }) => sane === 0 && (isPresent(boot) || wallOf(boot) !== null),
    // The present clock says nothing while it is not trusted; that of an earlier boot has said what it knew.
    due: (last) => waiting.all().find(({ boot }) => !isPresent(boot) || last?.sane === 1),
    wall: wallOf,
  }
}
