import { type ChunkContent, factorOf } from './chunk.ts'
import type { Dictionary } from './dictionary.ts'
import { accountThinned } from './give-up.ts'
import type { FateOnEviction } from './port.ts'
import type { ChunkRow } from './raw-log.ts'
import type { Tables } from './tables.ts'
import { makeThinner, pick } from './thinning.ts'

/** Of every so many readings one stays at most; what is thinned that far gives way by age. A power of two. */
export const MOST_FACTOR = 64
/** Blocks at the end of the log that are left as they are. */
const NEWEST = 16

/** A stretch of the log after a piece of thinning. */
export interface Thinned {
  /** blocks looked at, and their bytes */
  readonly blocks: number
  readonly bytes: number
  /** pools that lost readings */
  readonly evicted: ReadonlySet<string>
}

/**
 * Thins pending readings in passes over the log, oldest first: in the first pass every second stays, in the next every
 * fourth, and so on, so that all of the log has about the same resolution. Where a pass stands is kept in the file.
 */
export interface Thinning {
  /** Thins the next stretch, part of the caller's transaction; undefined where nothing is left to thin. */
  next(
    tables: Tables,
    limit: number,
    fate: FateOnEviction | undefined,
    wrongFate: (pool: string) => void,
  ): Thinned | undefined
}

export function makeThinning(): Thinning {
  let dictionary: Dictionary | undefined
  const thinner = makeThinner((signal) => dictionary!.signal(signal))

  /** Where the pass stands; a new one begins where there is none, or where all that was thinned has been published. */
  function pass({ log, meta, pools }: Tables): { readonly factor: number; readonly position: number } {
    const pending = log.positionOf(pools.lowestCursor(log.nextSeq()))
    const factor = meta.get('thin_factor') ?? 1
    const position = meta.get('thin_position') ?? 0
    const end = log.nextPosition() - NEWEST
    if (position > pending && (position < end || factor >= MOST_FACTOR)) return { factor, position }
    thinner.restart()
    if (position > pending) return { factor: factor * 2, position: pending }
    const oldest = log.rows(pending, 1)[0]
    return { factor: Math.min(MOST_FACTOR, 2 * (oldest ? factorOf(oldest.data) : 1)), position: pending }
  }

  return {
    next(tables, limit, fate, wrongFate) {
      const { log, meta } = tables
      dictionary = tables.dictionary
      const { factor, position } = pass(tables)
      const rows = log.rows(position, Math.max(0, Math.min(limit, log.nextPosition() - NEWEST - position)))
      if (rows.length === 0) return undefined
      meta.set('thin_factor', factor)
      meta.set('thin_position', position + rows.length)
      const evicted = thinRows(tables, rows, factor, fate, wrongFate)
      return { blocks: rows.length, bytes: rows.reduce((sum, { data }) => sum + data.length, 0), evicted }
    },
  }

  function thinRows(
    tables: Tables,
    rows: readonly ChunkRow[],
    factor: number,
    fate: FateOnEviction | undefined,
    wrongFate: (pool: string) => void,
  ): ReadonlySet<string> {
    const { log, pools } = tables
    const cursors = pools.all().map((pool) => pool.raw_seq)
    const thinned = new Map<number, ChunkContent>()
    const removed = rows.flatMap((row) => {
      const had = factorOf(row.data)
      // A cursor inside a block means a certain reading, which must stay where it is.
      if (row.n === 0 || had >= factor || cursors.some((at) => at > row.seq && at < row.seq + row.n)) return []
      const block = log.read(row)
      const content = log.content(row)
      if (!block || !content) return [] // it is counted as damage by whoever reads it next
      const { block: readings, complete } = content
      const stays = thinner.choose(readings, factor / had)
      thinned.set(row.position, { block: pick(readings, stays, 1), complete, factor })
      return [{ row, block: { ...block, block: { ...block.block, ...pick(readings, stays, 0) } } }]
    })
    if (thinned.size === 0) return new Set()
    log.thin(rows, thinned)
    return accountThinned(tables, removed, fate, wrongFate)
  }
}
