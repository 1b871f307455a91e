import type { RawSeq, UnixMs } from './brand.ts'
import type { ReadingBlock } from './reading-block.ts'

/**
 * A block as the raw log holds it: what a window's closing is decided from. Signal indexes are the dictionary's.
 * Blocks come in order of `seq`; `arrival` may step back with the wall clock.
 */
export interface StoredBlock {
  /** sequence of its first reading; an empty block has the sequence of the next one */
  readonly seq: RawSeq
  /** position in the log, counts blocks, so that empty ones have an order too */
  readonly position: number
  readonly arrival: UnixMs
  /** monotonic ms of the machine's boot `boot` */
  readonly monotonic: number
  readonly boot: string
  /** false: stored while the wall clock was not trusted */
  readonly sane: boolean
  /** true: not sane, and to be stamped anew once the clock of its boot is known; nobody may go past it until then */
  readonly waits: boolean
  /** source → asset → nothing older than this is still to come */
  readonly complete: Readonly<Record<string, Readonly<Record<string, UnixMs>>>>
  readonly block: ReadingBlock
  /** of how many readings of a signal about one is left, where the buffer thinned them; absent where all are there */
  readonly factor?: number
}

/** Where the publication for one pool stands. */
export interface Cursor {
  /** lowest raw sequence that an open slot still needs; everything before it is accounted */
  readonly raw_seq: RawSeq
  /** dataset → end of the last sealed slot */
  readonly sealed_until: Readonly<Record<string, UnixMs>>
  /** what the publisher must know of what lies before `raw_seq`; the store only keeps it */
  readonly memory?: string | undefined
}
