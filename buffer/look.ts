import type { AuditHead } from '../core/audit.ts'
import { unixMs } from '../core/brand.ts'
import { qualityOf } from '../core/quality.ts'
import { valueAt } from '../core/reading-block.ts'
import type { SignalSpec } from '../core/signal.ts'
import { hasDigest } from './batch-store.ts'
import { type PlainBlock, plainBlocks, type Recent, recentSpan } from './plain-block.ts'
import type { StoreStatus } from './port.ts'
import { statusOf } from './status.ts'
import type { Tables } from './tables.ts'

/**
 * What `sluice buffer`, `preview` and `audit` ask of a store, in pieces so small that a running agent is not held up.
 * Answers are plain data and change nothing.
 */
export type Question =
  | { readonly kind: 'status'; readonly now: number }
  | { readonly kind: 'signals' }
  | { readonly kind: 'survey'; readonly position: number; readonly limit: number }
  | { readonly kind: 'batches'; readonly after: number; readonly limit: number }
  | { readonly kind: 'read'; readonly position: number; readonly limit: number }
  | { readonly kind: 'recent'; readonly span: number; readonly most: number }
  | { readonly kind: 'blocks'; readonly position: number; readonly limit: number }
  | { readonly kind: 'log' }
  | { readonly kind: 'leaves'; readonly from: number; readonly limit: number }
  | { readonly kind: 'checkpoints'; readonly size: number; readonly limit: number }

export interface Answers {
  readonly status: StoreStatus
  /** the dictionary, by index */
  readonly signals: readonly SignalSpec[]
  readonly survey: Survey
  readonly batches: BatchSurvey
  readonly read: readonly ReadBlock[]
  readonly recent: Recent | null
  readonly blocks: readonly PlainBlock[]
  /** how far the transparency log has come */
  readonly log: AuditHead
  /** texts of its leaves from place `from` on, and of its checkpoints of more than `size` leaves */
  readonly leaves: readonly string[]
  readonly checkpoints: readonly string[]
}

/** What lies in some blocks, in order. */
export interface Survey {
  /** position after the last of them; null where there was none */
  readonly next: number | null
  readonly first: number | null
  readonly blocks: number
  /** ranges of sequences that can be read */
  readonly ranges: readonly (readonly [from: number, to: number])[]
  /** readings by index of the dictionary */
  readonly signals: Readonly<Record<number, number>>
  /** arrival of the oldest and newest, UnixMs */
  readonly from: number | null
  readonly until: number | null
  readonly problems: readonly string[]
}

export interface BatchSurvey {
  /** row to go on after; null where there was none */
  readonly next: number | null
  readonly batches: number
  readonly bytes: number
  readonly problems: readonly string[]
}

/** The readings of one block. */
export interface ReadBlock {
  readonly position: number
  readonly seq: number
  /** signal index, time, value (64-bit integers as decimal text), quality, reason; null: the block is damaged */
  readonly readings: readonly ReadReading[] | null
}
export type ReadReading = readonly [
  signal: number,
  at: number,
  value: number | string | boolean | null,
  quality: string,
  reason: string,
]

/** The answer of the question's kind. @param data_dir where the file lies, for its size */
export function answer(tables: Tables, data_dir: string, question: Question): Answers[Question['kind']] {
  switch (question.kind) {
    case 'status':
      return statusOf(tables, data_dir, unixMs(question.now))
    case 'signals':
      return tables.dictionary.signals
    case 'survey':
      return surveyBlocks(tables, question.position, question.limit)
    case 'batches':
      return surveyBatches(tables, question.after, question.limit)
    case 'read':
      return readBlocks(tables, question.position, question.limit)
    case 'recent':
      return recentSpan(tables, question.span, question.most)
    case 'blocks':
      return plainBlocks(tables, question.position, question.limit)
    case 'log':
      return tables.audit.head()
    case 'leaves':
      return tables.audit.leaves(question.from, question.limit)
    case 'checkpoints':
      return tables.audit.checkpoints(question.size, question.limit)
  }
}

function surveyBlocks({ log }: Tables, position: number, limit: number): Survey {
  const rows = log.rows(position, limit)
  const [before] = position > 0 ? log.rows(position - 1, 1) : []
  let last = before && before.position === position - 1 ? before : undefined
  const ranges: [number, number][] = []
  const signals: Record<number, number> = {}
  const problems: string[] = []
  for (const row of rows) {
    const where = `block ${row.position} (${new Date(row.arrival).toISOString()})`
    const block = log.read(row)
    if (!block) problems.push(`${where}: its ${row.n} readings are damaged`)
    if (last && row.position !== last.position + 1) problems.push(`${where}: follows block ${last.position}`)
    const end = last ? last.seq + last.n : row.seq
    const gap = row.seq - end
    if (gap < 0 || gap !== log.lostWithin(end, row.seq)) {
      problems.push(`${where}: begins at reading ${row.seq}, where ${end} is next`)
    }
    for (const signal of block?.block.signals ?? []) signals[signal] = (signals[signal] ?? 0) + 1
    if (block && row.n > 0) {
      const range = ranges.at(-1)
      if (range && range[1] === row.seq) range[1] += row.n
      else ranges.push([row.seq, row.seq + row.n])
    }
    last = row
  }
  const arrivals = rows.map(({ arrival }) => arrival)
  return {
    next: rows.length > 0 ? rows.at(-1)!.position + 1 : null,
    first: rows[0]?.position ?? null,
    blocks: rows.length,
    ranges,
    signals,
    from: arrivals[0] ?? null,
    until: arrivals.at(-1) ?? null,
    problems,
  }
}

function surveyBatches({ db }: Tables, after: number, limit: number): BatchSurvey {
  type Row = { id: number; batch_id: string; state: string; sha256: string; size: number; bytes: Buffer | null }
  const rows = db
    .prepare<[number, number], Row>(
      'SELECT id, batch_id, state, sha256, size, bytes FROM batch WHERE id > ? ORDER BY id LIMIT ?',
    )
    .all(after, limit)
  const problems = rows.flatMap(({ batch_id, state, sha256, bytes }) => {
    const isOpen = state === 'queued' || state === 'quarantined'
    return isOpen && !hasDigest(bytes, sha256) ? [`batch ${batch_id}: its bytes are not those that were sealed`] : []
  })
  const bytes = rows.reduce((sum, row) => sum + (row.bytes?.length ?? 0), 0)
  return { next: rows.at(-1)?.id ?? null, batches: rows.length, bytes, problems }
}

function readBlocks({ log }: Tables, position: number, limit: number): readonly ReadBlock[] {
  return log.rows(position, limit).map((row) => {
    const block = log.read(row)?.block
    if (!block) return { position: row.position, seq: row.seq, readings: null }
    const readings = Array.from(block.signals, (signal, i): ReadReading => {
      const { quality, reason } = qualityOf(block.qualities[i]!)
      const value = valueAt(block, i)
      return [signal, block.times[i]!, typeof value === 'bigint' ? String(value) : value, quality, reason]
    })
    return { position: row.position, seq: row.seq, readings }
  })
}
