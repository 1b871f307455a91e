import type { SealedBatch } from '../core/batch.ts'
import { canonicalJson } from '../core/encoding.ts'
import { Fault } from '../core/fault.ts'
import type { Disclosed, DisclosedColumn } from '../privacy/disclosed.ts'
import { batchIdOf, layoutOf, MANIFEST_KEY, type Manifest, type ManifestColumn } from './manifest.ts'
import { type Cell, decodeParquet, encodeParquet, type FileColumn } from './parquet.ts'
import { type SigningKey, sha256Of, signBatch } from './signature.ts'

/** What a batch is sealed from; rows come from the disclosure step alone. */
export interface SealInput {
  readonly disclosed: Disclosed
  readonly pool: string
  /** pseudonym of the plant in this epoch */
  readonly contributor: string
  readonly stream: string
  readonly seq: number
  readonly contract: { readonly id: string; readonly sha256: string }
  /** salted hash of the policy, hex */
  readonly policy: string
  /** the file gets exactly this many bytes */
  readonly size_class: number
  readonly signing: SigningKey
}

type Unpadded = Omit<Manifest, 'pad'>

/**
 * Writes the rows into a file of exactly `size_class` bytes, reads it back and signs it (POOL.md, File). Synchronous, so
 * that nothing comes between drawing noise and storing what was drawn.
 * @throws Fault `seal-failed` where the file does not read back as written, or the rows do not fit (the compiler of the
 * policy has proved that they do)
 */
export function seal(input: SealInput): SealedBatch {
  const { disclosed, pool, contributor, stream, seq } = input
  const { dataset, epoch } = disclosed
  const id = batchIdOf({ pool, dataset, contributor, stream, epoch, seq })
  const rows = disclosed.assets.length
  const columns = fileColumns(disclosed)
  const manifest: Unpadded = {
    v: 1,
    batch_id: id,
    pool,
    dataset,
    contributor,
    stream,
    epoch,
    seq,
    contract: { id: input.contract.id, sha256: input.contract.sha256 },
    policy: input.policy,
    columns: disclosed.columns.map(describe),
    rows,
  }
  const bytes = writeAndCompare(columns, manifest, input.size_class)
  const sha256 = sha256Of(bytes)
  return {
    id,
    pool,
    dataset,
    contributor,
    stream,
    epoch,
    seq,
    rows,
    from: disclosed.from,
    until: disclosed.until,
    bytes,
    sha256,
    signature: signBatch(input.signing, pool, sha256),
    key: input.signing.id,
  }
}

function writeAndCompare(columns: readonly FileColumn[], manifest: Unpadded, size: number): Uint8Array {
  const { pool, dataset, batch_id: batch } = manifest
  const fail = (message: string, cause?: unknown): Fault =>
    new Fault('seal-failed', { pool, dataset, batch }, message, { cause })
  try {
    const bytes = fill(columns, manifest, size)
    if (!bytes) throw fail('the rows do not fit into the size class of the dataset')
    const problem = compare(bytes, columns, manifest)
    if (problem) throw fail(problem)
    return bytes
  } catch (cause) {
    // Whatever it is, it shuts this pool's gate; collection goes on.
    throw cause instanceof Fault ? cause : fail('the file could not be written or read back', cause)
  }
}

function fileColumns(disclosed: Disclosed): readonly FileColumn[] {
  const layout = layoutOf({
    kind: disclosed.kind,
    columns: disclosed.columns.map((c) => ({ name: c.name, type: c.kind === 'category' ? 'category' : c.type })),
  })
  const cells: (readonly Cell[])[] = [
    [...disclosed.slots],
    disclosed.assets,
    disclosed.asset_classes,
    ...(disclosed.kind === 'table' ? [disclosed.assets.map(() => disclosed.window_s)] : []),
    ...disclosed.columns.flatMap((c) => [c.values, [...c.q]]),
  ]
  return layout.map((element, i) => ({ element, cells: cells[i]! }))
}

function describe(column: DisclosedColumn): ManifestColumn {
  const { name, stat, window_s } = column
  const present = column.values.reduce((n: number, value) => n + (value === null ? 0 : 1), 0)
  const coverage = column.values.length === 0 ? 0 : present / column.values.length
  if (column.kind === 'category')
    return { name, unit: null, stat, window_s, range: null, step: null, noise: null, coverage }
  const { unit, range, step, noise } = column
  return { name, unit, stat, window_s, range: [range[0], range[1]], step, noise: noise && { ...noise }, coverage }
}

/** A file of exactly `size` bytes, or undefined where the rows need more. */
function fill(columns: readonly FileColumn[], manifest: Unpadded, size: number): Uint8Array | undefined {
  const text = (pad: number): string => canonicalJson({ ...manifest, pad: '0'.repeat(pad) })
  const bare = Buffer.byteLength(text(0))
  // Thrift writes a string's length as a varint, so at 2^14 and 2^21 bytes one more letter costs two bytes and one size
  // is skipped. An empty second entry moves the text off that edge.
  for (const extra of [[], [{ key: 'pad' }]]) {
    const write = (pad: number): Uint8Array =>
      encodeParquet(columns, [{ key: MANIFEST_KEY, value: text(pad) }, ...extra])
    const room = size - write(0).length
    for (let pad = room; pad >= 0 && pad > room - 4; pad--) {
      if (pad + varintBytes(bare + pad) - varintBytes(bare) === room) return write(pad)
    }
  }
  return undefined
}

function varintBytes(n: number): number {
  return Math.ceil(Math.max(1, 32 - Math.clz32(n)) / 7)
}

/** Reads the file back; says what differs, never which value. */
function compare(bytes: Uint8Array, columns: readonly FileColumn[], manifest: Unpadded): string | undefined {
  const file = decodeParquet(bytes)
  const { pad: _, ...read } = JSON.parse(file.manifest ?? '{}')
  if (canonicalJson(read) !== canonicalJson(manifest)) return 'the manifest did not read back as written'
  if (file.columns.length !== columns.length) return 'the columns did not read back as written'
  const wrong = columns.find(({ element, cells }, i) => {
    const back = file.columns[i]!
    return (
      back.element.name !== element.name ||
      back.cells.length !== cells.length ||
      cells.some((cell, row) => !same(stored(cell, element.type === 'FLOAT'), back.cells[row]))
    )
  })
  return wrong && `column ${wrong.element.name} did not read back as written`
}

function stored(cell: Cell, single: boolean): Cell {
  return single && cell !== null ? Math.fround(cell as number) : cell
}

/** −0 and 0 are one value to a reader; NaN and infinities are never cells. */
function same(a: Cell, b: Cell | undefined): boolean {
  return a === b && (typeof a !== 'number' || Number.isFinite(a))
}
