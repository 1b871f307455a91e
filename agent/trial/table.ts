import type { LinkedColumn } from '../../attack/linkage.ts'
import type { RatePublished } from '../../attack/volume.ts'
import type { DisclosurePlan, PlanColumn, PlanDataset } from '../../privacy/compile.ts'
import type { Disclosed } from '../../privacy/disclosed.ts'
import { gridBounds } from '../../privacy/grid.ts'
import type { Pseudonyms } from '../../privacy/keys.ts'

/** Cells of one dataset as numbers, by machine and slot: words are their place in the vocabulary. */
export interface Table {
  /** ms */
  readonly slot: number
  readonly linked: readonly LinkedColumn[]
  add(period: Disclosed): void
  /** each column's cells, over all machines and slots; NaN where null */
  columns(): number[][]
  /** the columns of each machine's UTC day, slot by slot */
  days(): readonly (readonly Float64Array[])[]
  /** what was published of each rate of each machine, and what was counted */
  rates(parts: (signal: string, start: number, window: number) => number): readonly Line[]
}

/** One machine's rate. */
export interface Line {
  readonly floor: number
  readonly published: RatePublished
  readonly windows: readonly { readonly rate: number; readonly parts: number }[]
}

const DAY = 86_400_000

/** Columns without a rule are left out: they are null in every row. */
export function makeTable(plan: DisclosurePlan, dataset: PlanDataset, pseudonyms: Pseudonyms): Table {
  const { slot } = dataset
  const ruled = dataset.columns.flatMap((column, c) => (column.inputs.length > 0 ? [{ column, c }] : []))
  /** machine → slot → cells */
  const rows: Map<number, readonly number[]>[] = plan.assets.map(() => new Map())

  return {
    slot,
    linked: ruled.map(({ column }) => linkedOf(column)),
    add({ epoch, slots, assets, columns }) {
      const machines = new Map(plan.assets.map(({ name }, i) => [pseudonyms.asset(epoch, name), i]))
      for (const [i, asset] of assets.entries()) {
        const cells = ruled.map(({ column, c }) => levelOf(column, columns[c]!.values[i]!))
        rows[machines.get(asset)!]!.set(slots[i]!, cells)
      }
    },
    columns: () => ruled.map((_, c) => rows.flatMap((machine) => [...machine.values()].map((cells) => cells[c]!))),
    days: () =>
      rows.flatMap((machine) => {
        const days = [...new Set([...machine.keys()].map((start) => Math.floor(start / DAY)))]
        return days.map((day) =>
          ruled.map((_, c) =>
            Float64Array.from({ length: DAY / slot }, (_, i) => machine.get(day * DAY + i * slot)?.[c] ?? Number.NaN),
          ),
        )
      }),
    rates: (parts) =>
      ruled.flatMap(({ column }, c) => {
        if (column.kind !== 'number' || column.stat !== 'rate') return []
        const { step, noise } = linkedOf(column)
        const published = { step: step / column.factor, noise: noise / column.factor }
        return rows.map((machine, m): Line => {
          const over = column.inputs[m]![1]!.id
          // A window that is longer than a slot stands in several: one of them is enough.
          const shown = [...machine].filter(([start]) => start % column.window === 0)
          const lag = column.window === slot ? 0 : column.window
          const windows = shown.flatMap(([start, cells]) =>
            Number.isFinite(cells[c]!)
              ? [{ rate: cells[c]! / column.factor, parts: parts(over, start - lag, column.window) }]
              : [],
          )
          return { floor: column.floor, published, windows }
        })
      }),
  }
}

function levelOf(column: PlanColumn, value: number | string | null): number {
  if (value === null) return Number.NaN
  return column.kind === 'category' ? column.vocabulary.indexOf(String(value)) : Number(value)
}

function linkedOf(column: PlanColumn): LinkedColumn {
  if (column.kind === 'category') return { range: [0, column.vocabulary.length], step: 1, noise: 0 }
  const { low, high } = gridBounds(column.grid)
  const step = column.grid.step / column.grid.power
  const noise = column.noise ? (step * column.noise.scale.t) / column.noise.scale.s : 0
  return { range: [low, high], step, noise }
}
