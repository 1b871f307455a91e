import { rawSeq, unixMs } from '../core/brand.ts'
import type { ReadingBlock } from '../core/reading-block.ts'
import type { StoredBlock } from '../core/stored-block.ts'
import type { ChunkHead } from './raw-log.ts'
import type { Tables } from './tables.ts'

/** Where the latest span of the log begins, and how much it holds. */
export interface Recent {
  /** of the first and the last block */
  readonly position: number
  readonly last: number
  /** of the first reading */
  readonly seq: number
  /** arrival of its first block and of the last one whose time is trusted, UnixMs */
  readonly from: number
  readonly until: number
  readonly readings: number
}

type NumberColumn = 'signals' | 'times' | 'values' | 'forms' | 'qualities'

/**
 * A stored block that JSON can say: its columns are their bytes in base64, for both ends are on one machine. `block` is null
 * where it is damaged.
 */
export type PlainBlock = Omit<StoredBlock, 'block'> & {
  readonly block: (Pick<ReadingBlock, 'texts'> & Readonly<Record<NumberColumn, string>>) | null
}

/**
 * The latest `span` ms, or the latest `most` readings where those are fewer; null where nothing is stored. Looked for by
 * halves: arrivals ascend but for steps of the clock.
 */
export function recentSpan({ log }: Tables, span: number, most: number): Recent | null {
  const [[first], last] = [log.oldest(1), log.last()]
  if (!first || !last) return null
  const end = last.seq + last.n
  // What came after it, came under a clock that may have gone back.
  const trusted = log.lastTrusted() ?? last
  const until = trusted.arrival
  const isRecent = ({ position, arrival, seq }: ChunkHead): boolean =>
    (position > trusted.position || arrival > until - span) && seq >= end - most
  let [before, from]: [number, ChunkHead] = [first.position - 1, last]
  while (from.position - before > 1) {
    const middle = Math.floor((before + from.position) / 2)
    const [row] = log.rows(middle, 1)
    if (row && row.position < from.position && isRecent(row)) from = row
    else before = middle
  }
  const { position, seq, arrival } = from
  return { position, last: last.position, seq, from: Math.min(arrival, until), until, readings: end - seq }
}

/** Blocks from a position on, with all that the disclosure step wants to know of them. */
export function plainBlocks({ log }: Tables, position: number, limit: number): readonly PlainBlock[] {
  return log.rows(position, limit).map((row): PlainBlock => {
    const stored = log.read(row)
    if (stored) {
      const { signals, times, values, forms, qualities, texts } = stored.block
      const columns = { signals, times, values, forms, qualities }
      const packed = Object.entries(columns).map(([name, column]) => [name, base64Of(column)] as const)
      return { ...stored, block: { ...(Object.fromEntries(packed) as Record<NumberColumn, string>), texts } }
    }
    const { monotonic, sane } = row
    const head = { seq: rawSeq(row.seq), position: row.position, arrival: unixMs(row.arrival), monotonic, boot: '' }
    return { ...head, sane: sane === 1, waits: false, complete: {}, block: null }
  })
}

/** The stored block again; undefined where it is damaged. */
export function storedBlockOf({ block, ...head }: PlainBlock): StoredBlock | undefined {
  if (!block) return undefined
  const columns = {
    signals: new Uint32Array(bytesOf(block.signals)),
    times: new Float64Array(bytesOf(block.times)),
    values: new Float64Array(bytesOf(block.values)),
    forms: new Uint8Array(bytesOf(block.forms)),
    qualities: new Uint8Array(bytesOf(block.qualities)),
  }
  return { ...head, block: { ...columns, texts: block.texts, arrival: head.arrival, complete_until: {} } }
}

function base64Of({ buffer, byteOffset, byteLength }: Uint32Array | Float64Array | Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64')
}

/** In a buffer of their own, so that they lie where wider numbers may. */
function bytesOf(base64: string): ArrayBuffer {
  return new Uint8Array(Buffer.from(base64, 'base64')).buffer
}
