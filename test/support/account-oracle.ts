import type { SignalSpec } from '../../core/signal.ts'
import type { StoredBlock } from '../../core/stored-block.ts'
import type { DisclosurePlan, PlanColumn, PlanDataset } from '../../privacy/compile.ts'
import type { Disclosed } from '../../privacy/disclosed.ts'
import { countedIn } from './cell-oracle.ts'
import { pseudonyms } from './disclosure.ts'
import { makeLogOracle, type Reading, since } from './log-oracle.ts'

/** What became of each reading, from the whole log and the sealed cells alone. */

const FATES = ['new_stream', 'late', 'unusable', 'floor', 'exhausted', 'pending', 'disclosed'] as const
type Fate = (typeof FATES)[number]

/** @returns `signal account reason` of each reading, by its sequence */
export function accountsOf(
  log: readonly StoredBlock[],
  plan: DisclosurePlan,
  signals: readonly SignalSpec[],
  periods: readonly Disclosed[],
): readonly string[] {
  const oracle = makeLogOracle(log, plan, signals)
  const { readings, qualityAt, isFit, closingOf, baseOf } = oracle
  const cells = new Map(periods.flatMap((period) => cellsOf(period)))

  function cellFate(dataset: PlanDataset, column: PlanColumn, asset: number, start: number): Fate {
    const slot = column.window === dataset.slot ? start : start + column.window
    const cell = cells.get(JSON.stringify([dataset.name, column.name, slot, plan.assets[asset]!.name]))
    if (cell === undefined) return 'pending'
    if (cell !== null) return 'disclosed'
    // What is null though it had a value had no budget left.
    const fate = column.noise ? 'exhausted' : 'unusable'
    if (column.stat !== 'rate') return fate
    const [of, over] = column.inputs[asset]!.map((input) => countedIn(oracle, dataset, column, input, start))
    if (over !== undefined && over < column.floor) return 'floor'
    return of === undefined || over === undefined ? 'unusable' : fate
  }

  function fateIn(r: Reading, dataset: PlanDataset, column: PlanColumn, asset: number): Fate {
    const { window } = column
    const start = Math.floor(r.at / window) * window
    if (start < since(dataset)) return 'new_stream'
    const isLate = closingOf(dataset, start + window) < r.block.position
    if (r.usable(column) === undefined) return isLate ? 'late' : 'unusable'
    const own = isLate ? 'late' : cellFate(dataset, column, asset, start)
    if (own === 'disclosed') return own
    const input = column.inputs[asset]!.find(({ id }) => id === r.id)!
    const reach = Math.max(window, input.hold + window)
    const begun = Array.from({ length: Math.ceil(reach / window) }, (_, i) => start + (i + 1) * window)
    const isShown = begun.some(
      (next) => baseOf(dataset, column, input, next) === r && cellFate(dataset, column, asset, next) === 'disclosed',
    )
    return isShown ? 'disclosed' : own
  }

  return readings.map((r) => {
    const wanted = plan.datasets.flatMap((dataset) =>
      dataset.columns.flatMap((column) =>
        column.inputs.flatMap((inputs, asset) =>
          inputs.some(({ id }) => id === r.id) ? [{ dataset, column, asset }] : [],
        ),
      ),
    )
    if (wanted.length === 0) return `${r.id} withheld unlisted`
    if (qualityAt(r) === 'bad' || r.value === null) return `${r.id} withheld bad`
    if (!isFit(r)) return `${r.id} withheld clock`
    const fates = wanted.map(({ dataset, column, asset }) => FATES.indexOf(fateIn(r, dataset, column, asset)))
    const fate = FATES[Math.max(...fates)]!
    return fate === 'disclosed'
      ? `${r.id} disclosed`
      : fate === 'pending'
        ? `${r.id} pending`
        : `${r.id} withheld ${fate}`
  })
}

function cellsOf(period: Disclosed): readonly (readonly [string, number | string | null])[] {
  const names = new Map(
    ['press-7', 'press-8', 'hall'].map((asset) => [pseudonyms.asset(period.epoch, asset), asset] as const),
  )
  return period.columns.flatMap((column) =>
    column.values.map((value, i) => {
      const key = JSON.stringify([period.dataset, column.name, period.slots[i]!, names.get(period.assets[i]!)])
      return [key, value] as const
    }),
  )
}
