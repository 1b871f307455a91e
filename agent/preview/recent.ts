import type { StoreStatus } from '../../buffer/port.ts'
import { rawSeq } from '../../core/brand.ts'
import { decodeFile, type FileView } from '../cli/outbox-text.ts'
import type { BufferDesk } from '../daemon/buffer-desk.ts'
import { openRecentLog, type SealablePolicy, throwAwaySeal } from './recent-log.ts'
import { type Chart, makeReplay } from './replay.ts'

/** With more readings the latest are taken. */
const MOST_READINGS = 3_000_000
/** Rows of a decoded file that are shown. */
const ROWS = 12

/** What recent readings would become. */
export interface RecentView {
  /** arrival of the first and the last block, UnixMs */
  readonly from: number
  readonly until: number
  readonly readings: number
  /** blocks that could not be read */
  readonly damaged: number
  readonly charts: readonly Chart[]
  readonly batches: readonly WouldBeBatch[]
  /** what became of all readings so far; null where the agent has not published for this pool yet */
  readonly accounts: StoreStatus['pools'][string]['accounts'] | null
}

/** A file as it would be sealed, with keys that were made for it and thrown away. */
export interface WouldBeBatch {
  readonly dataset: string
  /** bytes */
  readonly size: number
  /** false: no whole period was there yet, so that it holds the last slot alone */
  readonly whole: boolean
  readonly file: FileView
}

/**
 * Puts the latest readings of a buffer through the policy. Nothing is stored, charged or sent; keys, and so the pseudonyms,
 * are made anew each time, so that what is shown does not lead to the rows at the pool.
 * @param span ms
 * @returns undefined where nothing is stored yet
 */
export async function previewRecent(
  desk: BufferDesk,
  policy: SealablePolicy,
  span: number,
): Promise<RecentView | undefined> {
  const recent = await openRecentLog(desk, span, MOST_READINGS)
  if (!recent) return undefined
  const { from, until, readings } = recent
  const status = await desk.ask({ kind: 'status', now: until })
  const { pseudonyms, seal } = throwAwaySeal(policy)
  const replay = makeReplay({
    plan: policy.plan,
    pseudonyms,
    signalOf: recent.signalOf,
    first: rawSeq(recent.seq),
    span: [from, until],
    max_skew: policy.max_skew,
  })
  let damaged = 0
  for await (const block of recent.blocks()) {
    if (block) replay.take(block)
    else damaged++
  }
  const batches = replay.periods().map(({ period, whole }) => {
    const sealed = seal(period)
    return { dataset: period.dataset, size: sealed.bytes.length, whole, file: decodeFile(sealed, ROWS) }
  })
  return {
    ...{ from, until, readings, damaged, batches },
    charts: replay.charts(),
    accounts: status.pools[policy.pool]?.accounts ?? null,
  }
}
