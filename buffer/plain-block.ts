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
  /** arrival of its first and last block, UnixMs */
  readonly from: number
  readonly until: number
  readonly readings: number
}

type NumberColumn = 'signals' | 'times' | 'values' | 'forms' | 'qualities'

/** A stored block that JSON can say; `block` is null where it is damaged. */
export type PlainBlock = Omit<StoredBlock, 'block'> & {
  readonly block: (Pick<ReadingBlock, 'texts'> & Readonly<Record<NumberColumn, readonly number[]>>) | null
}

/**
 * The latest `span` ms, or the latest `most` readings where those are fewer; null where nothing is stored. Looked for by
 * halves: arrivals ascend but for steps of the clock.
 */
export function recentSpan({ log }: Tables, span: number, most: number): Recent | null {
  const [[first], last] = [log.oldest(1), log.last()]
  if (!first || !last) return null
  const end = last.seq + last.n
  const isRecent = ({ arrival, seq }: ChunkHead): boolean => arrival > last.arrival - span && seq >= end - most
  let [before, from]: [number, ChunkHead] = [first.position - 1, last]
  while (from.position - before > 1) {
    const middle = Math.floor((before + from.position) / 2)
    const [row] = log.rows(middle, 1)
    if (row && row.position < from.position && isRecent(row)) from = row
    else before = middle
  }
  const { position, seq, arrival } = from
  return { position, last: last.position, seq, from: arrival, until: last.arrival, readings: end - seq }
}

/** Blocks from a position on, with all that the disclosure step wants to know of them. */
export function plainBlocks({ log }: Tables, position: number, limit: number): readonly PlainBlock[] {
  return log.rows(position, limit).map((row): PlainBlock => {
    const stored = log.read(row)
    if (stored) {
      const { signals, times, values, forms, qualities, texts } = stored.block
      const block = {
        signals: [...signals],
        times: [...times],
        values: [...values],
        forms: [...forms],
        qualities: [...qualities],
        texts,
      }
      return { ...stored, block }
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
    signals: Uint32Array.from(block.signals),
    times: Float64Array.from(block.times),
    values: Float64Array.from(block.values),
    forms: Uint8Array.from(block.forms),
    qualities: Uint8Array.from(block.qualities),
  }
  return { ...head, block: { ...columns, texts: block.texts, arrival: head.arrival, complete_until: {} } }
}
