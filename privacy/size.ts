import type { PlanDataset } from './compile.ts'

/** Footer entry, page headers and statistics of one file column; measured at about 180. */
const COLUMN_OVERHEAD = 320
/** One column's entry in the manifest, beside its own texts; measured at about 150, noise takes about 150 more. */
const MANIFEST_COLUMN = 384
/** Magic numbers, schema root, row group, and the manifest's fixed part; measured at about 900. */
const FILE_OVERHEAD = 2048

/**
 * More bytes than any batch of this dataset can need, before padding: a bound for Parquet with one row group, one page a
 * column, plain numbers, dictionaries for texts and marks, ZSTD that finds nothing to squeeze, and its manifest. Every
 * cell is assumed to differ from every other.
 */
export function worstCaseBytes(
  dataset: Pick<PlanDataset, 'name' | 'kind' | 'slot' | 'cadence' | 'columns'>,
  assets: readonly { readonly class: string }[],
): number {
  const rows = (dataset.cadence / dataset.slot) * assets.length
  const classes = [...new Set(assets.map((asset) => asset.class))]
  const slot = file('slot', rows * 8)
  const asset = file('asset', assets.length * 30 + packed(rows, assets.length))
  const assetClass = file('asset_class', texts(classes) + packed(rows, classes.length))
  const window = dataset.kind === 'table' ? file('window_s', rows * 4) : 0
  const columns = dataset.columns.map((column) => {
    const nulls = packed(rows, 2)
    const marks = file(`q_${column.name}`, 4 * 4 + packed(rows, 4))
    if (column.kind === 'category') {
      const values = texts(column.vocabulary) + packed(rows, column.vocabulary.length)
      return file(column.name, nulls + values) + marks + MANIFEST_COLUMN + bytes(column.name)
    }
    const values = rows * (column.type === 'float' ? 4 : 8)
    const declared = [column.name, column.unit, column.step, ...column.range].reduce((n, text) => n + bytes(text), 0)
    return file(column.name, nulls + values) + marks + MANIFEST_COLUMN + declared
  })
  const all = [slot, asset, assetClass, window, ...columns].reduce((sum, n) => sum + n, 0)
  return Math.ceil(FILE_OVERHEAD + bytes(dataset.name) + all)
}

/** One file column: its name stands in the schema, in the column's path and in the manifest. */
function file(name: string, data: number): number {
  return COLUMN_OVERHEAD + 3 * bytes(name) + data * 1.01 + 128
}

/** Indexes into a dictionary in Parquet's hybrid of runs and packed groups, whichever is longer at each turn. */
function packed(rows: number, distinct: number): number {
  return 16 + (rows * (Math.ceil(Math.log2(Math.max(2, distinct))) + 2)) / 8
}

/** A dictionary of texts, and again as least and greatest value in the footer. */
function texts(values: readonly string[]): number {
  return values.reduce((n, text) => n + 4 + bytes(text), 0) + 4 * Math.max(0, ...values.map(bytes))
}

function bytes(text: string): number {
  return Buffer.byteLength(text)
}
