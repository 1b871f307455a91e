import type { OutboxEntry } from '../../buffer/batch-port.ts'
import type { SealedBatch } from '../../core/batch.ts'
import { float32Decimal } from '../../core/shortest-decimal.ts'
import { type Manifest, manifestSchema } from '../../uplink/manifest.ts'
import { type Cell, decodeParquet } from '../../uplink/parquet.ts'
import { sha256Of } from '../../uplink/signature.ts'
import { type ShownBatch, sealedBatchOf } from '../daemon/outbox-desk.ts'
import { formatAge, formatBytes, formatTime, table } from './common.ts'

/** What a sealed file says. */
export interface FileView {
  readonly sha256: string
  readonly signature: string
  readonly key: string
  readonly manifest: Omit<Manifest, 'pad'> & { readonly pad_bytes: number }
  readonly columns: readonly { readonly name: string; readonly type: string; readonly nulls: number }[]
  readonly rows: number
  /** the first of them, a mapping by column each */
  readonly first: readonly Readonly<Record<string, Cell>>[]
}

/** What `sluice outbox show` prints: where a batch stands, and what its file says. */
export interface BatchView {
  readonly entry: OutboxEntry
  /** null: the bytes are gone, or are not those that were sealed */
  readonly file: FileView | null
  /** what is wrong with the bytes, or null */
  readonly problem: string | null
}

/** Decodes a batch. @param rows how many of its rows are shown */
export function showBatch({ entry, batch }: ShownBatch, rows: number): BatchView {
  if (!batch) return { entry, file: null, problem: 'its bytes are gone' }
  const sealed = sealedBatchOf(batch)
  if (sha256Of(sealed.bytes) !== sealed.sha256)
    return { entry, file: null, problem: 'its bytes are not those that were sealed' }
  return { entry, problem: null, file: decodeFile(sealed, rows) }
}

/** Decodes a sealed file. @param rows how many of its rows are shown */
export function decodeFile(
  { bytes, sha256, signature, key }: Pick<SealedBatch, 'bytes' | 'sha256' | 'signature' | 'key'>,
  rows: number,
): FileView {
  const decoded = decodeParquet(bytes)
  const { pad, ...manifest } = manifestSchema.parse(JSON.parse(decoded.manifest ?? '{}'))
  const count = decoded.columns[0]?.cells.length ?? 0
  return {
    sha256,
    signature,
    key,
    manifest: { ...manifest, pad_bytes: pad.length },
    columns: decoded.columns.map(({ element, cells }) => ({
      name: element.name,
      type: element.converted_type ?? element.type ?? '',
      nulls: cells.filter((cell) => cell === null).length,
    })),
    rows: count,
    first: Array.from({ length: Math.min(rows, count) }, (_, row) =>
      Object.fromEntries(
        decoded.columns.map(({ element: { name, type }, cells }) => {
          const cell = cells[row] ?? null
          const isSingle = type === 'FLOAT' && typeof cell === 'number'
          return [name, name === 'slot' ? formatTime(Number(cell)) : isSingle ? float32Decimal(cell) : cell]
        }),
      ),
    ),
  }
}

/** The view in words, for a person. */
export function renderBatch({ entry: e, file, problem }: BatchView, now: number): string {
  const state = e.reason === null ? e.state : `${e.state}: ${e.message ?? e.reason} (${e.reason})`
  const facts = [
    ['batch', e.id],
    ['pool', e.pool],
    ['dataset', e.dataset],
    ['state', state],
    ['slots', `${formatTime(e.from)} to ${formatTime(e.until)}`],
    ['sealed', `${formatTime(e.sealed_at)}, ${formatAge(now - e.sealed_at)} ago`],
    ...(e.settled_at === null ? [] : [[e.state, `${formatTime(e.settled_at)}, ${formatAge(now - e.settled_at)} ago`]]),
    ['number', `${e.seq} of stream ${e.stream}, epoch ${e.epoch}`],
    ['attempts', `${e.attempts} in vain`],
    ['size', formatBytes(e.size)],
  ]
  if (!file) return `${table(facts)}\n${problem}`
  const { manifest: m } = file
  const written = table([
    ...facts,
    ['sha256', file.sha256],
    ['signed by', file.key],
    ['contributor', m.contributor],
    ['contract', `${m.contract.id} ${m.contract.sha256}`],
    ['policy', m.policy],
    ['rows', `${file.rows}, ${m.pad_bytes} bytes of padding`],
  ])
  const described = new Map(m.columns.map((column) => [column.name, column]))
  const columns = file.columns.map(({ name, type, nulls }) => {
    const c = described.get(name)
    const noise = c?.noise ? `noise ${c.noise.mechanism} scale ${c.noise.scale}` : ''
    const range = c?.range ? `${c.range[0]} to ${c.range[1]} in steps of ${c.step}` : ''
    return [
      `  ${name}`,
      type,
      c ? `${c.stat} ${c.unit ?? ''}`.trim() : '',
      range,
      noise,
      nulls > 0 ? `${nulls} null` : '',
    ]
  })
  const rows = file.first.map((row) => Object.values(row).map((cell) => (cell === null ? '-' : String(cell))))
  const head = file.columns.map(({ name }) => name)
  const first = rows.length > 0 ? `\n\nfirst rows\n${table([head, ...rows].map((r) => ['', ...r]))}` : ''
  return `${written}\n\ncolumns\n${table(columns)}${first}`
}

/** Batches as lines of a table. */
export function renderEntries(entries: readonly OutboxEntry[], now: number): string {
  const head = ['BATCH', 'POOL', 'DATASET', 'STATE', 'SLOTS', 'AGE', 'SIZE', 'ATTEMPTS', 'REASON']
  const lines = entries.map((e) => [
    e.id,
    e.pool,
    e.dataset,
    e.state,
    `${formatTime(e.from)} to ${formatTime(e.until)}`,
    formatAge(now - e.sealed_at),
    formatBytes(e.size),
    String(e.attempts),
    e.reason === null ? '' : `${e.message ?? ''} (${e.reason})`.trimStart(),
  ])
  return table([head, ...lines])
}
