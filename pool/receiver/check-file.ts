import { zstdDecompressSync } from 'node:zlib'
import { type FileMetaData, parquetMetadata, parquetReadObjects, type SchemaElement } from 'hyparquet'
import { type Contract, type ContractColumn, type ContractDataset, slotMs } from '../../core/contract.ts'
import { compareDecimal, parseDecimal } from '../../core/decimal.ts'
import {
  CREATED_BY,
  layoutOf,
  MANIFEST_KEY,
  type Manifest,
  type ManifestColumn,
  manifestSchema,
} from '../../uplink/manifest.ts'
import { checkRows, type Row } from './check-rows.ts'
import { firstRefusal, type Refusal, refusal } from './refusal.ts'

/** What was found: a manifest as far as the file could be read, and why it is refused, or the span of its slots (UnixMs). */
export type CheckedFile =
  | { readonly manifest: Manifest; readonly from: number; readonly until: number; readonly refusal?: undefined }
  | { readonly manifest: Manifest | undefined; readonly refusal: Refusal }

/** More rows than any size class holds; keeps a forged header from filling the memory. */
const MAX_ROWS = 1_000_000

/**
 * Compares a file with the contract: manifest, schema, units, declared ranges, size class, cells (POOL.md, Reference
 * receiver). Refuses what it should not know.
 */
export async function checkFile(
  bytes: Uint8Array,
  contract: { readonly document: Contract; readonly sha256: string },
): Promise<CheckedFile> {
  const refused = (problem: Refusal, manifest?: Manifest): CheckedFile => ({ manifest, refusal: problem })
  const file = new Uint8Array(bytes).buffer
  const metadata = attempt(() => parquetMetadata(file))
  if (!metadata) return refused(refusal('schema-unknown', 'the body is not a Parquet file'))
  const manifest = manifestOf(metadata)
  if (!manifest) return refused(refusal('schema-unknown', 'the file has no valid manifest, or metadata besides it'))
  const { datasets } = contract.document
  const dataset = Object.hasOwn(datasets, manifest.dataset) ? datasets[manifest.dataset] : undefined
  if (!dataset) return refused(refusal('schema-unknown', 'the contract has no such dataset'), manifest)
  const wrong =
    checkManifest(manifest, metadata, contract) ??
    checkSize(bytes.length, dataset) ??
    firstRefusal(manifest.columns, (column) => checkColumn(column, dataset)) ??
    checkLayout(metadata, manifest, dataset)
  if (wrong) return refused(wrong, manifest)
  const rows = await readRows(file, metadata)
  if (!rows || rows.length === 0) return refused(refusal('schema-unknown', 'there are no rows to read'), manifest)
  const bad = checkRows(rows, manifest, dataset, contract.document)
  if (bad) return refused(bad, manifest)
  return { manifest, from: Number(rows[0]!.slot), until: Number(rows.at(-1)!.slot) + slotMs(dataset) }
}

/** What the file says of itself, or undefined where it is no sealed file. */
export function readManifest(bytes: Uint8Array): Manifest | undefined {
  const metadata = attempt(() => parquetMetadata(new Uint8Array(bytes).buffer))
  return metadata && manifestOf(metadata)
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

async function readRows(file: ArrayBuffer, metadata: FileMetaData): Promise<readonly Row[] | undefined> {
  try {
    return (await parquetReadObjects({
      file,
      metadata,
      parsers: { timestampFromMilliseconds: Number },
      compressors: { ZSTD: (page, length) => zstdDecompressSync(page, { maxOutputLength: Math.max(1, length) }) },
    })) as readonly Row[]
  } catch {
    return undefined
  }
}

function manifestOf(metadata: FileMetaData): Manifest | undefined {
  const entries = metadata.key_value_metadata ?? []
  const known = entries.every(({ key, value }) => key === MANIFEST_KEY || (key === 'pad' && !value))
  if (metadata.created_by !== CREATED_BY || !known) return undefined
  const text = entries.find(({ key }) => key === MANIFEST_KEY)?.value ?? ''
  return manifestSchema.safeParse(attempt(() => JSON.parse(text))).data
}

function checkManifest(
  manifest: Manifest,
  metadata: FileMetaData,
  contract: { readonly document: Contract; readonly sha256: string },
): Refusal | undefined {
  const { pool, epochs } = contract.document
  if (manifest.pool !== pool || manifest.contract.id !== pool)
    return refusal('schema-unknown', 'the file is for another pool')
  if (manifest.contract.sha256 !== contract.sha256)
    return refusal('schema-unknown', 'the file is of another version of the contract')
  if (epochs[manifest.epoch] === undefined) return refusal('schema-unknown', 'the contract has no such epoch')
  if (BigInt(manifest.rows) !== metadata.num_rows || manifest.rows > MAX_ROWS || metadata.row_groups.length !== 1)
    return refusal('schema-unknown', 'the rows are not those of the manifest')
  return undefined
}

function checkSize(size: number, { size_class }: ContractDataset): Refusal | undefined {
  if (size > size_class) return refusal('too-large', `the size class has ${size_class} bytes`)
  if (size < size_class) return refusal('schema-unknown', `the file is not padded to its ${size_class} bytes`)
  return undefined
}

function checkColumn(column: ManifestColumn, dataset: ContractDataset): Refusal | undefined {
  const { name } = column
  const agreed = Object.hasOwn(dataset.columns, name) ? dataset.columns[name] : undefined
  if (!agreed) return refusal('column-unknown', 'the contract has no such column')
  const window = agreed.window ?? slotMs(dataset)
  if (column.stat !== agreed.stat || column.window_s * 1_000 !== window)
    return refusal('schema-unknown', `${name}: statistic or window differ from the contract`)
  if (agreed.type === 'category') {
    const plain = column.unit === null && column.range === null && column.step === null && column.noise === null
    return plain ? undefined : refusal('schema-unknown', `${name}: a category has no unit, range, step or noise`)
  }
  if (column.unit !== agreed.unit) return refusal('unit', `${name}: the contract's unit is ${agreed.unit}`)
  return checkRange(column, agreed)
}

function checkRange(
  { name, range, step }: ManifestColumn,
  agreed: Exclude<ContractColumn, { type: 'category' }>,
): Refusal | undefined {
  if (range === null || step === null) return refusal('schema-unknown', `${name}: range or step are missing`)
  const compare = (a: string, b: string): number => compareDecimal(parseDecimal(a)!, parseDecimal(b)!)
  if (compare(range[0], agreed.range[0]) < 0 || compare(range[1], agreed.range[1]) > 0)
    return refusal('range', `${name}: the declared range is wider than the contract's`)
  if (compare(range[0], range[1]) >= 0) return refusal('range', `${name}: the declared range is empty`)
  if (compare(step, agreed.step) < 0) return refusal('range', `${name}: the step is finer than the contract's`)
  return undefined
}

function checkLayout(metadata: FileMetaData, manifest: Manifest, dataset: ContractDataset): Refusal | undefined {
  const names = manifest.columns.map(({ name }) => name)
  const agreed = Object.keys(dataset.columns).filter((name) => names.includes(name))
  if (agreed.join() !== names.join())
    return refusal('schema-unknown', "the columns are not in the contract's order, or one is there twice")
  const columns = names.map((name) => ({ name, type: dataset.columns[name]!.type }))
  const expected = layoutOf({ kind: dataset.kind, columns })
  const found = metadata.schema.slice(1)
  if (found.some(({ name }) => !expected.some((element) => element.name === name)))
    return refusal('column-unknown', 'the file has a column that its manifest does not name')
  const same = found.length === expected.length && found.every((element, i) => alike(element, expected[i]!))
  return same ? undefined : refusal('schema-unknown', 'the columns do not have the types of the contract')
}

function alike(a: SchemaElement, b: SchemaElement): boolean {
  return (
    a.name === b.name &&
    a.type === b.type &&
    a.repetition_type === b.repetition_type &&
    a.converted_type === b.converted_type
  )
}
