import { randomBytes } from 'node:crypto'
import { storedBlockOf } from '../../buffer/plain-block.ts'
import type { SealedBatch } from '../../core/batch.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { StoredBlock } from '../../core/stored-block.ts'
import type { DisclosurePlan } from '../../privacy/compile.ts'
import type { Disclosed } from '../../privacy/disclosed.ts'
import { makePseudonyms, type Pseudonyms } from '../../privacy/keys.ts'
import { seal } from '../../uplink/seal.ts'
import { newSigningKey, parseSigningKey } from '../../uplink/signature.ts'
import type { BufferDesk } from '../daemon/buffer-desk.ts'

/** A policy as far as it is needed to seal by it. */
export interface SealablePolicy {
  readonly pool: string
  readonly plan: DisclosurePlan
  readonly document: unknown
  readonly contract: { readonly id: string; readonly sha256: string }
  /** ms */
  readonly max_skew: number
}

/** The latest readings of a buffer. */
export interface RecentLog {
  /** arrival of the first and the last block, UnixMs */
  readonly from: number
  readonly until: number
  readonly readings: number
  /** sequence of the first reading */
  readonly seq: number
  /** of a signal in a block that was given out */
  signalOf(index: number): SignalSpec
  /** Block after block; undefined for one that could not be read. */
  blocks(): AsyncGenerator<StoredBlock | undefined>
}

/** Blocks asked for at a time. */
const PIECE = 32

/**
 * @param span ms
 * @param most with more readings the latest are taken: they pass through memory one block at a time, and take their time
 * @returns undefined where nothing is stored yet
 */
export async function openRecentLog(desk: BufferDesk, span: number, most: number): Promise<RecentLog | undefined> {
  const recent = await desk.ask({ kind: 'recent', span, most })
  if (!recent) return undefined
  let signals: readonly SignalSpec[] = await desk.ask({ kind: 'signals' })
  return {
    ...recent,
    signalOf: (index) => signals[index]!,
    async *blocks() {
      for (let position = recent.position; ; ) {
        const blocks = await desk.ask({ kind: 'blocks', position, limit: PIECE })
        // A running agent has gone on meanwhile.
        const meant = blocks.filter((block) => block.position <= recent.last)
        const stored = meant.map(storedBlockOf)
        if (stored.some((one) => one?.block.signals.some((index) => index >= signals.length)))
          signals = await desk.ask({ kind: 'signals' })
        yield* stored
        if (meant.length < blocks.length || blocks.length === 0) return
        position = blocks.at(-1)!.position + 1
      }
    },
  }
}

/** Keys that are made anew each time, so that what is shown does not lead to the rows at the pool, and a seal with them. */
export function throwAwaySeal({ pool, plan, document, contract }: SealablePolicy): {
  readonly pseudonyms: Pseudonyms
  seal(disclosed: Disclosed): SealedBatch
} {
  const pseudonyms = makePseudonyms(new Uint8Array(randomBytes(32)), pool)
  const stream = new Uint8Array(randomBytes(8))
  const signing = parseSigningKey(newSigningKey())
  return {
    pseudonyms,
    seal: (disclosed) =>
      seal({
        disclosed,
        pool,
        contributor: pseudonyms.contributor(disclosed.epoch),
        stream: pseudonyms.stream(disclosed.epoch, stream),
        seq: 0,
        contract,
        policy: pseudonyms.policyHash(disclosed.epoch, document),
        size_class: plan.datasets.find(({ name }) => name === disclosed.dataset)!.size_class,
        signing,
      }),
  }
}
