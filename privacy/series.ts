import type { DisclosurePlan, PlanColumn, PlanDataset, PlanInput } from './compile.ts'
import { Q_MISSING } from './disclosed.ts'
import { addExactly, type ExactCell, exactCell, exactRate } from './exact-cell.ts'
import { gridBounds } from './grid.ts'
import type { ClosingState } from './memory.ts'
import type { PolicyRecord } from './policy-record.ts'
import { type Cell, type Counted, categoryCell, deltaCell, measureCell, rateCell } from './statistic.ts'
import { heldTally, isHeld, makeTally, type Tally, type Weighing } from './tally.ts'
import { type Closing, type Feed, floorTo, makeClosing } from './window.ts'

/** One input signal of a series: its tallies by window. */
export interface Intake {
  /** id of the signal */
  readonly id: string
  readonly series: Series
  /** start of the window → what came */
  readonly tallies: Map<number, Tally>
  /** the tally that was last written to */
  current: Tally | undefined
  /** position of the block that the latest reading taken was in, -1 where there was none */
  latest: number
  /** of a noised column */
  readonly exact: ReturnType<typeof addExactly>
}

/** One distinct value of a column: rows that share their inputs share it. */
export interface Series {
  /** names it within its plan, and in a plan in which it is the same */
  readonly key: string
  readonly dataset: OpenDataset
  readonly column: PlanColumn
  /** ms */
  readonly window: number
  readonly weighing: Weighing
  /** its inputs are counters */
  readonly counts: boolean
  /** counters: where they begin at zero again; 0: a step back is a reset */
  readonly wrap: number
  /** how many windows before a window may hold the reading that it begins with: what is counted from, or still holds */
  readonly reach: number
  /** windows that begin before it are not shown: of those the stream, or the policy, saw a part at most; UnixMs */
  readonly since: number
  readonly intakes: readonly Intake[]
  /** noised columns: start of the window → its cell, noise and all, once it is decided (`draws.ts`) */
  readonly decided: Map<number, Cell>
  /** Value of the window that starts there, from what has come so far; of a noised column, as it was decided. */
  cell(start: number): Cell
  /** What the noise is added to. */
  exact(start: number): ExactCell
}

/** A dataset whose slots are being filled. */
export interface OpenDataset {
  readonly plan: PlanDataset
  readonly closing: Closing
  readonly series: readonly Series[]
  /** column → asset → its series; none for a column without a rule */
  readonly rows: readonly (readonly Series[])[]
  /** start of the stream's first slot, UnixMs: of a window that began earlier, the stream saw a part at most */
  readonly since: number
  /** end of the last sealed slot, UnixMs */
  sealed: number
  /** end of the last cadence period whose slots are all closed, sealed or not, UnixMs */
  closed: number
}

/** Opens a dataset of a stream whose first slot begins at `since`; `sealed` is the end of its last sealed slot. */
export function makeDataset(
  plan: DisclosurePlan,
  dataset: PlanDataset,
  {
    since,
    sealed,
    closing,
    columns,
  }: {
    readonly since: number
    readonly sealed: number
    readonly closing?: ClosingState | undefined
    readonly columns?: PolicyRecord['datasets'][string]['columns'] | undefined
  },
): OpenDataset {
  const series: Series[] = []
  const rows: Series[][] = []
  const open: OpenDataset = {
    plan: dataset,
    closing: closingOf(plan, dataset, closing),
    series,
    rows,
    since,
    sealed,
    closed: sealed,
  }
  for (const column of dataset.columns) {
    const byInputs = new Map<string, Series>()
    rows.push(
      column.inputs.map((inputs) => {
        const key = inputs.map((input) => input.id).join(' ')
        const one =
          byInputs.get(key) ?? makeSeries(open, column, inputs, Math.max(since, columns?.[column.name]?.since ?? since))
        if (!byInputs.has(key)) series.push(one)
        byInputs.set(key, one)
        return one
      }),
    )
  }
  return open
}

/** The rule by which a dataset's slots close, as if it had seen the blocks before. */
export function closingOf(
  { grace, max_wait }: DisclosurePlan,
  dataset: PlanDataset,
  before: ClosingState | undefined,
): Closing {
  return makeClosing({ slot: dataset.slot, grace, max_wait, feeds: feedsOf(dataset) }, before)
}

function feedsOf(dataset: PlanDataset): readonly Feed[] {
  const inputs = dataset.columns.flatMap((column) => column.inputs.flat())
  return [
    ...new Map(
      inputs.map(({ asset, sources }) => [[...sources, asset].join(' '), { asset, sources }] as const),
    ).values(),
  ]
}

function makeSeries(dataset: OpenDataset, column: PlanColumn, inputs: readonly PlanInput[], since: number): Series {
  const bounds = column.kind === 'number' ? gridBounds(column.grid) : { low: 0, high: 0 }
  const intakes: Intake[] = []
  const weighing = weighingOf(column, Math.max(0, ...inputs.map(({ hold }) => hold)))
  const { window } = column
  const counter = column.stat === 'rate' || column.stat === 'delta' ? column : undefined
  const decided = new Map<number, Cell>()
  const tally = (intake: Intake, at: number): Tally | undefined => (at < since ? undefined : intake.tallies.get(at))
  const counted = (intake: Intake, start: number): Counted => ({
    now: tally(intake, start),
    before: tally(intake, start - window),
  })
  /** What a window holds of an input that does not count, what it began with included. */
  function held(intake: Intake, start: number): Tally | undefined {
    const own = tally(intake, start)
    const span = { start, end: start + window }
    return weighing.hold === 0 || start < since ? own : heldTally(span, own, baseOf(intake, start), weighing)
  }
  const series: Series = {
    key: JSON.stringify([dataset.plan.name, column.name, ...inputs.map((input) => input.id)]),
    dataset,
    column,
    window,
    weighing,
    counts: counter !== undefined,
    wrap: counter?.wrap ?? 0,
    reach: counter ? 1 : Math.ceil(weighing.hold / window),
    since,
    intakes,
    decided,
    cell(start) {
      const [first, second] = intakes
      const share = column.min_share
      if (column.kind === 'category') return categoryCell(column.stat, held(first!, start), column.vocabulary, share)
      // Without a draw there is no value, whoever asks.
      if (column.noise) return decided.get(start) ?? { value: null, q: Q_MISSING, reason: series.exact(start).reason }
      if (column.stat === 'rate')
        return rateCell(counted(first!, start), counted(second!, start), column, column.grid, bounds, share)
      if (column.stat === 'delta') return deltaCell(counted(first!, start), column, column.grid, bounds, share)
      return measureCell(column.stat, held(first!, start), weighing, column.grid, bounds, share)
    },
    exact(start) {
      if (!column.noise) throw new Error('the column has no noise')
      const [first, second] = intakes
      return column.stat === 'rate'
        ? exactRate(column, counted(first!, start), counted(second!, start))
        : exactCell(column, column.noise.readings[first!.id] ?? 0, held(first!, start))
    },
  }
  for (const [place, { id }] of inputs.entries()) {
    const exact = column.noise && addExactly(column, column.noise.readings[id] ?? 0, place)
    intakes.push({ id, series, tallies: new Map(), current: undefined, latest: -1, exact })
  }
  return series
}

/** PRIVACY.md, *Order of operations*: the readings of a share or a standard deviation are not clamped, its result is. */
function weighingOf(column: PlanColumn, hold: number): Weighing {
  const open = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
  if (column.kind === 'category')
    return column.stat === 'mode'
      ? { sums: 'words', words: column.vocabulary.length + 1, hold, ...open }
      : { sums: 'values', words: 0, hold, ...open }
  if (column.stat === 'std') return { sums: 'squares', words: 0, hold, ...open }
  const isShare = column.stat === 'share_true' || column.stat === 'share_false'
  return { sums: 'values', words: 0, hold, ...(isShare ? open : gridBounds(column.grid)) }
}

/**
 * Tally of the newest reading before the window that starts there, which it begins with: what it counts from, or what may
 * still hold.
 */
export function baseOf({ tallies, series }: Intake, start: number): Tally | undefined {
  const { window, reach, since, weighing } = series
  for (let back = 1; back <= reach; back++) {
    const at = start - back * window
    const tally = at < since ? undefined : tallies.get(at)
    if (!tally || !Number.isFinite(tally.newest_at)) continue
    return weighing.hold === 0 || isHeld(tally, start, tallies.get(start), weighing) ? tally : undefined
  }
  return undefined
}

/** Start of the window whose value stands in the slot that starts there (PRIVACY.md, *Windows, exactly*). */
export function windowOfSlot(series: Series, slot: number): number {
  const { window, dataset } = series
  return window === dataset.plan.slot ? slot : floorTo(slot, window) - window
}

/** Start of the first slot that shows the window. */
export function firstSlotOf(series: Series, start: number): number {
  return series.window === series.dataset.plan.slot ? start : start + series.window
}

/** Earliest time that a dataset sealed up to `sealed` still needs readings of. */
export function neededFrom(dataset: OpenDataset, sealed: number): number {
  return dataset.series.reduce((least, series) => Math.min(least, windowOfSlot(series, sealed)), sealed)
}

/** Lowest sequence of a reading in a window that ends after `horizon`, or that such a window begins with. */
export function neededSeq(dataset: OpenDataset, horizon: number): number {
  let least = Number.POSITIVE_INFINITY
  for (const { intakes, window, reach } of dataset.series) {
    for (const intake of intakes) {
      for (const tally of intake.tallies.values()) if (tally.end > horizon) least = Math.min(least, tally.first_seq)
      const base = reach > 0 ? baseOf(intake, floorTo(horizon, window)) : undefined
      if (base) least = Math.min(least, base.newest_seq)
    }
  }
  return least
}

/** Forgets the tallies of windows that end at or before `horizon` and that no later window begins with. */
export function forgetUntil(dataset: OpenDataset, horizon: number): void {
  for (const { intakes, window, reach } of dataset.series) {
    for (const intake of intakes) {
      intake.current = undefined
      const base = reach > 0 ? baseOf(intake, floorTo(horizon, window)) : undefined
      for (const [start, tally] of intake.tallies)
        if (tally.end <= horizon && tally !== base) intake.tallies.delete(start)
    }
  }
}

/**
 * The tally of the window that `at` falls into, made where there is none; undefined where it ends at or before `from` and
 * no later window can begin with it.
 */
export function tallyAt(intake: Intake, at: number, from: number): Tally | undefined {
  const { window, reach, weighing } = intake.series
  const start = floorTo(at, window)
  if (start + window + reach * window <= from) return undefined
  const held = intake.tallies.get(start)
  if (held) return held
  const tally = makeTally(start, start + window, weighing.words)
  intake.tallies.set(start, tally)
  return tally
}
