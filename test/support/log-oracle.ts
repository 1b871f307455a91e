import { qualityOf } from '../../core/quality.ts'
import { valueAt } from '../../core/reading-block.ts'
import type { SignalSpec, Value } from '../../core/signal.ts'
import type { StoredBlock } from '../../core/stored-block.ts'
import type { DisclosurePlan, PlanColumn, PlanDataset, PlanInput } from '../../privacy/compile.ts'
import { MINUTE, T0 } from './disclosure.ts'

/** What a whole log says of windows: PRIVACY.md word by word, with nothing forgotten and nothing kept. */
export interface LogOracle {
  readonly readings: readonly Reading[]
  qualityAt(r: Reading): string
  /** Neither bad nor of a time that is not trusted. */
  isFit(r: Reading): boolean
  /** Position of the block that closes the slot of a dataset which ends at `end`. */
  closingOf(dataset: PlanDataset, end: number): number
  /** Usable readings of an input in the window that starts there, as far as they came before the one that ends at `open` closed. */
  within(dataset: PlanDataset, column: PlanColumn, id: string, start: number, open: number): readonly Reading[]
  /** The reading that the window begins with: it counts from it, or shows it as it held. */
  baseOf(dataset: PlanDataset, column: PlanColumn, input: PlanInput, start: number): Reading | undefined
}

export interface Reading {
  readonly seq: number
  readonly block: StoredBlock
  readonly id: string
  readonly at: number
  readonly value: Value | null
  /** a number, or a category's text; undefined where nothing can be made of it */
  usable(column: PlanColumn): number | string | undefined
}

export const counts = (column: PlanColumn): boolean => column.stat === 'rate' || column.stat === 'delta'
export const since = (dataset: PlanDataset): number => Math.ceil(T0 / dataset.slot) * dataset.slot

export function makeLogOracle(
  log: readonly StoredBlock[],
  plan: DisclosurePlan,
  signals: readonly SignalSpec[],
): LogOracle {
  const readings = log.flatMap((block) =>
    Array.from(block.block.times, (at, i): Reading => {
      const spec = signals[block.block.signals[i]!]!
      const value = valueAt(block.block, i)
      return {
        seq: block.seq + i,
        block,
        id: spec.id,
        at,
        value,
        usable(column) {
          if (column.kind === 'category')
            return spec.labels?.[String(value)] ?? (value === null ? undefined : String(value))
          if (column.stat.startsWith('share_'))
            return typeof value === 'boolean'
              ? Number(String(value) === column.stat.slice(6)) * (column.unit === '%' ? 100 : 1)
              : undefined
          return typeof value === 'number' && Number.isFinite(value) ? value : undefined
        },
      }
    }),
  )
  const qualityAt = ({ block, seq }: Reading) => qualityOf(block.block.qualities[seq - block.seq]!).quality
  const isFit = (r: Reading): boolean =>
    qualityAt(r) !== 'bad' && r.value !== null && r.block.sane && r.at <= r.block.arrival + 5 * MINUTE
  const byId = Map.groupBy(readings.filter(isFit), (r) => r.id)
  const closings = new Map<string, number>()

  function closingOf(dataset: PlanDataset, end: number): number {
    const key = `${dataset.name} ${end}`
    const known = closings.get(key)
    if (known !== undefined) return known
    const feeds = dataset.columns.flatMap((column) => column.inputs.flat())
    const first = log.find((block) => block.sane && block.arrival >= end)
    const found = log.findIndex((block, i) => {
      if (!block.sane) return false
      const before = log.slice(0, i + 1).filter((b) => b.sane)
      const isComplete = feeds.every(({ asset, sources }) =>
        before.some((b) => sources.some((source) => Math.min(b.complete[source]?.[asset] ?? -1, b.arrival) >= end)),
      )
      const isWaited = first !== undefined && i >= first.position && block.arrival >= first.arrival + plan.max_wait
      return (block.arrival >= end + plan.grace && isComplete) || isWaited
    })
    closings.set(key, found < 0 ? Number.POSITIVE_INFINITY : found)
    return closings.get(key)!
  }

  function within(dataset: PlanDataset, column: PlanColumn, id: string, start: number, open: number) {
    const closed = closingOf(dataset, open)
    return (byId.get(id) ?? []).filter(
      (r) =>
        r.at >= start && r.at < start + column.window && r.block.position <= closed && r.usable(column) !== undefined,
    )
  }

  function baseOf(dataset: PlanDataset, column: PlanColumn, { id, hold }: PlanInput, start: number) {
    const { window } = column
    const least = counts(column) ? start - window : start - hold - window
    for (let before = start - window; before >= Math.max(since(dataset), least); before -= window) {
      const newest = latest(within(dataset, column, id, before, before + 2 * window))
      if (!newest) continue
      if (counts(column)) return newest
      const [first] = within(dataset, column, id, start, start + window)
      return newest.at + hold > start && (!first || first.at > start) ? newest : undefined
    }
    return undefined
  }

  return { readings, qualityAt, isFit, closingOf, within, baseOf }
}

function latest(readings: readonly Reading[]): Reading | undefined {
  return readings.reduce<Reading | undefined>((newest, r) => (newest && r.at < newest.at ? newest : r), undefined)
}
