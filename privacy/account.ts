import type { LedgerEntry } from '../core/ledger.ts'
import { FORM_NULL } from '../core/reading-block.ts'
import type { StoredBlock } from '../core/stored-block.ts'
import type { Disclosed } from './disclosed.ts'
import { type AccountSums, FATE, type Fate, makeAccountSums } from './fate.ts'
import type { AccountMemory, ClosingState, EmptyWindow, WindowBase } from './memory.ts'
import { LEFT_OUT, type Route, USE, usableValue } from './route.ts'
import { baseOf, firstSlotOf, type Intake, type OpenDataset, type Series } from './series.ts'
import { type Closing, floorTo } from './window.ts'

/**
 * What became of readings that the cursor passes. It knows what a restart at the cursor would know, and no more, so
 * that the accounts do not depend on when the process last started: windows that end at or before the horizon are not
 * recomputed, and what must be known of them, and of what had closed by then, is remembered with the cursor.
 */
export interface Accounting {
  /** See `Disclosure.account`. */
  account(block: StoredBlock, from: number, to: number, sums: AccountSums, after?: Disclosed): void
  /** See `Disclosure.accountLost`. */
  accountLost(block: StoredBlock, from: number): readonly LedgerEntry[]
  /** What is to be kept with a cursor at `next`, once all blocks up to it were asked for. */
  remember(next: number, after?: Disclosed): AccountMemory
  /** The cursor that was last remembered for was committed. */
  moved(): void
}

/** One way of a signal into a window, and what that window was found to be last. */
interface Way {
  readonly route: Route
  /** start of that window, UnixMs; NaN where nothing was found yet */
  start: number
  fate: Fate
  /** the period it was found for: with another one it may be different */
  after: Disclosed | undefined
}

export function makeAccounting(input: {
  readonly datasets: readonly OpenDataset[]
  readonly routes: (signal: number) => readonly Route[]
  /** what ends after it is recomputed by a replay from the cursor, UnixMs */
  readonly horizon: () => number
  /** the same, once `after` is sealed */
  readonly horizonAfter: (after: Disclosed | undefined) => number
  /** a judge of which slots are closed, as if it had seen the blocks before */
  readonly closingOf: (dataset: OpenDataset, before: ClosingState | undefined) => Closing
  /** ms */
  readonly max_skew: number
  /** what was kept with the cursor */
  readonly memory: AccountMemory
  /** whether a reading may have shaped a cell that was sealed by an earlier policy */
  readonly mayHaveLeftBefore: (seq: number, signal: number, at: number) => boolean
}): Accounting {
  const { datasets } = input
  let known = input.memory
  let remembered = input.memory
  let empty = emptyByWindow(known)
  let bases = basesByWindow(known)
  let judges = new Map<OpenDataset, Closing>()
  let ways: (readonly Way[])[] = []
  /** what the judges had seen before the block that the cursor will lie in, where they have seen that one too */
  let before: AccountMemory['closing'] | undefined
  let expected = -1

  function states(): AccountMemory['closing'] {
    return Object.fromEntries([...judges].map(([dataset, judge]) => [dataset.plan.name, judge.state()]))
  }

  function restoreJudges(): void {
    judges = new Map(
      datasets.map((dataset) => [dataset, input.closingOf(dataset, known.closing[dataset.plan.name])] as const),
    )
  }

  /** The ways of a signal, by its index: as many as its routes, and in their order. */
  function waysOf(signal: number): readonly Way[] {
    ways[signal] ??= input.routes(signal).map((route) => ({ route, start: Number.NaN, fate: 0, after: undefined }))
    return ways[signal]
  }

  function fateInWindow(way: Way, block: StoredBlock, i: number, after: Disclosed | undefined): Fate {
    const { route } = way
    const { series } = route.intake
    const { dataset, window } = series
    const start = floorTo(block.block.times[i]!, window)
    if (start < series.since) return FATE.new_stream
    const isLate = judges.get(dataset)!.until() >= start + window
    const isUsable = !Number.isNaN(usableValue(route, block.block, i))
    const own = isLate ? FATE.late : isUsable ? fateOfWindow(way, start, after) : FATE.unusable
    if (own === FATE.disclosed || series.reach === 0 || !isUsable) return own
    return isBegunWith(route.intake, block.seq + i, start, after) ? FATE.disclosed : own
  }

  /** Whether a window that is shown begins with this reading, a late one too: counts from it, or shows it as it held. */
  function isBegunWith(intake: Intake, seq: number, start: number, after: Disclosed | undefined): boolean {
    const { series } = intake
    const { key, window, reach, intakes } = series
    const horizon = input.horizon()
    const end = start + window
    if (end + window <= horizon && bases.get(baseKey(key, intakes.indexOf(intake), start)) === seq) return true
    for (let next = end; next <= start + reach * window; next += window) {
      if (next + window <= horizon) continue
      if (baseOf(intake, next)?.newest_seq !== seq) return false
      if (computeFate(series, next, after) === FATE.disclosed) return true
    }
    return false
  }

  /** What became of the readings of a window that came in time. */
  function fateOfWindow(way: Way, start: number, after: Disclosed | undefined): Fate {
    if (way.start !== start || way.after !== after) {
      way.fate = computeFate(way.route.intake.series, start, after)
      way.start = start
      way.after = after
    }
    return way.fate
  }

  function computeFate(series: Series, start: number, after: Disclosed | undefined): Fate {
    const { dataset, window } = series
    // It was sealed before the cursor came here, and is gone but for what is remembered.
    if (start + window <= input.horizon()) return FATE[empty.get(windowKey(series.key, start)) ?? 'disclosed']
    const sealed = after?.dataset === dataset.plan.name ? after.until : dataset.sealed
    if (firstSlotOf(series, start) >= sealed) return FATE.pending
    return FATE[series.cell(start).reason || 'disclosed']
  }

  function fate(block: StoredBlock, i: number, after: Disclosed | undefined): Fate {
    const became = fateByPolicy(block, i, after)
    if (became === FATE.disclosed || became === FATE.bad || became === FATE.clock) return became
    // An earlier policy's cells are computed no more: which of these readings came in time for them is gone.
    const { signals, times } = block.block
    return input.mayHaveLeftBefore(block.seq + i, signals[i]!, times[i]!) ? FATE.disclosed : became
  }

  function fateByPolicy(block: StoredBlock, i: number, after: Disclosed | undefined): Fate {
    const { times, forms, qualities, signals } = block.block
    const wanted = waysOf(signals[i]!)
    if (wanted.length === 0) return FATE.unlisted
    if (USE[qualities[i]!] === LEFT_OUT || forms[i] === FORM_NULL) return FATE.bad
    if (!block.sane || times[i]! > block.arrival + input.max_skew) return FATE.clock
    let most: Fate = 0
    for (let w = 0; w < wanted.length; w++) most = Math.max(most, fateInWindow(wanted[w]!, block, i, after))
    return most
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
      return isSealed && start >= route.intake.series.since && !Number.isNaN(usableValue(route, block.block, i))
    })
  }

  return {
    accountLost(block, from) {
      const sums = makeAccountSums()
      for (const [i, signal] of block.block.signals.entries())
        if (i >= from) sums.add(signal, mayHaveLeft(block, i) ? FATE.disclosed : FATE.pending)
      return sums.entries()
    },
    account(block, from, to, sums, after) {
      if (block.position !== expected) restoreJudges()
      expected = block.position + 1
      const { signals } = block.block
      const end = Math.min(signals.length, to - block.seq)
      for (let i = Math.max(0, from - block.seq); i < end; i++) sums.add(signals[i]!, fate(block, i, after))
      before = to < block.seq + signals.length ? states() : undefined
      for (const judge of judges.values()) judge.see(block)
    },
    remember(next, after) {
      if (expected < 0) restoreJudges()
      const span = [input.horizon(), input.horizonAfter(after)] as const
      const series = datasets.flatMap((dataset) => dataset.series)
      remembered = {
        closing: before ?? states(),
        empty: [...known.empty, ...series.flatMap((one) => emptyWindows(one, span))].filter((e) => e.last_seq >= next),
        bases: distinct([...known.bases, ...series.flatMap((one) => basesOf(one, span, next))]).filter(
          (e) => e.seq >= next,
        ),
      }
      return remembered
    },
    moved() {
      known = remembered
      empty = emptyByWindow(known)
      bases = basesByWindow(known)
      expected = -1
      ways = []
    },
  }
}

/** Windows that end within (from, to] and whose cells are null. */
function emptyWindows(series: Series, [from, to]: readonly [number, number]): readonly EmptyWindow[] {
  const { key, window, intakes } = series
  const starts = new Set(intakes.flatMap((intake) => [...intake.tallies.keys()]))
  return [...starts].flatMap((start) => {
    if (start + window <= from || start + window > to) return []
    const { reason } = series.cell(start)
    const last_seq = Math.max(...intakes.map((intake) => intake.tallies.get(start)?.last_seq ?? -1))
    return reason === '' ? [] : [{ series: key, start, reason, last_seq }]
  })
}

/** Readings from `least` on that shown windows which end within (from, to] begin with. */
function basesOf(series: Series, [from, to]: readonly [number, number], least: number): readonly WindowBase[] {
  const { key, window, intakes, reach } = series
  if (reach === 0) return []
  return intakes.flatMap((intake, input) => {
    const bases: WindowBase[] = []
    for (let start = floorTo(from, window); start + window <= to; start += window) {
      const base = baseOf(intake, start)
      if (base && base.newest_seq >= least && series.cell(start).reason === '')
        bases.push({ series: key, input, start: base.start, seq: base.newest_seq })
    }
    return bases
  })
}

/** One value may hold for many windows. */
function distinct(bases: readonly WindowBase[]): readonly WindowBase[] {
  return [...new Map(bases.map((base) => [baseKey(base.series, base.input, base.start), base])).values()]
}

function windowKey(series: string, start: number): string {
  return `${start} ${series}`
}

function baseKey(series: string, input: number, start: number): string {
  return `${input} ${windowKey(series, start)}`
}

function emptyByWindow({ empty }: AccountMemory): ReadonlyMap<string, EmptyWindow['reason']> {
  return new Map(empty.map(({ series, start, reason }) => [windowKey(series, start), reason]))
}

function basesByWindow({ bases }: AccountMemory): ReadonlyMap<string, number> {
  return new Map(bases.map(({ series, input, start, seq }) => [baseKey(series, input, start), seq]))
}
