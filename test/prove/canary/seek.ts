import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { seal } from '../../../uplink/seal.ts'
import { makeDisclosed, makeSealInput, streamColumns } from '../../support/sealing.ts'
import { type Canary, doubles, formsOf } from './forms.ts'

/** Bytes that left, and how they did. */
export interface Part {
  readonly where: string
  readonly bytes: Buffer
}

/** A canary that was found. */
export interface Leak {
  readonly what: string
  readonly form: string
  readonly where: string
}

/** A file as it left: its name, its bytes, and of a Parquet file what a reader gets, for pages are compressed. */
export async function partsOfFile(path: string, name: string): Promise<readonly Part[]> {
  const bytes = readFileSync(path)
  const parts = [
    { where: name, bytes },
    { where: `the name of ${name}`, bytes: Buffer.from(name) },
  ]
  return name.endsWith('.parquet') ? [...parts, ...(await contentOf(name, bytes))] : parts
}

async function contentOf(name: string, bytes: Buffer): Promise<readonly Part[]> {
  const file = new Uint8Array(bytes).buffer
  const { metadata_length: _, ...metadata } = parquetMetadata(file)
  const rows = await parquetReadObjects({
    file,
    compressors: { ZSTD: (packed: Uint8Array) => zstdDecompressSync(packed) },
  })
  const numbers = rows.flatMap((row) => Object.values(row).filter((cell) => typeof cell === 'number'))
  const text = (value: unknown): Buffer =>
    Buffer.from(JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? String(v) : v)))
  return [
    { where: `the metadata of ${name}`, bytes: text(metadata) },
    { where: `the rows of ${name}`, bytes: text(rows) },
    { where: `the cells of ${name}`, bytes: doubles(numbers) },
  ]
}

/** Every canary in every form in every part. */
export function seek(canaries: readonly Canary[], parts: readonly Part[]): readonly Leak[] {
  return canaries.flatMap((canary) =>
    formsOf(canary).flatMap((form) =>
      parts.flatMap(({ where, bytes }) =>
        bytes.includes(form.bytes) ? [{ what: canary.what, form: form.name, where }] : [],
      ),
    ),
  )
}

/**
 * How many of these leaks are found: a header with a name, and a really sealed file whose rows hold an asset's own name,
 * a raw value and a text outside the vocabulary, and whose manifest has a name's digest where the policy's hash stands.
 */
export async function findPlanted(requests: Buffer): Promise<{ readonly planted: number; readonly found: number }> {
  const planted = ['header', 'asset', 'text', 'digest'].map((what) => ({ what, text: `planted-${what}-5f0c6` }))
  const [header, asset, text, digest] = planted as [Canary, Canary, Canary, Canary]
  const value = { what: 'value', text: '73.18462917', value: 73.18462917 }
  const { bytes } = seal(
    makeSealInput({
      disclosed: makeDisclosed(1, {
        assets: [asset.text, 'B'],
        columns: streamColumns(2).map((column) =>
          column.kind === 'category'
            ? { ...column, values: [text.text, null] }
            : column.type === 'double'
              ? { ...column, values: [value.value, null] }
              : column,
        ),
      }),
      policy: createHash('sha256').update(digest.text).digest('hex'),
    }),
  )
  const head = Buffer.from(`x-gateway: ${header.text}\r\n`)
  const parts = [
    { where: 'requests', bytes: Buffer.concat([requests, head]) },
    ...(await contentOf('leak.parquet', Buffer.from(bytes))),
  ]
  const all = [...planted, value]
  return { planted: all.length, found: new Set(seek(all, parts).map((leak) => leak.what)).size }
}
