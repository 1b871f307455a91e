import { type UnixMs, unixMs } from '../core/brand.ts'
import { GOOD, qualityCode } from '../core/quality.ts'
import type { ChunkContent } from './chunk.ts'
import type { Dictionary, Feed } from './dictionary.ts'
import type { PoolRow } from './pools.ts'
import type { ChunkRow } from './raw-log.ts'
import type { Tables } from './tables.ts'

const CLOCK = qualityCode('uncertain', 'clock')

/**
 * Stamps the oldest blocks anew that were stored while the clock of their boot was not trusted, at most `limit`, from
 * the monotonic clock. The caller brings the transaction.
 * @param max_skew ms; the quality of what moves by no more says nothing of the clock
 * @param lose called for a block that turns out to be damaged; it must empty it
 * @returns whether there may be more
 */
export function restamp(tables: Tables, limit: number, max_skew: number, lose: (row: ChunkRow) => void): boolean {
  const { log, boots, dictionary } = tables
  const due = boots.due(log.last())
  if (!due) return false
  const isTimed = timedFeeds(dictionary)
  for (const row of log.untrusted(due.boot, limit)) {
    const content = log.content(row)
    if (!content) {
      lose(row)
      continue
    }
    const arrival = Math.round(due.wall + row.monotonic)
    log.rewrite(row, shifted(content, arrival - row.arrival, max_skew, dictionary, isTimed), arrival)
  }
  return true
}

/** What the machine stamped moves with its clock; what a sender stamped stays. */
function shifted(
  { block, complete, ...rest }: ChunkContent,
  by: number,
  max_skew: number,
  dictionary: Dictionary,
  isTimed: (feed: Feed) => boolean,
): ChunkContent {
  const isWrong = Math.abs(by) > max_skew
  const isOurs = (i: number): boolean => dictionary.signal(block.signals[i]!).stamped_by === undefined
  return {
    ...rest,
    block: {
      ...block,
      times: block.times.map((at, i) => (isOurs(i) ? at + by : at)),
      qualities: block.qualities.map((code, i) => (isWrong && code === GOOD && isOurs(i) ? CLOCK : code)),
    },
    complete: complete.map(({ feed, until }) => {
      // The lesser of the machine's time and the sender's: which one it was is gone, so the lesser of both ways.
      const least = isTimed(dictionary.feed(feed)) ? Math.min(0, by) : by
      return { feed, until: unixMs(until + least) }
    }),
  }
}

/** The feeds of which at least one signal is stamped by its sender. */
function timedFeeds({ signals }: Dictionary): (feed: Feed) => boolean {
  const keyOf = ({ source, asset }: Feed): string => JSON.stringify([source, asset])
  const timed = new Set(signals.flatMap((signal) => (signal.stamped_by === undefined ? [] : [keyOf(signal)])))
  return (feed) => timed.has(keyOf(feed))
}

/** When the clock was trusted last, as `startRun` says it. */
export function lastTrusted(
  { log, boots, dictionary }: Tables,
  boot: string,
): { readonly at: UnixMs; readonly monotonic: number | null } | null {
  const last = log.last()
  const wall = last && last.sane === 0 ? boots.wall(last.boot) : null
  // While it is not trusted, the monotonic clock goes on from where it was.
  const known = last && wall !== null ? { ...last, arrival: wall + last.monotonic } : log.lastTrusted()
  if (!known) return null
  return { at: unixMs(known.arrival), monotonic: dictionary.boot(known.boot) === boot ? known.monotonic : null }
}

/**
 * When the pool's stream began, or null while that cannot be known. The caller brings the transaction.
 * @param untrusted it began just now, under a clock that is not trusted
 */
export function streamSince({ log, pools }: Tables, pool: PoolRow, untrusted: boolean): UnixMs | null {
  const position = pool.since_position ?? (untrusted ? log.nextPosition() : null)
  if (position === null) return pool.since
  const first = log.firstTimed(position)
  const since = first?.sane === 1 ? unixMs(first.arrival) : null
  pools.setSince(pool.id, since ?? pool.since, since === null ? position : null)
  return since
}
