import { encodeChunk } from './chunk.ts'
import type { Db } from './database.ts'
import { type ChunkHead, checksum, NOTHING, TALLY } from './raw-log.ts'

/** What is missing between two blocks that were salvaged. */
export interface Gap {
  /** the block before */
  readonly after: ChunkHead
  /** the block behind it */
  readonly before: ChunkHead
  /** readings that were there until the damage; others were given up earlier */
  readonly lost: number
}

/**
 * Makes a log of salvaged blocks one again, of which nothing but `chunk` is there: empty blocks keep the positions
 * contiguous, what they held is lost, the sums are made anew.
 */
export function closeGaps(db: Db, gaps: readonly Gap[]): void {
  const insert = db.prepare(
    `INSERT INTO chunk (position, seq, n, arrival, monotonic, boot, sane, crc, data)
     VALUES ($position, $seq, 0, $arrival, $monotonic, $boot, $sane, $crc, $data)`,
  )
  const addHole = db.prepare('INSERT INTO hole VALUES (?, ?)')
  const data = encodeChunk(NOTHING)
  for (const { after, before } of gaps) {
    const seq = after.seq + after.n
    for (let position = after.position + 1; position < before.position; position++) {
      const head: ChunkHead = { ...after, position, seq, n: 0 }
      insert.run({ ...head, crc: checksum(head, data), data })
    }
    if (before.seq > seq) addHole.run(seq, before.seq - seq)
  }
  db.prepare(
    `INSERT INTO tally SELECT min(position), total(n), total(length(data)) FROM chunk
     GROUP BY position / ${TALLY} HAVING count(*) = ${TALLY}`,
  ).run()
}
