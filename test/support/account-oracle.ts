import { qualityOf } from '../../core/quality.ts'
import { valueAt } from '../../core/reading-block.ts'
import type { SignalSpec, Value } from '../../core/signal.ts'
import type { StoredBlock } from '../../core/stored-block.ts'
import type { DisclosurePlan, PlanColumn, PlanDataset } from '../../privacy/compile.ts'
import type { Disclosed } from '../../privacy/disclosed.ts'
import { MINUTE, pseudonyms, T0 } from './disclosure.ts'

/**
 * What became of each reading, from the whole log and the sealed cells alone: PRIVACY.md word by word, with nothing
 * forgotten and nothing kept.
 */

const FATES = ['new_stream', 'late', 'unusable', 'floor', 'pending', 'disclosed'] as const
type Fate = (typeof FATES)[number]

interface Reading {
  readonly seq: number
  readonly block: StoredBlock
  readonly id: string
  readonly at: number
  readonly value: Value | null
  /** a number, or a category's text; undefined where nothing can be made of it */
  usable(column: PlanColumn): number | string | undefined
}

/** @returns `signal account reason` of each reading, by its sequence */
export function accountsOf(
  log: readonly StoredBlock[],
  plan: DisclosurePlan,
  signals: readonly SignalSpec[],
  periods: readonly Disclosed[],
): readonly string[] {
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
  const cells = new Map(periods.flatMap((period) => cellsOf(period)))

  /** Position of the block that closes the slot of a dataset which ends at `end`. */
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

  /** What the readings of an input counted in a window, and the reading it was counted from. */
  function counted(dataset: PlanDataset, column: PlanColumn, id: string, start: number) {
    const closed = closingOf(dataset, start + column.window)
    const within = (from: number): readonly Reading[] =>
      (byId.get(id) ?? []).filter(
        (r) =>
          r.at >= from && r.at < from + column.window && r.block.position <= closed && r.usable(column) !== undefined,
      )
    const came = within(start)
    // A counter's readings count in the order in which they came; an older one adds nothing.
    const inOrder: Reading[] = []
    for (const r of came) if (inOrder.length === 0 || r.at >= inOrder.at(-1)!.at) inOrder.push(r)
    const base = start - column.window < since(dataset) ? undefined : latest(within(start - column.window))
    const values = [...(base ? [base] : []), ...inOrder].map((r) => r.usable(column) as number)
    // One reading alone counts nothing.
    let n = came.length === 0 || (!base && came.length < 2) ? undefined : 0
    for (let i = 1; i < values.length && n !== undefined; i++) n += step(values[i - 1]!, values[i]!)
    return { n, base }
  }

  const since = (dataset: PlanDataset): number => Math.ceil(T0 / dataset.slot) * dataset.slot

  function cellFate(dataset: PlanDataset, column: PlanColumn, asset: number, start: number): Fate {
    const slot = column.window === dataset.slot ? start : start + column.window
    const cell = cells.get(JSON.stringify([dataset.name, column.name, slot, plan.assets[asset]!.name]))
    if (cell === undefined) return 'pending'
    if (cell !== null) return 'disclosed'
    if (column.stat !== 'rate') return 'unusable'
    const { n } = counted(dataset, column, column.inputs[asset]![1]!.id, start)
    return n !== undefined && n < column.floor ? 'floor' : 'unusable'
  }

  function fateIn(r: Reading, dataset: PlanDataset, column: PlanColumn, asset: number): Fate {
    const { window } = column
    const start = Math.floor(r.at / window) * window
    if (start < since(dataset)) return 'new_stream'
    const isLate = closingOf(dataset, start + window) < r.block.position
    if (r.usable(column) === undefined) return isLate ? 'late' : 'unusable'
    const own = isLate ? 'late' : cellFate(dataset, column, asset, start)
    if (column.stat !== 'rate' || own === 'disclosed') return own
    const { base } = counted(dataset, column, r.id, start + window)
    return base === r && cellFate(dataset, column, asset, start + window) === 'disclosed' ? 'disclosed' : own
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

function latest(readings: readonly Reading[]): Reading | undefined {
  return readings.reduce<Reading | undefined>((newest, r) => (newest && r.at < newest.at ? newest : r), undefined)
}

function step(from: number, to: number): number {
  return to >= from ? to - from : to
}
