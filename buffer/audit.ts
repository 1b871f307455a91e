import { type AuditEvent, type AuditHead, encodeLeaf, GENESIS, hashLeaf } from '../core/audit.ts'
import type { Db } from './database.ts'

/**
 * The transparency log: a chain of leaves, each with the hash of the one before (docs/audit.md). Leaves are written in the
 * transaction of what they tell, which callers bring.
 */
export interface Audit {
  /** @param from place of the leaf, where those before it were lost */
  append(event: AuditEvent, at: number, from?: number): void
  head(): AuditHead
  /** Texts of leaves from place `from` on, in order. */
  leaves(from: number, limit: number): readonly string[]
  /** Hash of the leaf at a place, or undefined where it is not here. */
  hashAt(n: number): string | undefined
  addCheckpoint(size: number, text: string): void
  /** Texts of checkpoints of more than `size` leaves, in order. */
  checkpoints(size: number, limit: number): readonly string[]
  /** Leaves under the newest checkpoint. */
  signedSize(): number
  /** Gives up the oldest leaves where there are more than `most`; the log says so itself. */
  prune(most: number, at: number): void
}

/** A row for every 10 kB of `max_size` (bytes): leaves take at most about a tenth of the file. */
export function mostLeaves(max_size: number): number {
  return Math.ceil(max_size / 10_000)
}
/** What is left of the bound once it was reached, so that not every leaf gives one up. */
const KEPT = 0.9

/** So many leaves are left whenever older ones were given up. @param most the bound */
export function fewestLeaves(most: number): number {
  return Math.floor(most * KEPT)
}

export function makeAudit(db: Db): Audit {
  type Row = { readonly n: number; readonly leaf: string }
  const last = db.prepare<[], Row>('SELECT n, leaf FROM audit ORDER BY n DESC LIMIT 1')
  const first = db.prepare<[number], Row>('SELECT n, leaf FROM audit WHERE n >= ? ORDER BY n LIMIT 1')
  const at = db.prepare<[number], string>('SELECT leaf FROM audit WHERE n = ?').pluck()
  const add = db.prepare('INSERT INTO audit VALUES (?, ?)')
  const leaves = db.prepare<[number, number], string>('SELECT leaf FROM audit WHERE n >= ? ORDER BY n LIMIT ?').pluck()
  const forget = db.prepare('DELETE FROM audit WHERE n < ?')
  const addCheckpoint = db.prepare('INSERT OR IGNORE INTO checkpoint VALUES (?, ?)')
  const checkpoints = db
    .prepare<[number, number], string>('SELECT text FROM checkpoint WHERE size > ? ORDER BY size LIMIT ?')
    .pluck()
  const signed = db.prepare<[], number | null>('SELECT max(size) FROM checkpoint').pluck()
  const forgetCheckpoints = db.prepare('DELETE FROM checkpoint WHERE size < ?')

  function head(): AuditHead {
    const row = last.get()
    return row ? { size: row.n + 1, hash: hashLeaf(row.leaf) } : { size: 0, hash: GENESIS }
  }

  function append(event: AuditEvent, time: number, from = 0): void {
    const { size, hash } = head()
    const n = Math.max(size, from)
    add.run(n, encodeLeaf(event, { n, at: time, prev: hash }))
  }

  return {
    append,
    head,
    leaves: (from, limit) => leaves.all(from, limit),
    hashAt(n) {
      const leaf = at.get(n)
      return leaf === undefined ? undefined : hashLeaf(leaf)
    },
    addCheckpoint(size, text) {
      addCheckpoint.run(size, text)
    },
    checkpoints: (size, limit) => checkpoints.all(size, limit),
    signedSize: () => signed.get() ?? 0,
    prune(most, time) {
      const oldest = first.get(0)
      if (!oldest || head().size - oldest.n <= most) return
      const before = first.get(head().size - fewestLeaves(most))
      if (!before) return
      const { prev } = JSON.parse(before.leaf) as { readonly prev: string }
      forget.run(before.n)
      forgetCheckpoints.run(before.n)
      append({ kind: 'given_up', before: before.n, hash: prev }, time)
    },
  }
}
