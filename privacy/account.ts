import type { LedgerEntry, WithheldReason } from '../core/ledger.ts'
import { FORM_NULL } from '../core/reading-block.ts'
import type { StoredBlock } from '../core/stored-block.ts'
import type { Disclosed } from './disclosed.ts'
import { LEFT_OUT, type Route, USE, usableValue } from './route.ts'
import { firstSlotOf, type OpenDataset, type Series } from './series.ts'
import { type Closing, floorTo } from './window.ts'

/**
 * What became of readings that the cursor passes. It knows what a restart at the cursor would know, and no more, so
 * that the accounts do not depend on when the process last started: lateness is judged from the blocks it is asked for,
 * and windows that end at or before the horizon are not recomputed.
 */
export interface Accounting {
  /** See `Disclosure.account`. */
  account(block: StoredBlock, from: number, to: number, after?: Disclosed): readonly LedgerEntry[]
  /** See `Disclosure.accountLost`. */
  accountLost(block: StoredBlock, from: number): readonly LedgerEntry[]
}

/** What a reading was for one window: the rightmost of several says most. */
const FATES = ['new_stream', 'late', 'unusable', 'floor', 'pending', 'disclosed'] as const
type WindowFate = (typeof FATES)[number]
type Fate = WindowFate | Extract<WithheldReason, 'unlisted' | 'bad' | 'clock'>

export function makeAccounting(input: {
  readonly datasets: readonly OpenDataset[]
  readonly routes: (signal: number) => readonly Route[]
  /** what ends after it is recomputed by a replay from the cursor, UnixMs */
  readonly horizon: () => number
  /** a new judge of which slots are closed, that has seen no block */
  readonly closingOf: (dataset: OpenDataset) => Closing
  /** ms */
  readonly max_skew: number
}): Accounting {
  let judges = new Map<OpenDataset, Closing>()
  let expected = -1

  function fateInWindow(route: Route, block: StoredBlock, i: number, after: Disclosed | undefined): WindowFate {
    const { series } = route.intake
    const { dataset, window } = series
    const start = floorTo(block.block.times[i]!, window)
    if (start < dataset.since) return 'new_stream'
    const isLate = judges.get(dataset)!.until() >= start + window
    const isUsable = usableValue(route, block.block, i) !== undefined
    const own = isLate ? 'late' : isUsable ? fateOfWindow(series, start, after) : 'unusable'
    if (own === 'disclosed' || !series.isCounter || !isUsable) return own
    // The last reading before a window, a late one too, is where the window's count begins.
    const next = start + window
    if (next + window <= input.horizon()) {
      // It is gone which one that was: it may have been this one, unless the next window was closed before it came.
      return judges.get(dataset)!.until() >= next + window ? own : 'disclosed'
    }
    const isBase = route.intake.tallies.get(start)?.newest_seq === block.seq + i
    return isBase && fateOfWindow(series, next, after) === 'disclosed' ? 'disclosed' : own
  }

  /** What became of the readings of a window that came in time. */
  function fateOfWindow(series: Series, start: number, after: Disclosed | undefined): WindowFate {
    const { dataset, window } = series
    // It was sealed before the cursor came here, and most of it is gone: what is left of it may have left.
    if (start + window <= input.horizon()) return 'disclosed'
    const sealed = after?.dataset === dataset.plan.name ? after.until : dataset.sealed
    if (firstSlotOf(series, start) >= sealed) return 'pending'
    const { reason } = series.cell(start)
    return reason === '' ? 'disclosed' : reason
  }

  function fate(block: StoredBlock, i: number, after: Disclosed | undefined): Fate {
    const { times, forms, qualities, signals } = block.block
    const routes = input.routes(signals[i]!)
    if (routes.length === 0) return 'unlisted'
    if (USE[qualities[i]!] === LEFT_OUT || forms[i] === FORM_NULL) return 'bad'
    if (!block.sane || times[i]! > block.arrival + input.max_skew) return 'clock'
    let most = 0
    for (const route of routes) most = Math.max(most, FATES.indexOf(fateInWindow(route, block, i, after)))
    return FATES[most]!
  }

  /**
   * Whether a reading may be in a window that was sealed. A late one was not, but which were late is known only to
   * whoever reads the log up to it.
   */
  function mayHaveLeft(block: StoredBlock, i: number): boolean {
    if (USE[block.block.qualities[i]!] === LEFT_OUT || !block.sane) return false
    return input.routes(block.block.signals[i]!).some((route) => {
      const { dataset, window } = route.intake.series
      const start = floorTo(block.block.times[i]!, window)
      const isSealed = firstSlotOf(route.intake.series, start) < dataset.sealed
      return isSealed && start >= dataset.since && usableValue(route, block.block, i) !== undefined
    })
  }

  return {
    accountLost(block, from) {
      const left = new Map<number, number>()
      const lost = new Map<number, number>()
      for (const [i, signal] of block.block.signals.entries()) {
        if (i < from) continue
        const fates = mayHaveLeft(block, i) ? left : lost
        fates.set(signal, (fates.get(signal) ?? 0) + 1)
      }
      return [
        ...Array.from(left, ([signal, n]) => entryOf(signal, 'disclosed', n)),
        ...Array.from(lost, ([signal, n]) => entryOf(signal, 'pending', n)),
      ]
    },
    account(block, from, to, after) {
      if (block.position !== expected) {
        judges = new Map(input.datasets.map((dataset) => [dataset, input.closingOf(dataset)]))
      }
      expected = block.position + 1
      const counts = new Map<number, Map<Fate, number>>()
      const { signals } = block.block
      const end = Math.min(signals.length, to - block.seq)
      for (let i = Math.max(0, from - block.seq); i < end; i++) {
        const became = fate(block, i, after)
        const ofSignal = counts.get(signals[i]!) ?? new Map<Fate, number>()
        counts.set(signals[i]!, ofSignal.set(became, (ofSignal.get(became) ?? 0) + 1))
      }
      for (const judge of judges.values()) judge.see(block)
      return [...counts].flatMap(([signal, fates]) => [...fates].map(([became, n]) => entryOf(signal, became, n)))
    },
  }
}

function entryOf(signal: number, became: Fate, n: number): LedgerEntry {
  switch (became) {
    case 'disclosed':
      return { signal, account: 'disclosed', reason: '', n }
    case 'pending':
      return { signal, account: 'evicted', reason: 'full', n }
    default:
      return { signal, account: 'withheld', reason: became, n }
  }
}
