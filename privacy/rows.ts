import { unixMs } from '../core/brand.ts'
import type { DisclosurePlan } from './compile.ts'
import type { PlanNoise } from './compile-noise.ts'
import {
  type Disclosed,
  type DisclosedColumn,
  type DisclosedRows,
  type NoiseDeclaration,
  Q_MISSING,
} from './disclosed.ts'
import type { Pseudonyms } from './keys.ts'
import { formatScale } from './sensitivity.ts'
import { type OpenDataset, windowOfSlot } from './series.ts'
import type { Cell } from './statistic.ts'

const NO_RULE: Cell = { value: null, q: Q_MISSING, reason: 'unusable' }

/**
 * The rows of a dataset from its last sealed slot to `until`: dense, every asset in every slot, sorted by slot and
 * pseudonym. The only place where the type of what may leave is made.
 */
export function discloseRows(
  plan: DisclosurePlan,
  pseudonyms: Pseudonyms,
  dataset: OpenDataset,
  until: number,
): Disclosed {
  const { name, kind, slot, cadence } = dataset.plan
  const epoch = Math.max(
    0,
    plan.epochs.findLastIndex((start) => start <= until - cadence),
  )
  const assets = plan.assets
    .map((asset, row) => ({ row, asset_class: asset.class, pseudonym: pseudonyms.asset(epoch, asset.name) }))
    .toSorted((a, b) => (a.pseudonym < b.pseudonym ? -1 : 1))
  const rows: { readonly slot: number; readonly asset: (typeof assets)[number] }[] = []
  for (let start = dataset.sealed; start < until; start += slot)
    for (const asset of assets) rows.push({ slot: start, asset })

  const columns = dataset.plan.columns.map((column, c): DisclosedColumn => {
    const cells = rows.map(({ slot: start, asset }) => {
      const series = dataset.rows[c]![asset.row]
      return series ? series.cell(windowOfSlot(series, start)) : NO_RULE
    })
    const base = {
      name: column.name,
      stat: column.stat,
      window_s: column.window / 1_000,
      q: Uint8Array.from(cells, (cell) => cell.q),
    }
    if (column.kind === 'category') {
      const { vocabulary } = column
      return { ...base, kind: 'category', vocabulary, values: cells.map((cell) => cell.value as string | null) }
    }
    const { type, unit, range, step } = column
    const noise = column.noise ? declarationOf(column.noise) : null
    const values = cells.map((cell) => cell.value as number | null)
    return { ...base, kind: 'number', type, unit, range, step, noise, values }
  })
  const disclosed: DisclosedRows = {
    dataset: name,
    kind,
    epoch,
    from: unixMs(dataset.sealed),
    until: unixMs(until),
    window_s: slot / 1_000,
    slots: Float64Array.from(rows, (row) => row.slot),
    assets: rows.map((row) => row.asset.pseudonym),
    asset_classes: rows.map((row) => row.asset.asset_class),
    columns,
  }
  return disclosed as Disclosed
}

function declarationOf({ epsilon, sensitivity, scale, unit }: PlanNoise): NoiseDeclaration {
  return { mechanism: 'discrete-laplace', scale: formatScale(scale), sensitivity, epsilon, unit }
}
