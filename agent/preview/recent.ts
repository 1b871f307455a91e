import { randomBytes } from 'node:crypto'
import { storedBlockOf } from '../../buffer/plain-block.ts'
import type { StoreStatus } from '../../buffer/port.ts'
import { rawSeq } from '../../core/brand.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { DisclosurePlan } from '../../privacy/compile.ts'
import type { Disclosed } from '../../privacy/disclosed.ts'
import { makePseudonyms } from '../../privacy/keys.ts'
import { seal } from '../../uplink/seal.ts'
import { newSigningKey, parseSigningKey } from '../../uplink/signature.ts'
import { decodeFile, type FileView } from '../cli/outbox-text.ts'
import type { BufferDesk } from '../daemon/buffer-desk.ts'
import { type Chart, makeReplay } from './replay.ts'

/** Blocks asked for at a time. */
const PIECE = 32
/** With more readings the latest are taken: they pass through memory one block at a time, and take their time. */
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

/** A policy as far as it is needed to seal by it. */
export interface SealablePolicy {
  readonly pool: string
  readonly plan: DisclosurePlan
  readonly document: unknown
  readonly contract: { readonly id: string; readonly sha256: string }
  /** ms */
  readonly max_skew: number
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
  const recent = await desk.ask({ kind: 'recent', span, most: MOST_READINGS })
  if (!recent) return undefined
  const status = await desk.ask({ kind: 'status', now: recent.until })
  let signals: readonly SignalSpec[] = await desk.ask({ kind: 'signals' })
  const pseudonyms = makePseudonyms(new Uint8Array(randomBytes(32)), policy.pool)
  const replay = makeReplay({
    plan: policy.plan,
    pseudonyms,
    signalOf: (index) => signals[index]!,
    first: rawSeq(recent.seq),
    span: [recent.from, recent.until],
    max_skew: policy.max_skew,
  })
  let damaged = 0
  for (let position = recent.position; ; ) {
    const blocks = await desk.ask({ kind: 'blocks', position, limit: PIECE })
    // A running agent has gone on meanwhile.
    const meant = blocks.filter((block) => block.position <= recent.last)
    const stored = meant.flatMap((block) => storedBlockOf(block) ?? [])
    damaged += meant.length - stored.length
    if (stored.some(({ block }) => block.signals.some((index) => index >= signals.length)))
      signals = await desk.ask({ kind: 'signals' })
    for (const block of stored) replay.take(block)
    if (meant.length < blocks.length || blocks.length === 0) break
    position = blocks.at(-1)!.position + 1
  }
  const signing = parseSigningKey(newSigningKey())
  const batches = replay.periods().map(({ period, whole }) => {
    const size = policy.plan.datasets.find(({ name }) => name === period.dataset)!.size_class
    return { dataset: period.dataset, size, whole, file: decodeFile(sealed(period, size), ROWS) }
  })

  function sealed(disclosed: Disclosed, size_class: number): ReturnType<typeof seal> {
    return seal({
      disclosed,
      pool: policy.pool,
      contributor: pseudonyms.contributor(disclosed.epoch),
      stream: pseudonyms.stream(disclosed.epoch, new Uint8Array(randomBytes(8))),
      seq: 0,
      contract: policy.contract,
      policy: pseudonyms.policyHash(disclosed.epoch, policy.document),
      size_class,
      signing,
    })
  }
  return {
    ...{ from: recent.from, until: recent.until, readings: recent.readings, damaged, batches },
    charts: replay.charts(),
    accounts: status.pools[policy.pool]?.accounts ?? null,
  }
}
