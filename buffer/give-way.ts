import type { FaultCode } from '../core/fault.ts'
import type { FreeDisk } from './free-disk.ts'
import { evictThrough } from './give-up.ts'
import { allowedBytes, makeRoom, oldestAged } from './make-room.ts'
import type { Commit, StoreOptions } from './port.ts'
import type { Tables } from './tables.ts'
import { makeThinning } from './thin.ts'

const MINUTE = 60_000

/** Room (bytes) for what a commit notes beside its readings; a row with its share of the indexes. */
const notesBytes = ({ outages, marks, memos = [] }: Commit): number =>
  Math.min(outages.length, 1_000) * 200 +
  marks.length * 100 +
  memos.reduce((sum, { value }) => sum + 100 + 2 * (value?.length ?? 0), 0)

/** What a commit has to give up before it is stored. Part of its transaction. */
export interface GivingWay {
  /** `fits`: false where `when_full` is `pause` and there is no room: the commit is refused, what was freed stays free */
  before(
    tables: Tables,
    commit: Commit,
    bytes: number,
  ): { readonly evicted: ReadonlySet<string>; readonly fits: boolean }
}

/** @param alarm raises an alarm within a transaction */
export function makeGivingWay(
  options: Pick<StoreOptions, 'max_age' | 'when_full' | 'fateOnEviction' | 'log'>,
  disk: FreeDisk,
  alarm: (tables: Tables, key: string, code: FaultCode, message: string) => void,
): GivingWay {
  const { when_full = 'drop_oldest', max_age, fateOnEviction, log } = options
  const wrongFate = (pool: string): void => log.error({ pool }, 'the publisher did not account for an evicted block')
  let agedAt = Number.NEGATIVE_INFINITY
  const thinning = makeThinning()
  let paused = false

  /** Pending readings that are too old go: once a minute of a clock that is trusted, and with each commit until all have gone. */
  function giveUpAged(tables: Tables, { arrival, sane }: Commit): ReadonlySet<string> {
    if (!sane || Math.abs(arrival - agedAt) < MINUTE) return new Set()
    const aged = oldestAged(tables, arrival - max_age)
    if (aged?.isAll !== false) agedAt = arrival
    if (!aged) return new Set()
    const old = evictThrough(tables, aged.through, 'age', fateOnEviction, wrongFate)
    if (old.size > 0) alarm(tables, 'store:age', 'store-full', 'pending readings older than max_age are given up')
    return old
  }

  return {
    before(tables, commit, bytes) {
      const cap = allowedBytes(tables.db, disk)
      if (disk.isLow && !tables.journal.isOpen('store:disk')) {
        alarm(tables, 'store:disk', 'disk-low', 'the disk has less than min_free left: the buffer does not grow')
      }
      const old = giveUpAged(tables, commit)
      const need = { bytes: bytes + notesBytes(commit), cap, when_full, paused, at: commit.arrival }
      const { evicted, fits, ...room } = makeRoom(tables, need, { thinning, fate: fateOnEviction, wrongFate })
      if (room.shortened || room.dropped > 0) {
        alarm(tables, 'store:full', 'store-full', 'max_size is reached: the oldest pending readings are given up')
      } else if (evicted.size > 0) {
        alarm(
          tables,
          'store:full',
          'store-full',
          'max_size is reached: of the pending readings only every n-th is kept',
        )
      }
      paused = !fits
      return { evicted: evicted.union(old), fits }
    },
  }
}
