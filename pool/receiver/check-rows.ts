import { type Contract, type ContractColumn, type ContractDataset, slotMs } from '../../core/contract.ts'
import type { Manifest, ManifestColumn } from '../../uplink/manifest.ts'
import { firstRefusal, type Refusal, refusal } from './refusal.ts'

/** A row as the Parquet reader gives it; `slot` in UnixMs. */
export type Row = Readonly<Record<string, number | string | null | undefined>>

const MISSING = 2
const CLIPPED = 3
const PSEUDONYM = /^[0-9A-V]{26}$/

/** Checks every cell of a file whose layout is right. */
export function checkRows(
  rows: readonly Row[],
  manifest: Manifest,
  dataset: ContractDataset,
  contract: Contract,
): Refusal | undefined {
  return (
    checkKeys(rows, manifest.epoch, dataset, contract) ??
    firstRefusal(manifest.columns, (column) => checkColumnCells(rows, column, dataset.columns[column.name]!))
  )
}

function checkKeys(
  rows: readonly Row[],
  epoch: number,
  dataset: ContractDataset,
  { asset_classes, epochs }: Contract,
): Refusal | undefined {
  const grid = slotMs(dataset)
  const [begin, end] = [epochs[epoch]!, epochs[epoch + 1] ?? Number.POSITIVE_INFINITY]
  let before = ''
  return firstRefusal(rows, (row) => {
    const slot = Number(row.slot)
    if (slot % grid !== 0) return refusal('range', 'a slot is not on the grid')
    if (slot < begin || slot >= end) return refusal('range', 'a slot lies outside its epoch')
    if (!PSEUDONYM.test(String(row.asset))) return refusal('range', 'an asset is not a pseudonym')
    if (!asset_classes.includes(String(row.asset_class)))
      return refusal('range', 'an asset class is not in the contract')
    if (dataset.kind === 'table' && Number(row.window_s) * 1_000 !== grid)
      return refusal('range', 'a window is not that of the contract')
    const key = `${String(slot).padStart(16, '0')} ${row.asset}`
    if (key <= before) return refusal('schema-unknown', 'rows are not sorted by slot and asset, or one is there twice')
    before = key
    return undefined
  })
}

function checkColumnCells(rows: readonly Row[], column: ManifestColumn, agreed: ContractColumn): Refusal | undefined {
  const { name } = column
  const problemOf = cellProblem(column, agreed)
  let present = 0
  const wrong = firstRefusal(rows, (row) => {
    const cell = row[name] ?? null
    const mark = Number(row[`q_${name}`])
    if (mark > CLIPPED) return refusal('range', `q_${name}: no such mark`)
    if ((cell === null) !== (mark === MISSING))
      return refusal('range', `${name}: missing and marked so must go together`)
    if (cell === null) return undefined
    present++
    const problem = problemOf(cell)
    return problem === undefined ? undefined : refusal('range', `${name}: ${problem}`)
  })
  if (wrong) return wrong
  const off = Math.abs(present / rows.length - column.coverage) > 1e-9
  return off ? refusal('schema-unknown', `${name}: the coverage is not that of the cells`) : undefined
}

/** What is wrong with a cell: categories by vocabulary; numbers finite, on their grid and, without noise, in the range. */
function cellProblem(column: ManifestColumn, agreed: ContractColumn): (cell: number | string) => string | undefined {
  if (agreed.type === 'category') {
    const vocabulary = new Set<unknown>(agreed.vocabulary)
    return (cell) => (vocabulary.has(cell) ? undefined : 'a value is not in the vocabulary')
  }
  const [low, high] = column.range!.map(Number) as [number, number]
  const step = Number(column.step)
  const noised = column.noise !== null
  // A cell is the nearest FLOAT or DOUBLE to L + k·step, and so is each side of the comparison.
  const precision = agreed.type === 'float' ? 2 ** -23 : 2 ** -50
  return (cell) => {
    const value = Number(cell)
    if (!Number.isFinite(value)) return 'a value is not finite'
    const rounding = Math.max(Math.abs(low), Math.abs(high), Math.abs(value)) * precision
    const nearest = low + Math.round((value - low) / step) * step
    if (Math.abs(nearest - value) > rounding) return 'a value is not on the grid of its step'
    if (!noised && (value < low - rounding || value > high + rounding)) return 'a value lies outside the declared range'
    return undefined
  }
}
