import { createHash } from 'node:crypto'
import type { SchemaElement } from 'hyparquet'
import { z } from 'zod'
import { type BatchId, batchId } from '../core/batch.ts'
import { parseDecimal } from '../core/decimal.ts'
import { base32hex, lengthPrefixed } from '../core/encoding.ts'

/** Key of the manifest in the file's key-value metadata. */
export const MANIFEST_KEY = 'pool.manifest'
/** `created_by` of every sealed file: says nothing about versions or machines. */
export const CREATED_BY = 'sluice'

const pseudonym = z.string().regex(/^[0-9A-V]{26}$/)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const decimal = z
  .string()
  .max(40)
  .refine((text) => parseDecimal(text) !== undefined)

const manifestColumn = z.strictObject({
  name: z.string(),
  /** UCUM; null for categories, as range, step and noise are */
  unit: z.string().nullable(),
  stat: z.string(),
  /** seconds */
  window_s: z.number().positive(),
  /** declared by the plant, in the unit, as decimal text */
  range: z.tuple([decimal, decimal]).nullable(),
  step: decimal.nullable(),
  noise: z
    .strictObject({
      mechanism: z.literal('discrete-laplace'),
      scale: z.string().max(80),
      sensitivity: z.number().int().positive(),
      epsilon: z.string().max(80),
      unit: z.string().max(80),
    })
    .nullable(),
  /** non-null slots ÷ slots, as a reader of the cells would compute it */
  coverage: z.number().min(0).max(1),
})

/** What a file says of itself: the value of `pool.manifest`, as RFC 8785 JSON (POOL.md, File). */
export const manifestSchema = z.strictObject({
  v: z.literal(1),
  batch_id: z
    .string()
    .regex(/^[0-9A-V]{26}$/)
    .transform((text) => batchId(text)),
  pool: z.string(),
  dataset: z.string(),
  contributor: pseudonym,
  /** 64 bits in base32hex */
  stream: z.string().regex(/^[0-9A-V]{13}$/),
  epoch: z.number().int().nonnegative(),
  seq: z.number().int().nonnegative(),
  contract: z.strictObject({ id: z.string(), sha256 }),
  /** SHA-256(salt_epoch ‖ JCS(policy)) */
  policy: sha256,
  columns: z.array(manifestColumn),
  rows: z.number().int().nonnegative(),
  /** fills the file to its size class */
  pad: z.string().regex(/^0*$/),
})
export type Manifest = z.infer<typeof manifestSchema>
export type ManifestColumn = Manifest['columns'][number]

/** What tells one batch from every other: known before its bytes are. */
export interface BatchKey {
  readonly pool: string
  readonly dataset: string
  readonly contributor: string
  readonly stream: string
  readonly epoch: number
  readonly seq: number
}

/** First 128 bits of SHA-256 over pool, dataset, contributor, stream, epoch and seq, each length-prefixed text. */
export function batchIdOf({ pool, dataset, contributor, stream, epoch, seq }: BatchKey): BatchId {
  const hash = createHash('sha256')
  for (const part of [pool, dataset, contributor, stream, String(epoch), String(seq)]) hash.update(lengthPrefixed(part))
  return batchId(base32hex(hash.digest().subarray(0, 16)))
}

/** Parquet columns of a dataset, in file order; each value column is followed by its `q_` column. */
export function layoutOf(dataset: {
  readonly kind: 'stream' | 'table'
  readonly columns: readonly { readonly name: string; readonly type: 'float' | 'double' | 'category' }[]
}): readonly SchemaElement[] {
  return [
    {
      name: 'slot',
      type: 'INT64',
      repetition_type: 'REQUIRED',
      converted_type: 'TIMESTAMP_MILLIS',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
    },
    text('asset', 'REQUIRED'),
    text('asset_class', 'REQUIRED'),
    ...(dataset.kind === 'table' ? [{ name: 'window_s', type: 'INT32', repetition_type: 'REQUIRED' } as const] : []),
    ...dataset.columns.flatMap(({ name, type }) => [
      type === 'category'
        ? text(name, 'OPTIONAL')
        : ({ name, type: type === 'float' ? 'FLOAT' : 'DOUBLE', repetition_type: 'OPTIONAL' } as const),
      {
        name: `q_${name}`,
        type: 'INT32',
        repetition_type: 'REQUIRED',
        // No logical type beside it: the writer gives its bit width 32 bits where parquet.thrift has a byte, and readers refuse.
        converted_type: 'UINT_8',
      } as const,
    ]),
  ]
}

function text(name: string, repetition: 'REQUIRED' | 'OPTIONAL'): SchemaElement {
  return {
    name,
    type: 'BYTE_ARRAY',
    repetition_type: repetition,
    converted_type: 'UTF8',
    logical_type: { type: 'STRING' },
  }
}
