import type { Charge, NoiseEntry, NoiseState } from '../core/noise.ts'
import { type BudgetLedger, makeBudgetLedger } from './budget.ts'
import type { DisclosurePlan, PlanColumn } from './compile.ts'
import type { PlanNoise } from './compile-noise.ts'
import { Q_MISSING } from './disclosed.ts'
import { type Grid, gridValue } from './grid.ts'
import type { DecidedCell } from './memory.ts'
import type { Laplace } from './noise.ts'
import { firstSlotOf, type OpenDataset, type Series, windowOfSlot } from './series.ts'
import type { Cell } from './statistic.ts'

/** What the noise of a period charges, and which of its columns have none because their budget is spent. */
export interface Drawn extends NoiseEntry {
  readonly exhausted: readonly string[]
}

/**
 * Decides every noised cell once: charges its signals, draws its noise, or says why there is none. Windows are charged
 * whether anything came in them or not, so that what is charged tells nothing; in the order of time, and within it of the
 * contract.
 */
export interface Draws {
  /** Decides the windows that a dataset's slots up to `until` show and that are not decided yet. */
  decide(dataset: OpenDataset, until: number): Drawn | undefined
  /** That was committed. */
  committed(entry: NoiseEntry): void
  /** What must be kept of decided cells once every dataset is sealed as `sealedAfter` says. */
  remember(sealedAfter: (dataset: OpenDataset) => number, horizon: number): readonly DecidedCell[]
  /** Forgets cells of windows that end at or before `horizon`. */
  forgetUntil(horizon: number): void
}

type NoisedSeries = Series & {
  readonly column: Extract<PlanColumn, { kind: 'number' }> & { readonly noise: PlanNoise }
}

/** Undefined where no column has noise. @param input.decided what was remembered */
export function makeDraws(input: {
  readonly plan: DisclosurePlan
  readonly datasets: readonly OpenDataset[]
  readonly decided: readonly DecidedCell[]
  readonly state: NoiseState
  readonly laplace: Laplace
}): Draws | undefined {
  const { state, laplace } = input
  const { budget } = input.plan
  const noised = input.datasets.flatMap((dataset) => noisedSeries(dataset))
  if (noised.length === 0 || !budget) return undefined
  const ledger = makeBudgetLedger({ budget, ...state })
  const longest = Math.max(...noised.map(({ window }) => window))
  const byKey = new Map(noised.map((series) => [drawKey(series), series]))
  for (const { key, start, ...cell } of input.decided) byKey.get(key)?.decided.set(start, cell)

  return {
    decide(dataset, until) {
      const series = noisedSeries(dataset)
      if (series.length === 0) return undefined
      const charges: Charge[] = []
      const exhausted = new Set<string>()
      const drawn = state.drawn_until[dataset.plan.name] ?? Number.NEGATIVE_INFINITY
      for (let slot = dataset.sealed; slot < until; slot += dataset.plan.slot) {
        for (const one of series) {
          const start = windowOfSlot(one, slot)
          const cell = one.decided.get(start) ?? decideCell(one, start, drawn, { ledger, laplace, charges })
          one.decided.set(start, cell)
          if (cell.reason === 'exhausted') exhausted.add(one.column.name)
        }
      }
      const sealed = input.datasets.map((other) => (other === dataset ? until : other.sealed))
      return { charges, counted_from: Math.min(...sealed) - longest - budget.window, exhausted: [...exhausted] }
    },
    committed: ({ counted_from }) => ledger.forget(counted_from),
    remember: (sealedAfter, horizon) =>
      noised.flatMap((series) =>
        [...series.decided].flatMap(([start, { value, q, reason }]) => {
          const sealed = sealedAfter(series.dataset)
          const first = firstSlotOf(series, start)
          const isShownAgain = first < sealed && first + series.window > sealed
          const isNullForNoise = reason === 'exhausted' || reason === 'redraw_refused'
          const isKept = first < sealed && start + series.window > horizon && (isShownAgain || isNullForNoise)
          return isKept ? [{ key: drawKey(series), start, value: value as number | null, q, reason }] : []
        }),
      ),
    forgetUntil(horizon) {
      for (const { decided, window } of noised)
        for (const start of decided.keys()) if (start + window <= horizon) decided.delete(start)
    },
  }
}

function noisedSeries({ series }: OpenDataset): readonly NoisedSeries[] {
  return series.filter((one): one is NoisedSeries => one.column.noise !== undefined)
}

function decideCell(
  series: NoisedSeries,
  start: number,
  drawnUntil: number,
  by: { readonly ledger: BudgetLedger; readonly laplace: Laplace; readonly charges: Charge[] },
): Cell {
  const nothing = (reason: Cell['reason']): Cell => ({ value: null, q: Q_MISSING, reason })
  if (start < series.since) return nothing('unusable')
  const { noise, grid } = series.column
  const first = firstSlotOf(series, start)
  // A batch before this one has shown the window already, and charged it: what was drawn for it is gone.
  const isGone = first < series.dataset.sealed
  const ids = [...new Set(series.intakes.map(({ id }) => id))]
  const isCharged = !isGone && by.ledger.charge(ids, start, noise.micro)
  if (isCharged) by.charges.push(...ids.map((signal) => ({ signal, start, micro: noise.micro })))
  const { k, q, reason } = series.exact(start)
  if (k === null) return nothing(reason)
  if (isGone || first < drawnUntil) return nothing('redraw_refused')
  if (!isCharged) return nothing('exhausted')
  return { value: gridValue(grid, k + by.laplace(noise.scale)), q, reason: '' }
}

/** The series and the grid its cells are on: with another one, what was drawn cannot be shown. */
function drawKey({ key, column }: NoisedSeries): string {
  const { low, step, power, steps }: Grid = column.grid
  const { t, s } = column.noise.scale
  return JSON.stringify([key, low, step, power, steps, t, s])
}
