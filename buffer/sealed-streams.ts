import type { SealedBatch } from '../core/batch.ts'
import type { Db } from './database.ts'
import type { SealedStream } from './pool-end-port.ts'

/** Every stream that batches were sealed in, for as long as the pool may have some of them. Callers bring the transaction. */
export interface Streams {
  note(pool: number, batch: Pick<SealedBatch, 'dataset' | 'contributor' | 'stream' | 'epoch' | 'seq'>): void
  all(pool: number): readonly SealedStream[]
  setReceipt(pool: number, stream: string, receipt: string): void
}

export function makeStreams(db: Db): Streams {
  const note = db.prepare(
    `INSERT INTO stream VALUES (?, ?, ?, ?, ?, ?, ?, NULL)
     ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)`,
  )
  type Row = Omit<SealedStream, 'datasets' | 'receipt'> &
    SealedStream['datasets'][number] & { readonly receipt: string | null }
  const all = db.prepare<[number], Row>(
    `SELECT stream, epoch, contributor, dataset, first, last, receipt FROM stream WHERE pool = ? ORDER BY epoch, stream, dataset`,
  )
  const setReceipt = db.prepare('UPDATE stream SET receipt = ? WHERE pool = ? AND stream = ?')
  return {
    note(pool, { dataset, contributor, stream, epoch, seq }) {
      note.run(pool, dataset, stream, epoch, contributor, seq, seq)
    },
    all: (pool) =>
      [...Map.groupBy(all.all(pool), ({ stream }) => stream).values()].map((rows) => {
        const [{ stream, epoch, contributor }] = rows as [Row]
        const datasets = rows.map(({ dataset, first, last }) => ({ dataset, first, last }))
        // A dataset that was sealed since the receipt is not in it.
        const receipt = rows.every((row) => row.receipt !== null) ? JSON.parse(rows[0]!.receipt!) : null
        return { stream, epoch, contributor, datasets, receipt }
      }),
    setReceipt(pool, stream, receipt) {
      setReceipt.run(receipt, pool, stream)
    },
  }
}
