import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { type UnixMs, unixMs } from '../core/brand.ts'
import type { ReadingBlock } from '../core/reading-block.ts'
import { type ByteReader, type ByteWriter, makeByteReader, makeByteWriter } from './bytes.ts'
import { type Bounds, readNumbers, writeNumbers } from './number-column.ts'

/**
 * The bytes of one chunk of the raw log: a version byte, then a zstd frame of columns. Times, values, forms and
 * qualities lie grouped by signal, where neighbours are alike; the signal column keeps the order of reading, from
 * which the grouping, and so the exact order, is found again.
 * A new layout gets a new version byte; old ones stay readable for as long as a data folder may hold them.
 */
const VERSION = 1
/** As version 1, with the binary logarithm of the thinning factor between the version and the frame. */
const THINNED = 2
/** A chunk is one commit; nothing sane comes near this, so a longer frame is damage and is not unpacked. */
const MAX_BYTES = 2 ** 28

/** Which (source, asset) has nothing older to come than when; feeds are the store's numbers for the pairs. */
export interface FeedMark {
  readonly feed: number
  readonly until: UnixMs
}

/** What a chunk's bytes hold, besides what stands in its row. */
export interface ChunkContent {
  readonly block: Omit<ReadingBlock, 'arrival' | 'complete_until'>
  readonly complete: readonly FeedMark[]
  /** of how many readings of a signal about one is left; a power of two, absent where all are there */
  readonly factor?: number
}

/** Pure and exact, but that texts which are not well-formed UTF-16 are made so. */
export function encodeChunk({ block, complete, factor = 1 }: ChunkContent): Buffer {
  const n = block.signals.length
  const { order, bounds } = grouping(block.signals)
  const out = makeByteWriter(64 + n * 6)
  out.varint(n)
  out.varint(complete.length)
  let feed = 0
  for (const mark of complete) {
    out.signed(mark.feed - feed)
    feed = mark.feed
  }
  writeNumbers(
    out,
    Float64Array.from(complete, (mark) => mark.until),
    [0, complete.length],
    false,
  )
  let signal = 0
  for (let i = 0; i < n; i++) {
    out.signed(block.signals[i]! - signal)
    signal = block.signals[i]!
  }
  writeRuns(out, block.forms, order)
  writeRuns(out, block.qualities, order)
  writeNumbers(out, gather(block.times, order), bounds, true)
  writeNumbers(out, gather(block.values, order), bounds, false)
  out.varint(block.texts.length)
  for (const text of block.texts) {
    const bytes = Buffer.from(text, 'utf8')
    out.varint(bytes.length)
    out.bytes(bytes)
  }
  const packed = zstdCompressSync(out.taken(), { params: { [constants.ZSTD_c_compressionLevel]: 3 } })
  const head = factor === 1 ? Buffer.of(VERSION) : Buffer.of(THINNED, Math.log2(factor))
  return Buffer.concat([head, packed])
}

/** The thinning factor of a chunk, 1 where nothing was removed; does not unpack it. */
export function factorOf(data: Uint8Array): number {
  return data[0] === THINNED ? 2 ** data[1]! : 1
}

/** @throws RangeError (or zlib's error) where the bytes are not a chunk, e.g. of a newer version. */
export function decodeChunk(data: Uint8Array): ChunkContent {
  const factor = factorOf(data)
  if (data[0] !== VERSION && data[0] !== THINNED) throw new RangeError(`unknown chunk version ${data[0]}`)
  const source = makeByteReader(zstdDecompressSync(data.subarray(data[0]), { maxOutputLength: MAX_BYTES }))
  const n = source.varint()
  const feeds = readDeltas(source, source.varint())
  const untils = readNumbers(source, [0, feeds.length], false)
  const signals = readDeltas(source, n)
  const { order, bounds } = grouping(signals)
  const forms = readRuns(source, order)
  const qualities = readRuns(source, order)
  const times = scatter(readNumbers(source, bounds, true), order)
  const values = scatter(readNumbers(source, bounds, false), order)
  const texts = Array.from({ length: source.varint() }, () =>
    Buffer.from(source.bytes(source.varint())).toString('utf8'),
  )
  return {
    block: { signals, times, values, forms, qualities, texts },
    complete: Array.from(feeds, (feed, i) => ({ feed, until: unixMs(untils[i]!) })),
    ...(factor > 1 && { factor }),
  }
}

/** Stable order by signal, and where each signal's run begins; bounds end with the number of readings. */
function grouping(signals: Uint32Array): { readonly order: Uint32Array; readonly bounds: Bounds } {
  const n = signals.length
  // Signal and position in one number, so that the native numeric sort is stable; both fit 2^53 up to 2 M readings.
  const keys = new Float64Array(n)
  for (let i = 0; i < n; i++) keys[i] = signals[i]! * n + i
  keys.sort()
  const order = new Uint32Array(n)
  for (let i = 0; i < n; i++) order[i] = keys[i]! % n
  const bounds = new Uint32Array(n + 1)
  let runs = 0
  for (let i = 1; i <= n; i++) if (i === n || signals[order[i]!] !== signals[order[i - 1]!]) bounds[++runs] = i
  return { order, bounds: bounds.subarray(0, runs + 1) }
}

function gather(column: Float64Array, order: Uint32Array): Float64Array {
  const grouped = new Float64Array(order.length)
  for (let i = 0; i < order.length; i++) grouped[i] = column[order[i]!]!
  return grouped
}

function scatter(grouped: Float64Array, order: Uint32Array): Float64Array {
  const column = new Float64Array(order.length)
  for (let i = 0; i < order.length; i++) column[order[i]!] = grouped[i]!
  return column
}

function readDeltas(source: ByteReader, n: number): Uint32Array {
  if (n > MAX_BYTES) throw new RangeError('the chunk claims too many readings')
  const column = new Uint32Array(n)
  let last = 0
  for (let i = 0; i < n; i++) {
    last += source.signed()
    column[i] = last
  }
  return column
}

function writeRuns(out: ByteWriter, column: Uint8Array, order: Uint32Array): void {
  for (let i = 0; i < order.length; ) {
    const value = column[order[i]!]!
    const from = i
    while (i < order.length && column[order[i]!] === value) i++
    out.byte(value)
    out.varint(i - from)
  }
}

function readRuns(source: ByteReader, order: Uint32Array): Uint8Array {
  const column = new Uint8Array(order.length)
  for (let i = 0; i < order.length; ) {
    const value = source.byte()
    const end = i + source.varint()
    if (end === i || end > order.length) throw new RangeError('a run does not fit the chunk')
    for (; i < end; i++) column[order[i]!] = value
  }
  return column
}
