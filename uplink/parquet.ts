import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { type DecodedArray, type FileMetaData, parquetMetadata, parquetSchema, type SchemaElement } from 'hyparquet'
import { readColumn } from 'hyparquet/src/column.js'
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js'
import { getTreePath } from 'hyparquet/src/schema.js'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { CREATED_BY, MANIFEST_KEY } from './manifest.ts'

/** A cell as it is handed to the file and as it comes back. `slot` cells are UnixMs. */
export type Cell = number | string | null

/** One column of a file: its Parquet element and a cell a row. */
export interface FileColumn {
  readonly element: SchemaElement
  readonly cells: readonly Cell[]
}

/** One row group, ZSTD, one page a column; strings and marks by dictionary. */
export function encodeParquet(
  columns: readonly FileColumn[],
  metadata: readonly { readonly key: string; readonly value?: string }[],
): Uint8Array {
  const rows = columns[0]?.cells.length ?? 0
  return new Uint8Array(
    parquetWriteBuffer({
      schema: [{ name: 'root', num_children: columns.length }, ...columns.map((c) => c.element)],
      columnData: columns.map(({ element, cells }) => ({
        name: element.name,
        data: [...cells],
        ...(byDictionary(element) && { encoding: 'RLE_DICTIONARY' }),
      })),
      codec: 'ZSTD',
      compressors: { ZSTD: (bytes) => zstdCompressSync(bytes) },
      rowGroupSize: Math.max(1, rows),
      pageSize: 0,
      createdBy: CREATED_BY,
      kvMetadata: [...metadata],
    }),
  )
}

function byDictionary({ type, converted_type }: SchemaElement): boolean {
  return type === 'BYTE_ARRAY' || converted_type === 'UINT_8'
}

/** A file read back, cell by cell. */
export interface DecodedFile {
  readonly createdBy: string | undefined
  readonly manifest: string | undefined
  readonly columns: readonly FileColumn[]
}

/**
 * Reads a file of one row group from memory.
 * @throws Error where the bytes are not such a file
 */
export function decodeParquet(bytes: Uint8Array): DecodedFile {
  const buffer = new Uint8Array(bytes).buffer
  const metadata = parquetMetadata(buffer)
  if (metadata.row_groups.length > 1) throw new Error('more than one row group')
  const elements = metadata.schema.slice(1)
  return {
    createdBy: metadata.created_by,
    manifest: metadata.key_value_metadata?.find((entry) => entry.key === MANIFEST_KEY)?.value,
    columns: elements.map((element, i) => ({ element, cells: cellsOf(buffer, metadata, i) })),
  }
}

// The library's row reader is asynchronous; its column reader is what it is made of, and the seal must not be interrupted.
function cellsOf(buffer: ArrayBuffer, metadata: FileMetaData, index: number): readonly Cell[] {
  const chunk = metadata.row_groups[0]?.columns[index]?.meta_data
  if (!chunk) return []
  const schemaPath = getTreePath(parquetSchema(metadata), chunk.path_in_schema)
  const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset)
  const { data } = readColumn(
    { view: new DataView(buffer, start, Number(chunk.total_compressed_size)), offset: 0 },
    { groupStart: 0, selectStart: 0, selectEnd: Number(metadata.num_rows), groupRows: Number(metadata.num_rows) },
    {
      ...chunk,
      pathInSchema: chunk.path_in_schema,
      element: schemaPath.at(-1)!.element,
      schemaPath,
      parsers: { ...DEFAULT_PARSERS, timestampFromMilliseconds: Number },
      compressors: { ZSTD: (page, length) => zstdDecompressSync(page, { maxOutputLength: Math.max(1, length) }) },
    },
  )
  return data.flatMap((page: DecodedArray) => Array.from(page as ArrayLike<Cell | undefined>, (cell) => cell ?? null))
}
