import { untilTick } from '../../agent/daemon/commit-queue.ts'
import { type Observed, trafficAttack } from '../../attack/traffic.ts'
import type { StoredBlock } from '../../core/stored-block.ts'
import { makeRandom } from '../../test/prove/random.ts'
import { MANIFEST_KEY } from '../../uplink/manifest.ts'
import { decodeParquet } from '../../uplink/parquet.ts'
import { seal } from '../../uplink/seal.ts'
import { newSigningKey, parseSigningKey } from '../../uplink/signature.ts'
import type { Steel } from './data.ts'
import { DAY, DAY_ONE, emptyBlock, HOUR, POOL, planOf, pseudonymsOf, runThrough, SECOND, storedBlock } from './plant.ts'
import type { Setting } from './setting.ts'

/**
 * A6 on Steel: the plant seals a batch an hour; the observer sees how many bytes each has and when it is sent, and wants to
 * know whether the plant was at work in that hour. Two plants: one that is polled, and one whose sensors speak by themselves,
 * often at work and seldom idle. What sealing, the disk and the network add to the moment is not part of it.
 */

const QUARTER = HOUR / 4

export interface TrafficSeen {
  readonly sealed: readonly Observed[]
  /** as if batches were sent as large as their content */
  readonly unpadded: readonly Observed[]
}

export function observe(setting: Setting, steel: Steel, days: number, speaks: boolean): TrafficSeen {
  const shape = {
    every: 10 * SECOND,
    measured: (['load', 'reactive', 'factor'] as const).map((name) => ({
      name,
      range: [0, 200] as const,
      value: () => 0,
    })),
  }
  const { plan, signals } = planOf({ ...setting, size_class: 65_536 }, shape, ['2026-01-01'])
  if (!plan) return { sealed: [], unpadded: [] }
  const pseudonyms = pseudonymsOf(1)
  const signing = parseSigningKey(newSigningKey())
  const periods = runThrough(
    { plan, pseudonyms, signals, since: DAY_ONE, laplace: () => 0 },
    speaks ? spoken(steel, days) : polled(steel, days),
  )
  const sealed = periods.map(({ period, closed_at }, seq) => {
    const { bytes } = seal({
      disclosed: period,
      pool: POOL,
      contributor: pseudonyms.contributor(0),
      stream: pseudonyms.stream(0, new Uint8Array(8)),
      seq,
      contract: { id: POOL, sha256: 'a'.repeat(64) },
      policy: 'b'.repeat(64),
      size_class: 65_536,
      signing,
    })
    const working = isWorking(steel, period.from - DAY_ONE)
    return { bytes, seen: { bytes: bytes.length, delay: closed_at - period.until, working } }
  })
  return {
    sealed: sealed.map(({ seen }) => seen),
    unpadded: sealed.map(({ bytes, seen }) => ({ ...seen, bytes: bytes.length - padOf(bytes) })),
  }
}

export function worstOf(seen: readonly Observed[]) {
  const { by_size, by_time } = trafficAttack(seen)
  return by_size.value > by_time.value ? by_size : by_time
}

function padOf(bytes: Uint8Array): number {
  const { manifest } = decodeParquet(bytes)
  if (manifest === undefined) throw new Error(`a sealed file without ${MANIFEST_KEY}`)
  return (JSON.parse(manifest) as { readonly pad: string }).pad.length
}

function isWorking(steel: Steel, at: number): boolean {
  return [0, 1, 2, 3].filter((q) => steel.working[at / QUARTER + q]).length >= 2
}

/** Readings when `next` says, and the commits of every half minute that the agent makes whether there are any or not. */
function* stored(steel: Steel, days: number, next: (at: number) => number): Generator<StoredBlock> {
  const random = makeRandom(31)
  let [seq, position] = [0, 0]
  let tick = untilTick(DAY_ONE)
  for (let at = next(0); at < days * DAY; at = next(at)) {
    for (; tick <= at; tick += untilTick(DAY_ONE + tick)) yield emptyBlock(seq, position++, DAY_ONE + tick)
    yield reading(steel, at, seq, position++, random)
    seq += 3
  }
  for (; tick <= days * DAY + HOUR; tick += untilTick(DAY_ONE + tick)) yield emptyBlock(seq, position++, DAY_ONE + tick)
}

/** Every ten seconds, whatever the plant does. */
function polled(steel: Steel, days: number): Generator<StoredBlock> {
  return stored(steel, days, (at) => at + 10 * SECOND)
}

/** At work about every two seconds, idle about every ten minutes. */
function spoken(steel: Steel, days: number): Generator<StoredBlock> {
  const random = makeRandom(32)
  return stored(steel, days, (at) => {
    const mean = isWorking(steel, Math.floor(at / HOUR) * HOUR) ? 2 * SECOND : 600 * SECOND
    return at - Math.log(1 - random()) * mean
  })
}

function reading(steel: Steel, at: number, seq: number, position: number, random: () => number): StoredBlock {
  const quarter = Math.floor(at / QUARTER)
  const values = Float64Array.of(
    steel.kwh[quarter]! * (0.98 + 0.04 * random()),
    steel.reactive[quarter]! * (0.98 + 0.04 * random()),
    steel.factor[quarter]! * (0.98 + 0.04 * random()),
  )
  const times = new Float64Array(3).fill(DAY_ONE + Math.floor(at))
  return storedBlock({ seq, position, arrival: DAY_ONE + at + 1, signals: Uint32Array.of(0, 1, 2), times, values })
}
