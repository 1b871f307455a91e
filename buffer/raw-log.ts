import { crc32 } from 'node:zlib'
import { rawSeq, type UnixMs, unixMs } from '../core/brand.ts'
import type { StoredBlock } from '../core/stored-block.ts'
import type { Boots } from './boots.ts'
import { type ChunkContent, decodeChunk, encodeChunk } from './chunk.ts'
import { type Db, damage } from './database.ts'
import type { Dictionary } from './dictionary.ts'
import { makeHoles } from './holes.ts'
import type { Meta } from './meta.ts'

/** Positions summed up in one row of `tally`. */
export const TALLY = 256

/** What stands beside a chunk's bytes. */
export interface ChunkHead {
  readonly position: number
  readonly seq: number
  /** readings in it */
  readonly n: number
  readonly arrival: number
  readonly monotonic: number
  readonly boot: number
  readonly sane: 0 | 1
}
export type ChunkRow = ChunkHead & { readonly crc: number; readonly data: Buffer }

/** The chunks, in order of position. Callers bring the transaction. */
export interface RawLog {
  /** sequence of the next reading; never goes back, whatever is deleted */
  nextSeq(): number
  nextPosition(): number
  last(): ChunkHead | undefined
  oldest(limit: number): readonly ChunkHead[]
  rows(position: number, limit: number): readonly ChunkRow[]
  /** Blocks from `seq` on that hold readings, but never the last row. */
  filled(seq: number, limit: number): readonly ChunkHead[]
  add(content: ChunkContent, bytes: Buffer, head: Omit<ChunkHead, 'position' | 'seq' | 'n'>): ChunkHead
  /** The block in a row, or undefined where its bytes are damaged. */
  read(row: ChunkRow): StoredBlock | undefined
  /** What its bytes hold, or undefined where they are damaged. */
  content(row: ChunkRow): ChunkContent | undefined
  /** The oldest blocks of a boot that were stored while its clock was not trusted. */
  untrusted(boot: number, limit: number): readonly ChunkRow[]
  /** Replaces such a block by the same readings with other times, stored at `arrival` by a trusted clock. */
  rewrite(row: ChunkRow, content: ChunkContent, arrival: number): void
  /** Newest block that was stored while the clock was trusted. */
  lastTrusted(): ChunkHead | undefined
  /** First block from a position on, of those whose time is known or will be. */
  firstTimed(position: number): ChunkHead | undefined
  /** Deletes from the front, but never the last row. */
  deleteThrough(position: number): void
  /** First position whose block holds `seq` or lies after it; the end of the log where there is none. */
  positionOf(seq: number): number
  /** Readings from `seq` on, counted in the rows. */
  readingsFrom(seq: number): number
  /** Bytes of the chunks from the one on that holds `seq`, of all by default. */
  bytes(seq?: number): number
  /**
   * Puts other contents into some of these consecutive rows, none of them the last: fewer of the same readings, which are
   * renumbered to the front of the row's sequences; the rest is lost.
   */
  thin(rows: readonly ChunkRow[], contents: ReadonlyMap<number, ChunkContent>): void
  /** From now on no block holds these sequences. Empties the row where one is given. */
  lose(range: { readonly seq: number; readonly n: number }, row?: ChunkHead): void
  /** How many of the sequences from `from` up to `to` are lost. */
  lostWithin(from: number, to: number): number
  /** Forgets lost ranges that every cursor has passed. */
  forgetLost(before: number): void
}

const HEAD = 'position, seq, n, arrival, monotonic, boot, sane'

export function makeRawLog(db: Db, dictionary: Dictionary, boots: Boots, meta: Meta): RawLog {
  const last = db.prepare<[], ChunkHead>(`SELECT ${HEAD} FROM chunk ORDER BY position DESC LIMIT 1`)
  const first = db.prepare<[], number>('SELECT min(position) FROM chunk').pluck()
  const oldest = db.prepare<[number], ChunkHead>(`SELECT ${HEAD} FROM chunk ORDER BY position LIMIT ?`)
  const rows = db.prepare<[number, number], ChunkRow>(
    `SELECT ${HEAD}, crc, data FROM chunk WHERE position >= ? ORDER BY position LIMIT ?`,
  )
  const filled = db.prepare<[number, number, number], ChunkHead>(
    `SELECT ${HEAD} FROM chunk WHERE position >= ? AND position < ? AND n > 0 ORDER BY position LIMIT ?`,
  )
  const untrusted = db.prepare<[number, number], ChunkRow>(
    `SELECT ${HEAD}, crc, data FROM chunk WHERE sane = 0 AND boot = ? ORDER BY position LIMIT ?`,
  )
  const lastTrusted = db.prepare<[], ChunkHead>(
    `SELECT ${HEAD} FROM chunk WHERE sane = 1 ORDER BY position DESC LIMIT 1`,
  )
  const headsFrom = db.prepare<[number], ChunkHead>(`SELECT ${HEAD} FROM chunk WHERE position >= ? ORDER BY position`)
  const rewrite = db.prepare(
    'UPDATE chunk SET arrival = ?, sane = 1, t0 = ?, t1 = ?, crc = ?, data = ? WHERE position = ?',
  )
  const head = db.prepare<[number], ChunkHead>(`SELECT ${HEAD} FROM chunk WHERE position = ?`)
  const insert = db.prepare('INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const remove = db.prepare('DELETE FROM chunk WHERE position <= ?')
  const removeSpan = db.prepare('DELETE FROM chunk WHERE position BETWEEN ? AND ?')
  const spanOf = db
    .prepare<[number], [number | null, number | null]>('SELECT t0, t1 FROM chunk WHERE position = ?')
    .raw()
  const sum = db
    .prepare<[number, number], [number, number]>(
      'SELECT total(n), total(length(data)) FROM chunk WHERE position >= ? AND position < ?',
    )
    .raw()
  const tallied = db
    .prepare<[number], [number, number, number | null]>(
      'SELECT total(n), total(bytes), max(position) FROM tally WHERE position >= ?',
    )
    .raw()
  const addTally = db.prepare('INSERT INTO tally VALUES (?, ?, ?)')
  const removeTallies = db.prepare('DELETE FROM tally WHERE position < ?')
  const lowerTally = db.prepare('UPDATE tally SET n = n - ?, bytes = bytes - ? WHERE position = ?')
  const empty = db.prepare('UPDATE chunk SET n = 0, t0 = NULL, t1 = NULL, crc = ?, data = ? WHERE position = ?')
  const size = db.prepare<[number], number>('SELECT length(data) FROM chunk WHERE position = ?').pluck()
  const holes = makeHoles(db)

  /** Nothing from `seq` up to this position holds readings, so that it is not looked through again. */
  let emptied = { seq: -1, through: 0 }

  const nextPosition = (): number => (last.get()?.position ?? -1) + 1

  const endOf = (row: ChunkHead | undefined): number => (row ? row.seq + row.n : 0)
  const nextSeq = (): number => Math.max(meta.get('floor_seq') ?? 0, endOf(last.get()))

  function positionOf(seq: number): number {
    let from = first.get() ?? 0
    let to = nextPosition()
    while (from < to) {
      const middle = Math.floor((from + to) / 2)
      const row = head.get(middle)
      if (!row) throw damage(`block ${middle} is not in its place`)
      if (row.seq >= seq || row.seq + row.n > seq) to = middle
      else from = middle + 1
    }
    return from
  }

  /** Readings and bytes from a position on: whole tallies where there are some, rows at both ends. */
  function totalsFrom(position: number): { readonly n: number; readonly bytes: number } {
    const aligned = Math.ceil(position / TALLY) * TALLY
    const [n, bytes, lastTally] = tallied.get(aligned)!
    const rest = lastTally === null ? aligned : lastTally + TALLY
    const ends = [sum.get(position, aligned)!, sum.get(rest, Number.MAX_SAFE_INTEGER)!]
    return {
      n: ends.reduce((total, end) => total + end[0], n),
      bytes: ends.reduce((total, end) => total + end[1], bytes),
    }
  }

  function content(row: ChunkRow): ChunkContent | undefined {
    if (checksum(row, row.data) !== row.crc) return undefined
    try {
      return decodeChunk(row.data)
    } catch {
      return undefined // bytes as they were written, in a layout that is unknown: the caller counts it as damage
    }
  }

  /** The block's bytes changed their length, and it holds this many readings less. */
  function adjustTally(position: number, n: number, bytes: number): void {
    lowerTally.run(n, size.get(position)! - bytes, Math.floor(position / TALLY) * TALLY)
  }

  return {
    nextSeq,
    nextPosition,
    last: () => last.get(),
    oldest: (limit) => oldest.all(limit),
    rows: (position, limit) => rows.all(position, limit),
    filled(seq, limit) {
      const from = emptied.seq === seq ? emptied.through : positionOf(seq)
      const found = filled.all(from, nextPosition() - 1, limit)
      emptied = { seq, through: found[0]?.position ?? from }
      return found
    },
    add({ block }, data, context) {
      const chunk: ChunkHead = { ...context, position: nextPosition(), seq: nextSeq(), n: block.signals.length }
      const [t0, t1] = span(block.times)
      const { position, seq, n, arrival, monotonic, boot, sane } = chunk
      insert.run(position, seq, n, arrival, monotonic, boot, sane, t0, t1, checksum(chunk, data), data)
      if ((position + 1) % TALLY === 0) {
        const from = position + 1 - TALLY
        addTally.run(from, ...sum.get(from, position + 1)!)
      }
      return chunk
    },
    read(row) {
      const found = content(row)
      try {
        return found && blockOf(row, found, dictionary, boots)
      } catch {
        return undefined // it refers to what the dictionary does not know: the caller counts it as damage
      }
    },
    content,
    untrusted: (boot, limit) => untrusted.all(boot, limit),
    rewrite(row, found, arrival) {
      const data = encodeChunk(found)
      const [t0, t1] = span(found.block.times)
      adjustTally(row.position, 0, data.length)
      rewrite.run(arrival, t0, t1, checksum({ ...row, arrival, sane: 1 }, data), data, row.position)
    },
    lastTrusted: () => lastTrusted.get(),
    firstTimed(position) {
      for (const found of headsFrom.iterate(position)) if (found.sane === 1 || boots.waits(found)) return found
      return undefined
    },
    deleteThrough(position) {
      const end = Math.min(position, nextPosition() - 2)
      remove.run(end)
      removeTallies.run(end + 1)
    },
    positionOf,
    readingsFrom(seq) {
      const position = positionOf(seq)
      const row = head.get(position)
      return totalsFrom(position).n - (row && row.n > 0 ? Math.max(0, seq - row.seq) : 0)
    },
    bytes: (seq = 0) => totalsFrom(positionOf(seq)).bytes,
    thin(stretch, contents) {
      const written = stretch.map((old) => {
        const content = contents.get(old.position)
        if (!content) return { ...old, times: spanOf.get(old.position)! }
        const row = { ...old, n: content.block.signals.length, data: encodeChunk(content) }
        lowerTally.run(old.n - row.n, old.data.length - row.data.length, Math.floor(old.position / TALLY) * TALLY)
        holes.add({ seq: row.seq + row.n, n: old.n - row.n })
        return { ...row, crc: checksum(row, row.data), times: span(content.block.times) }
      })
      // Rows that only shrink leave their pages half empty; written anew they share them.
      removeSpan.run(stretch[0]!.position, stretch.at(-1)!.position)
      for (const { position, seq, n, arrival, monotonic, boot, sane, times, crc, data } of written)
        insert.run(position, seq, n, arrival, monotonic, boot, sane, ...times, crc, data)
    },
    lose(range, row) {
      meta.set('floor_seq', Math.max(nextSeq(), range.seq + range.n))
      holes.add(range)
      if (!row) return
      const data = encodeChunk(NOTHING)
      adjustTally(row.position, row.n, data.length)
      empty.run(checksum({ ...row, n: 0 }, data), data, row.position)
    },
    lostWithin: holes.within,
    forgetLost: holes.forget,
  }
}

/** @throws RangeError where the bytes do not say what the row says. */
function blockOf(row: ChunkRow, found: ChunkContent, dictionary: Dictionary, boots: Boots): StoredBlock {
  const { block, complete, factor } = found
  if (block.signals.length !== row.n) throw new RangeError('the chunk holds another number of readings than its row')
  const arrival = unixMs(row.arrival)
  const bySource: Record<string, Record<string, UnixMs>> = {}
  for (const { feed, until } of complete) {
    const { source, asset } = dictionary.feed(feed)
    bySource[source] ??= {}
    bySource[source][asset] = until
  }
  return {
    seq: rawSeq(row.seq),
    position: row.position,
    arrival,
    monotonic: row.monotonic,
    boot: dictionary.boot(row.boot),
    sane: row.sane === 1,
    waits: boots.waits(row),
    complete: bySource,
    block: { ...block, arrival, complete_until: {} },
    ...(factor !== undefined && { factor }),
  }
}

/** The content of a block that holds no readings. */
export const NOTHING: ChunkContent = {
  block: {
    signals: new Uint32Array(),
    times: new Float64Array(),
    values: new Float64Array(),
    forms: new Uint8Array(),
    qualities: new Uint8Array(),
    texts: [],
  },
  complete: [],
}

/** Over the whole row: a flipped bit in the bytes or beside them is found. */
export function checksum(head: ChunkHead, data: Buffer): number {
  const { position, seq, n, arrival, monotonic, boot, sane } = head
  return crc32(data, crc32([position, seq, n, arrival, monotonic, boot, sane].join()))
}

function span(times: Float64Array): readonly [number, number] | readonly [null, null] {
  if (times.length === 0) return [null, null]
  let [from, to] = [times[0]!, times[0]!]
  for (const time of times) {
    if (time < from) from = time
    if (time > to) to = time
  }
  return [from, to]
}
