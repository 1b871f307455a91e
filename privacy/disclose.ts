import { type RawSeq, rawSeq, type UnixMs, unixMs } from '../core/brand.ts'
import type { LedgerEntry } from '../core/ledger.ts'
import type { NoiseState } from '../core/noise.ts'
import { FORM_NULL } from '../core/reading-block.ts'
import type { SignalSpec } from '../core/signal.ts'
import type { Cursor, StoredBlock } from '../core/stored-block.ts'
import { makeAccounting } from './account.ts'
import type { DisclosurePlan } from './compile.ts'
import type { Disclosed } from './disclosed.ts'
import { type Drawn, makeDraws } from './draws.ts'
import type { AccountSums } from './fate.ts'
import type { Pseudonyms } from './keys.ts'
import { readMemory, writeMemory } from './memory.ts'
import type { Laplace } from './noise.ts'
import { makeFormer, type PolicyRecord } from './policy-record.ts'
import { LEFT_OUT, makeRoutes, type Route, UNCERTAIN, USE, usableValue } from './route.ts'
import { discloseRows } from './rows.ts'
import { closingOf, forgetUntil, makeDataset, neededFrom, neededSeq, type OpenDataset, tallyAt } from './series.ts'
import { addBase, addCount, addValue } from './tally.ts'
import { ceilTo, floorTo, makeFirstArrivals } from './window.ts'

/** The disclosure of one pool, driven by the publish loop: a function of the stored blocks it is fed and of the cursor. */
export interface Disclosure {
  /**
   * Feeds the next stored block, in order of position. @returns false where it closes more periods than should be worked
   * out at once: seal what is `ready` before the next block, which works out all that are left
   */
  take(block: StoredBlock): boolean
  /**
   * Next cadence period whose slots are all closed, in the order in which the log closed them (of several at once the
   * one that ends first, then the one the contract names first); undefined where none. The same until it is `sealed`.
   */
  ready(): Disclosed | undefined
  /** Cursor as it will be once that period is sealed, or as it is now. Never goes back. */
  cursor(after?: Disclosed): Cursor
  /** What its noise charges, to be committed with it; undefined where the dataset has none. */
  noise(period: Disclosed): Drawn | undefined
  /** Tells that the period was committed, together with the cursor after it. */
  sealed(period: Disclosed): void
  /**
   * Adds what became of the readings of a block whose sequence is in [from, to), once `after` is sealed. Ask for all blocks in order of position, from the one that holds the committed cursor's
   * `raw_seq`. A reading that a slot still waits for is `evicted{full}`: only eviction can pass it.
   */
  account(block: StoredBlock, from: number, to: number, sums: AccountSums, after?: Disclosed): void
  /**
   * Accounts of readings that are given up before the cursor passed them: those of a block from `from` on, or some of
   * it. What may have been in a sealed window is `disclosed`, the rest `evicted{full}`. Ask for any block, in any order.
   */
  accountLost(block: StoredBlock, from: number): readonly LedgerEntry[]
  /** The cursor with what is remembered at it, once all up to it was asked for. */
  remember(next: Cursor, after?: Disclosed): Cursor
  /** Tells that the cursor that was last remembered was committed; of a period, once it is told that it is `sealed`. */
  moved(): void
}

/** Periods that are worked out at once. A machine that was off, or whose clock was, may close millions of them. */
const MOST_CLOSED = 256

/** A cadence period whose slots are all closed. */
interface ClosedPeriod {
  readonly dataset: OpenDataset
  /** UnixMs */
  readonly until: number
  /** `raw_seq` of the cursor once it and all before it are sealed */
  readonly next: RawSeq
}

/**
 * @param input.cursor where the store says publication stands; feed blocks from the one that holds `raw_seq`
 * @param input.stream_since slots that begin before it are not of this stream
 * @param input.record by which policies the pool was published, this one among them
 * @param input.noise what was drawn and charged before, and what draws; needed where a column has noise
 * @param input.max_skew ms; a reading further in the future than this when it was stored is not used
 */
export function makeDisclosure(input: {
  readonly plan: DisclosurePlan
  readonly pseudonyms: Pseudonyms
  readonly cursor: Cursor
  readonly stream_since: UnixMs
  readonly record?: PolicyRecord | undefined
  readonly signalOf: (index: number) => SignalSpec
  readonly max_skew: number
  readonly noise?: { readonly state: NoiseState; readonly laplace: Laplace } | undefined
}): Disclosure {
  const { plan, cursor: begun, max_skew } = input
  const memory = readMemory(begun.memory)
  const formerly = makeFormer(input.record)
  const datasets = plan.datasets.map((dataset) => {
    const sealed = firstSlot(plan, dataset, input)
    const since = Math.min(ceilTo(input.stream_since, dataset.slot), sealed)
    return makeDataset(plan, dataset, {
      since,
      sealed,
      closing: memory.closing[dataset.name],
      columns: input.record?.datasets[dataset.name]?.columns,
    })
  })
  const routes = makeRoutes(datasets, input.signalOf)
  const firsts = makeFirstArrivals(datasets.map((dataset) => dataset.plan.slot).reduce(greatestCommonDivisor))
  let horizon = horizonOf(({ sealed }) => sealed)
  let nextSeq: number = begun.raw_seq
  let passed: RawSeq = begun.raw_seq
  /** Closed periods in the order in which the log closed them, whatever else was taken since; the first of them, where a block closed many. */
  const closed: ClosedPeriod[] = []
  let waiting: Disclosed | undefined
  let charged: Drawn | undefined
  if (plan.budget && !input.noise) throw new Error('noise is to be added, and nothing draws it')
  const draws = input.noise && makeDraws({ plan, datasets, decided: memory.decided, ...input.noise })
  /** position of the last block taken that was thinned */
  let thinnedAt = -1
  const accounting = makeAccounting({
    datasets,
    routes,
    horizon: () => horizon,
    horizonAfter: (after) => horizonOf((dataset) => sealedAfter(dataset, after)),
    closingOf: (dataset, before) => closingOf(plan, dataset.plan, before),
    max_skew,
    memory,
    mayHaveLeftBefore: formerly ? (seq, signal, at) => formerly(seq, input.signalOf(signal).id, at) : () => false,
  })

  /** Earliest time that an unsealed slot needs: whatever ends later, a replay from the cursor computes again. */
  function horizonOf(sealed: (dataset: OpenDataset) => number): number {
    return Math.min(...datasets.map((dataset) => neededFrom(dataset, sealed(dataset))))
  }

  function sealedAfter(dataset: OpenDataset, after: Disclosed | undefined): number {
    return after?.dataset === dataset.plan.name ? after.until : dataset.sealed
  }

  function takeReading(route: Route, stored: StoredBlock, i: number, uncertain: boolean): void {
    const value = usableValue(route, stored.block, i)
    if (Number.isNaN(value)) return
    const { intake } = route
    const { series } = intake
    const at = stored.block.times[i]!
    const held = intake.current
    const tally = held && at >= held.start && at < held.end ? held : tallyAt(intake, at, horizon)
    if (!tally) return
    intake.current = tally
    const seq = stored.seq + i
    const closedUntil = series.dataset.closing.until()
    // What was counted, or held, from the last reading on may have changed in between, and what said so is gone.
    const factor = stored.factor ?? 1
    const { reach } = series
    if ((factor > 1 && !route.isSampled) || (reach > 0 && intake.latest < thinnedAt)) tally.thinned = true
    intake.latest = stored.position
    // A late reading is still what the next window begins with, as long as that one is open.
    if (reach > 0 && tally.end + series.window > closedUntil) addBase(tally, at, value, seq, uncertain)
    if (tally.end <= closedUntil) return
    if (seq < tally.first_seq) tally.first_seq = seq
    tally.last_seq = seq
    intake.exact?.(tally, at, value)
    if (series.counts) addCount(tally, at, value, series.wrap)
    else addValue(tally, series.weighing, at, value, factor)
    tally.n++
    tally.due += route.every * factor
    if (uncertain) tally.uncertain++
  }

  /** Lowest sequence that is needed by what has been taken, with each dataset sealed that far. */
  function neededAfter(sealed: (dataset: OpenDataset) => number): RawSeq {
    const from = horizonOf(sealed)
    // What closes a slot is stored after its end, so the first slot that ends after the horizon says where to begin.
    const end = Math.min(...datasets.map(({ plan: { slot } }) => floorTo(from, slot) + slot))
    const least = Math.min(nextSeq, firsts.firstFrom(end) ?? nextSeq, ...datasets.map((d) => neededSeq(d, from)))
    return rawSeq(Math.max(closed.at(-1)?.next ?? passed, least))
  }

  /** The period that the blocks taken close next. */
  function nextToClose(): Pick<ClosedPeriod, 'dataset' | 'until'> | undefined {
    let first: Pick<ClosedPeriod, 'dataset' | 'until'> | undefined
    for (const dataset of datasets) {
      const { cadence } = dataset.plan
      const until = floorTo(dataset.closed, cadence) + cadence
      if (until <= dataset.closing.until() && until < (first?.until ?? Number.POSITIVE_INFINITY))
        first = { dataset, until }
    }
    return first
  }

  /** Notes the periods that the blocks taken have closed, up to so many. */
  function closePeriods(most: number): void {
    while (closed.length < most) {
      const period = nextToClose()
      if (!period) return
      period.dataset.closed = period.until
      closed.push({ ...period, next: neededAfter((each) => each.closed) })
    }
  }

  return {
    take(stored) {
      closePeriods(Number.POSITIVE_INFINITY) // of earlier blocks: what they need must not include this one
      const { block, arrival, sane } = stored
      if (stored.factor !== undefined) thinnedAt = stored.position
      const { times, forms, qualities, signals } = block
      if (sane) {
        // Readings that the cursor has passed are accounted, and none of a window that is still open.
        for (let i = Math.max(0, begun.raw_seq - stored.seq); i < times.length; i++) {
          const use = USE[qualities[i]!]!
          if (use === LEFT_OUT || forms[i] === FORM_NULL || times[i]! > arrival + max_skew) continue
          const wanted = routes(signals[i]!)
          for (let r = 0; r < wanted.length; r++) takeReading(wanted[r]!, stored, i, use === UNCERTAIN)
        }
      }
      nextSeq = Math.max(nextSeq, stored.seq + times.length)
      firsts.see(stored)
      for (const { closing } of datasets) closing.see(stored)
      closePeriods(MOST_CLOSED)
      return closed.length < MOST_CLOSED
    },
    ready() {
      const [first] = closed
      if (first && !waiting) {
        charged = draws?.decide(first.dataset, first.until)
        waiting = discloseRows(plan, input.pseudonyms, first.dataset, first.until)
      }
      return waiting
    },
    cursor(after) {
      const first = after && closed[0]!
      const sealed = datasets.map((d) => [d.plan.name, unixMs(d === first?.dataset ? first.until : d.sealed)] as const)
      return {
        raw_seq: first?.next ?? (closed.length > 0 ? passed : neededAfter(({ sealed }) => sealed)),
        sealed_until: { ...begun.sealed_until, ...Object.fromEntries(sealed) },
      }
    },
    noise: () => charged,
    sealed() {
      const { dataset, until, next } = closed.shift()!
      passed = next
      dataset.sealed = until
      waiting = undefined
      if (charged) draws!.committed(charged)
      charged = undefined
      horizon = horizonOf(({ sealed }) => sealed)
      firsts.forget(horizon)
      for (const each of datasets) forgetUntil(each, horizon)
      draws?.forgetUntil(horizon)
      if (closed.length === 0) closePeriods(MOST_CLOSED)
    },
    account: accounting.account,
    accountLost: accounting.accountLost,
    remember(next, after) {
      const sealed = (dataset: OpenDataset): number => sealedAfter(dataset, after)
      const decided = draws?.remember(sealed, horizonOf(sealed)) ?? []
      return { ...next, memory: writeMemory({ ...accounting.remember(next.raw_seq, after), decided }) }
    },
    moved: accounting.moved,
  }
}

/**
 * Where a dataset begins: after its last sealed slot, or with the stream. One that the policy added later begins where
 * the others stand, for what lies before is accounted already. The cursor names it from the next commit on.
 */
function firstSlot(
  plan: DisclosurePlan,
  { name, slot }: { readonly name: string; readonly slot: number },
  {
    cursor,
    stream_since,
    record,
  }: { readonly cursor: Cursor; readonly stream_since: UnixMs; readonly record?: PolicyRecord | undefined },
): number {
  const named = cursor.sealed_until
  const sealed = named[name]
  const own = sealed === undefined ? undefined : Math.max(sealed, record?.datasets[name]?.from ?? 0)
  if (own !== undefined) return ceilTo(own, slot)
  const others = plan.datasets.flatMap((other) => named[other.name] ?? [])
  const all = Object.values(named)
  const stand = others.length > 0 ? Math.min(...others) : all.length > 0 ? Math.max(...all) : stream_since
  return ceilTo(Math.max(stand, stream_since), slot)
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
