import type { DisclosurePlan, PlanColumn, PlanDataset, PlanInput } from './compile.ts'
import { gridBounds } from './grid.ts'
import type { ClosingState } from './memory.ts'
import type { PolicyRecord } from './policy-record.ts'
import { type Cell, categoryCell, makeTally, measureCell, rateCell, type Tally } from './statistic.ts'
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
}

/** One distinct value of a column: rows that share their inputs share it. */
export interface Series {
  /** names it within its plan, and in a plan in which it is the same */
  readonly key: string
  readonly dataset: OpenDataset
  readonly column: PlanColumn
  /** ms */
  readonly window: number
  readonly low: number
  readonly high: number
  /** each window also needs the last reading of the window before */
  readonly isCounter: boolean
  /** windows that begin before it are not shown: of those the stream, or the policy, saw a part at most; UnixMs */
  readonly since: number
  readonly intakes: readonly Intake[]
  /** Value of the window that starts there, from what has come so far. */
  cell(start: number): Cell
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
  const series: Series = {
    key: JSON.stringify([dataset.plan.name, column.name, ...inputs.map((input) => input.id)]),
    dataset,
    column,
    window: column.window,
    low: bounds.low,
    high: bounds.high,
    isCounter: column.stat === 'rate',
    since,
    intakes,
    cell(start) {
      const [first, second] = intakes
      const tally = (intake: Intake, at: number): Tally | undefined => (at < since ? undefined : intake.tallies.get(at))
      const now = tally(first!, start)
      if (column.kind === 'category') return categoryCell(now, column.vocabulary, column.min_share)
      if (column.stat !== 'rate') return measureCell(column.stat, now, column.grid, bounds, column.min_share)
      const counted = (intake: Intake) => ({
        now: tally(intake, start),
        before: tally(intake, start - column.window),
      })
      return rateCell(counted(first!), counted(second!), column, column.grid, bounds, column.min_share)
    },
  }
  for (const { id } of inputs) intakes.push({ id, series, tallies: new Map(), current: undefined, latest: -1 })
  return series
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

/** Lowest sequence of a reading in a window that ends after `horizon`, or that such a window counts from. */
export function neededSeq(dataset: OpenDataset, horizon: number): number {
  let least = Number.POSITIVE_INFINITY
  for (const { intakes, isCounter, window } of dataset.series) {
    for (const { tallies } of intakes) {
      for (const tally of tallies.values()) {
        if (tally.end > horizon) least = Math.min(least, tally.first_seq)
        else if (isCounter && tally.end + window > horizon) least = Math.min(least, tally.newest_seq)
      }
    }
  }
  return least
}

/** Forgets the tallies of windows that end at or before `horizon` and that no later window counts from. */
export function forgetUntil(dataset: OpenDataset, horizon: number): void {
  for (const { intakes, isCounter, window } of dataset.series) {
    for (const intake of intakes) {
      intake.current = undefined
      for (const [start, tally] of intake.tallies)
        if (tally.end + (isCounter ? window : 0) <= horizon) intake.tallies.delete(start)
    }
  }
}

/** The tally of the window that `at` falls into, made where there is none; undefined where it ends at or before `from`. */
export function tallyAt(intake: Intake, at: number, from: number): Tally | undefined {
  const { window, isCounter } = intake.series
  const start = floorTo(at, window)
  if (start + window <= (isCounter ? from - window : from)) return undefined
  const held = intake.tallies.get(start)
  if (held) return held
  const tally = makeTally(start, start + window)
  intake.tallies.set(start, tally)
  return tally
}
