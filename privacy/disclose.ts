import { rawSeq, type UnixMs, unixMs } from '../core/brand.ts'
import type { LedgerEntry } from '../core/ledger.ts'
import { FORM_NULL } from '../core/reading-block.ts'
import type { SignalSpec } from '../core/signal.ts'
import type { Cursor, StoredBlock } from '../core/stored-block.ts'
import { makeAccounting } from './account.ts'
import type { DisclosurePlan } from './compile.ts'
import type { Disclosed } from './disclosed.ts'
import type { Pseudonyms } from './keys.ts'
import { LEFT_OUT, makeRoutes, type Route, UNCERTAIN, USE, usableValue } from './route.ts'
import { discloseRows } from './rows.ts'
import { makeDataset, type OpenDataset, tallyAt, windowOfSlot } from './series.ts'
import { addBase, addCount, addLast, addMeasure } from './statistic.ts'
import { ceilTo, floorTo, makeFirstArrivals } from './window.ts'

/** The disclosure of one pool, driven by the publish loop: a function of the stored blocks it is fed, and of nothing else. */
export interface Disclosure {
  /** Feeds the next stored block, in order of position. */
  take(block: StoredBlock): void
  /** Next cadence period whose slots are all closed, oldest first; undefined where none. The same until it is `sealed`. */
  ready(): Disclosed | undefined
  /** Cursor as it will be once that period is sealed, or as it is now. Never goes back. */
  cursor(after?: Disclosed): Cursor
  /** Tells that the period was committed. */
  sealed(period: Disclosed): void
  /**
   * Accounts of the readings of a block whose sequence is in [from, to), once `after` is sealed: one entry a signal,
   * account and reason. Ask in order of position, after the block was taken.
   */
  account(block: StoredBlock, from: number, to: number, after?: Disclosed): readonly LedgerEntry[]
}

/**
 * @param input.cursor where the store says publication stands; feed blocks from the one that holds `raw_seq`
 * @param input.stream_since slots that begin before it are not of this stream
 * @param input.sourceOf source that feeds a signal which only a broker's wildcard brings, once it is known
 * @param input.max_skew ms; a reading further in the future than this when it was stored is not used
 */
export function makeDisclosure(input: {
  readonly plan: DisclosurePlan
  readonly pseudonyms: Pseudonyms
  readonly cursor: Cursor
  readonly stream_since: UnixMs
  readonly signalOf: (index: number) => SignalSpec
  readonly sourceOf: (signalId: string) => string | undefined
  readonly max_skew: number
}): Disclosure {
  const { plan, cursor: begun } = input
  const opened = plan.datasets.map((dataset) => {
    const since = ceilTo(input.stream_since, dataset.slot)
    const open = makeDataset(plan, dataset, begun.sealed_until[dataset.name] ?? since, input.sourceOf)
    return { open, since, firsts: makeFirstArrivals(dataset.slot) }
  })
  const sinceOf = new Map(opened.map(({ open, since }) => [open, since]))
  const datasets = opened.map(({ open }) => open)
  const routes = makeRoutes(datasets, input.signalOf)
  const accounting = makeAccounting({
    datasets,
    routes,
    since: (dataset) => sinceOf.get(dataset)!,
    max_skew: input.max_skew,
  })
  /** Readings are kept this much longer (ms) than any slot needs them, for those that are accounted late. */
  const margin = plan.max_wait + Math.max(0, ...datasets.flatMap((d) => d.series.map((s) => s.window)))
  let nextSeq: number = begun.raw_seq
  let passed: number = begun.raw_seq

  function takeReading(route: Route, block: StoredBlock, i: number, uncertain: boolean): void {
    const value = usableValue(route, block.block, i)
    if (value === undefined) return
    const { intake } = route
    const { series } = intake
    const at = block.block.times[i]!
    const held = intake.current
    const tally =
      held && at >= held.start && at < held.end
        ? held
        : tallyAt(intake, at, windowOfSlot(series, sinceOf.get(series.dataset)!))
    if (!tally) return
    intake.current = tally
    const seq = block.seq + i
    if (route.kind === 'count') addBase(tally, at, value as number, seq)
    if (tally.end <= series.dataset.closing.until()) return // late: a later window may still count from it
    if (seq < tally.first_seq) tally.first_seq = seq
    if (route.kind === 'measure') addMeasure(tally, at, value as number, series.low, series.high)
    else if (route.kind === 'count') addCount(tally, at, value as number)
    else addLast(tally, at, value)
    tally.n++
    tally.every = route.every
    if (uncertain) tally.uncertain++
  }

  /** Lowest sequence that a dataset sealed up to `sealed` still needs. */
  function neededSeq(dataset: OpenDataset, sealed: number): number {
    let least = Number.POSITIVE_INFINITY
    for (const series of dataset.series) {
      const from = windowOfSlot(series, sealed)
      for (const { tallies } of series.intakes) {
        for (const [start, tally] of tallies) {
          if (start >= from) least = Math.min(least, tally.first_seq)
          else if (series.isCounter && start === from - series.window) least = Math.min(least, tally.newest_seq)
        }
      }
    }
    return least
  }

  function cursorAfter(after?: Disclosed): Cursor {
    const sealed_until: Record<string, UnixMs> = { ...begun.sealed_until }
    let least = nextSeq
    for (const { open, since, firsts } of opened) {
      const sealed = after?.dataset === open.plan.name ? after.until : open.sealed
      // A slot closes by the first block stored after it: a replay must begin there or before.
      least = Math.min(least, neededSeq(open, sealed), firsts.firstFrom(sealed + open.plan.slot) ?? least)
      if (sealed > since) sealed_until[open.plan.name] = unixMs(sealed)
    }
    return { raw_seq: rawSeq(Math.max(passed, least)), sealed_until }
  }

  return {
    take(stored) {
      const { block, arrival, sane } = stored
      const { times, forms, qualities, signals } = block
      if (sane) {
        for (let i = 0; i < times.length; i++) {
          const use = USE[qualities[i]!]!
          if (use === LEFT_OUT || forms[i] === FORM_NULL || times[i]! > arrival + input.max_skew) continue
          for (const route of routes(signals[i]!)) takeReading(route, stored, i, use === UNCERTAIN)
        }
      }
      nextSeq = Math.max(nextSeq, stored.seq + times.length)
      for (const { open, firsts } of opened) {
        firsts.see(stored)
        open.closing.see(stored)
        accounting.see(open, stored)
      }
    },
    ready() {
      const closed = datasets
        .map((dataset) => ({ dataset, until: floorTo(dataset.sealed, dataset.plan.cadence) + dataset.plan.cadence }))
        .filter(({ dataset, until }) => until <= dataset.closing.until())
        .toSorted((a, b) => a.until - b.until)[0]
      return closed && discloseRows(plan, input.pseudonyms, closed.dataset, closed.until)
    },
    cursor: cursorAfter,
    sealed(period) {
      const cursor = cursorAfter(period)
      passed = cursor.raw_seq
      const { open, firsts } = opened.find((one) => one.open.plan.name === period.dataset)!
      open.sealed = period.until
      firsts.forget(period.until)
      accounting.forget(passed)
      const oldest = Math.min(...datasets.flatMap((d) => d.series.map((s) => windowOfSlot(s, d.sealed)))) - margin
      for (const { intakes } of open.series)
        for (const { tallies } of intakes)
          for (const [start, tally] of tallies) if (tally.end < oldest) tallies.delete(start)
    },
    account: accounting.account,
  }
}
