import { glob, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { type Correlation, correlate, type TableRow } from './correlation.ts'

/** A row of the lake as any Parquet reader sees it. */
export type LakeRow = Readonly<Record<string, unknown>>

/** What a reader of the lake finds: nothing of it comes from the agent or the receiver. */
export interface LakeSummary {
  readonly rows: number
  /** rows beyond the first with the same dataset, asset and slot; the pool promises none */
  readonly duplicates: number
  /** dataset → rows */
  readonly datasets: Readonly<Record<string, number>>
  readonly correlation: Correlation
}

/**
 * Reads every Parquet file of a lake laid out as `{pool}/{dataset}/{date}/{batch_id}.parquet`.
 * @param known rows of files that were read before, by path; a file of the lake never changes
 * @returns rows by dataset, in the order of slots
 */
export async function readLake(
  lakeDir: string,
  known = new Map<string, readonly LakeRow[]>(),
): Promise<ReadonlyMap<string, readonly LakeRow[]>> {
  const lake = new Map<string, LakeRow[]>()
  for await (const path of glob('*/*/*/*.parquet', { cwd: lakeDir })) {
    const found = known.get(path) ?? (await readRows(join(lakeDir, path)))
    known.set(path, found)
    const dataset = basename(dirname(dirname(path)))
    const rows = lake.get(dataset) ?? []
    lake.set(dataset, rows)
    for (const row of found) rows.push(row)
  }
  for (const rows of lake.values()) rows.sort((a, b) => slotOf(a) - slotOf(b))
  return lake
}

async function readRows(path: string): Promise<readonly LakeRow[]> {
  const file = await readFile(path)
  return parquetReadObjects({
    file: file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength),
    compressors: { ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes) },
  })
}

/** What arrived, and whether the relation that the plant has can still be found in it. */
export async function summarizeLake(lakeDir: string): Promise<LakeSummary> {
  const lake = await readLake(lakeDir)
  const datasets: Record<string, number> = {}
  let [rows, distinct] = [0, 0]
  for (const [dataset, list] of lake) {
    datasets[dataset] = list.length
    rows += list.length
    distinct += new Set(list.map((row) => `${row.asset}\0${slotOf(row)}`)).size
  }
  return { rows, duplicates: rows - distinct, datasets, correlation: correlate([...lake.values()].flatMap(training)) }
}

/** Milliseconds since 1970 UTC. */
function slotOf(row: LakeRow): number {
  return row.slot instanceof Date ? row.slot.getTime() : Number.NaN
}

/** The rows that say all three; a suppressed cell is null and takes its row with it. */
function training(list: readonly LakeRow[]): TableRow[] {
  return list.flatMap(({ oil_temperature_mean, humidity_mean, defect_rate }) =>
    typeof oil_temperature_mean === 'number' && typeof humidity_mean === 'number' && typeof defect_rate === 'number'
      ? [{ oil_temperature: oil_temperature_mean, humidity: humidity_mean, defect_rate }]
      : [],
  )
}
