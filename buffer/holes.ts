import type { Db } from './database.ts'

/** Sequences that no block holds any more. Callers bring the transaction. */
export interface Holes {
  add(range: { readonly seq: number; readonly n: number }): void
  /** How many of the sequences from `from` up to `to` are in one. */
  within(from: number, to: number): number
  /** Forgets those that end before this one. */
  forget(before: number): void
}

export function makeHoles(db: Db): Holes {
  type Range = { readonly seq: number; readonly n: number }
  const growLast = db.prepare<Range>(
    'UPDATE hole SET n = n + $n WHERE seq = (SELECT max(seq) FROM hole WHERE seq < $seq) AND seq + n = $seq',
  )
  const growNext = db.prepare<Range>('UPDATE hole SET seq = $seq, n = n + $n WHERE seq = $seq + $n')
  const insert = db.prepare('INSERT INTO hole VALUES (?, ?)')
  const within = db
    .prepare<[{ from: number; to: number }], number>(
      'SELECT total(min(seq + n, $to) - max(seq, $from)) FROM hole WHERE seq < $to AND seq + n > $from',
    )
    .pluck()
  const remove = db.prepare('DELETE FROM hole WHERE seq + n <= ?')

  return {
    add(range) {
      if (range.n === 0 || growLast.run(range).changes > 0 || growNext.run(range).changes > 0) return
      insert.run(range.seq, range.n)
    },
    within: (from, to) => within.get({ from, to })!,
    forget(before) {
      remove.run(before)
    },
  }
}
