import { randomFillSync, randomInt } from 'node:crypto'
import { rawSeq, unixMs } from '../../core/brand.ts'
import { makeDisclosure } from '../../privacy/disclose.ts'
import { makeLaplace } from '../../privacy/noise.ts'
import type { BufferDesk } from '../daemon/buffer-desk.ts'
import { openRecentLog, type SealablePolicy, throwAwaySeal } from '../preview/recent-log.ts'
import { makeTrial, type TrialResult } from './trial.ts'

/** With more readings the latest are taken. */
const MOST_READINGS = 20_000_000

/** What attacks find in what recent readings become. */
export interface RecentTrial {
  /** arrival of the first and the last block, UnixMs */
  readonly from: number
  readonly until: number
  readonly readings: number
  readonly result: TrialResult
}

/**
 * Puts the latest readings of a buffer through the policy and attacks what comes out. Nothing is stored, charged or sent;
 * keys are made for it and thrown away.
 * @param span ms
 * @returns undefined where nothing is stored yet
 */
export async function tryRecent(
  desk: BufferDesk,
  policy: SealablePolicy,
  span: number,
): Promise<RecentTrial | undefined> {
  const recent = await openRecentLog(desk, span, MOST_READINGS)
  if (!recent) return undefined
  const { from, until, readings, seq, signalOf } = recent
  const { pseudonyms, seal } = throwAwaySeal(policy)
  // Thrown away: another trial sees other noise, and none of it is what is published.
  const laplace = makeLaplace((bytes) => void randomFillSync(bytes))
  const trial = makeTrial({
    plan: policy.plan,
    pseudonyms,
    signalOf,
    disclosing: (plan) =>
      makeDisclosure({
        plan,
        pseudonyms,
        cursor: { raw_seq: rawSeq(seq), sealed_until: {} },
        stream_since: unixMs(from),
        signalOf,
        max_skew: policy.max_skew,
        noise: { state: { charges: [], counted_from: null, drawn_until: {} }, laplace },
      }),
    sealedBytes: (period) => seal(period).bytes.length,
    random: () => randomInt(2 ** 47) / 2 ** 47,
  })
  for await (const block of recent.blocks()) if (block) trial.take(block)
  return { from, until, readings, result: trial.result() }
}
