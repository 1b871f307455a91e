import type { UnixMs } from '../core/brand.ts'
import { accountProblems } from './accounts.ts'
import type { ChunkHead } from './raw-log.ts'
import { statusOf } from './status.ts'
import type { Tables } from './tables.ts'

/** Small tables on which everything else rests; a second copy of their texts lies in their indexes. */
const CHECKED = ['meta', 'boot', 'feed', 'signal', 'pool', 'sequence', 'ledger']

/**
 * What can be told at once to be wrong in a file that SQLite opens. A flipped bit leaves a database valid and its content
 * wrong; the blocks have checksums for that, what stands here has copies and sums.
 * @param end where the log ended by the high-water file, if there is one
 * @throws whatever reading damaged rows throws
 */
export function findUnsound(
  tables: Tables,
  data_dir: string,
  now: UnixMs,
  end: number | undefined,
): string | undefined {
  const { db, log } = tables
  for (const table of CHECKED) {
    const found = db.pragma(`integrity_check(${table})`, { simple: true })
    if (found !== 'ok') return `${table}: ${String(found)}`
  }
  const last = log.last()
  if (last && !log.read(log.rows(last.position, 1)[0]!) && !fitsNeighbours(tables, last, end)) {
    return 'the newest block is damaged'
  }
  return accountProblems(statusOf(tables, data_dir, now))[0]
}

/**
 * Whether a block's sequences lie between those of its neighbours, so that its own count of readings can be believed.
 * @param end where the log ends, if that is known elsewhere; the newest block has no other neighbour
 */
export function fitsNeighbours({ log }: Tables, { position, seq, n }: ChunkHead, end: number | undefined): boolean {
  const [before] = log.rows(position - 1, 1)
  const [, after] = log.rows(position, 2)
  const begins = !before || before.position === position || before.seq + before.n <= seq
  return begins && (after ? seq + n <= after.seq : seq + n === end)
}
