import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readLake, summarizeLake } from './summary.ts'

let lake: string
beforeEach(async () => {
  lake = await mkdtemp(join(tmpdir(), 'sluice-lake-'))
})
afterEach(() => rm(lake, { recursive: true }))

interface Row {
  readonly slot: number
  readonly asset: string
  readonly oil: number | null
  readonly damp: number
  readonly rate: number | null
}

async function batch(path: string, rows: readonly Row[]): Promise<void> {
  const file = join(lake, path)
  await mkdir(dirname(file), { recursive: true })
  const bytes = parquetWriteBuffer({
    columnData: [
      { name: 'slot', data: rows.map((r) => new Date(r.slot)), type: 'TIMESTAMP' },
      { name: 'asset', data: rows.map((r) => r.asset), type: 'STRING' },
      { name: 'oil_temperature_mean', data: rows.map((r) => r.oil), type: 'FLOAT' },
      { name: 'humidity_mean', data: rows.map((r) => r.damp), type: 'FLOAT' },
      { name: 'defect_rate', data: rows.map((r) => r.rate), type: 'FLOAT' },
    ],
    codec: 'ZSTD',
    compressors: { ZSTD: (input: Uint8Array) => zstdCompressSync(input) },
  })
  await writeFile(file, new Uint8Array(bytes))
}

const rowAt = (slot: number, asset: string): Row => ({
  slot,
  asset,
  oil: 50 + slot,
  damp: 40 + ((slot * 7) % 5),
  rate: 0.01 * slot,
})

describe('the summary of a lake', () => {
  it('counts rows by dataset and finds the relation in the table', async () => {
    await batch('p/press-table/2026-01-05/A.parquet', [rowAt(1, 'X'), rowAt(1, 'Y'), rowAt(2, 'X')])
    await batch('p/press-table/2026-01-06/B.parquet', [rowAt(3, 'X'), rowAt(4, 'X')])
    await batch('p/press-stream/2026-01-06/C.parquet', [{ ...rowAt(3, 'X'), rate: null }])
    const found = await summarizeLake(lake)
    expect(found).toMatchObject({ rows: 6, duplicates: 0, datasets: { 'press-table': 5, 'press-stream': 1 } })
    expect(found.correlation).toMatchObject({ n: 5, oil_temperature: expect.closeTo(1, 5) })
  })

  it('counts a row that arrived twice, and not the same slot of another asset or dataset', async () => {
    await batch('p/press-table/2026-01-05/A.parquet', [rowAt(1, 'X'), rowAt(1, 'Y'), rowAt(2, 'X')])
    await batch('p/press-table/2026-01-05/B.parquet', [rowAt(2, 'X'), rowAt(3, 'X')])
    await batch('p/press-stream/2026-01-05/C.parquet', [rowAt(1, 'X')])
    expect(await summarizeLake(lake)).toMatchObject({ rows: 6, duplicates: 1 })
  })

  it('leaves suppressed cells out of the relation', async () => {
    const rows = [1, 2, 3, 4].map((slot) => rowAt(slot, 'X'))
    await batch('p/press-table/2026-01-05/A.parquet', [
      ...rows,
      { ...rowAt(9, 'X'), rate: null },
      { ...rowAt(9, 'Y'), oil: null },
    ])
    expect((await summarizeLake(lake)).correlation.n).toBe(4)
  })

  it('reads rows in the order of their slots, and nothing but finished files', async () => {
    await batch('p/press-table/2026-01-06/A.parquet', [rowAt(5, 'X')])
    await batch('p/press-table/2026-01-05/B.parquet', [rowAt(2, 'X')])
    await writeFile(join(lake, 'p/press-table/2026-01-05/C.parquet.tmp'), 'half')
    const rows = (await readLake(lake)).get('press-table')
    expect(rows?.map((row) => (row.slot as Date).getTime())).toEqual([2, 5])
  })

  it('reads a file only once where it is told what it knows', async () => {
    const known = new Map()
    await batch('p/press-table/2026-01-05/A.parquet', [rowAt(1, 'X')])
    await readLake(lake, known)
    await writeFile(join(lake, 'p/press-table/2026-01-05/A.parquet'), 'no longer readable')
    await batch('p/press-table/2026-01-05/B.parquet', [rowAt(2, 'X')])
    expect((await readLake(lake, known)).get('press-table')).toHaveLength(2)
  })

  it('says nothing of an empty lake', async () => {
    expect(await summarizeLake(lake)).toEqual({
      rows: 0,
      duplicates: 0,
      datasets: {},
      correlation: { oil_temperature: null, humidity: null, multiple: null, n: 0 },
    })
  })
})
