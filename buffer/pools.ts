import { z } from 'zod'
import { type UnixMs, unixMs } from '../core/brand.ts'
import type { LedgerEntry } from '../core/ledger.ts'
import type { Db } from './database.ts'

export interface PoolRow {
  readonly id: number
  readonly name: string
  /** raw sequence at which its accounts begin */
  readonly start_seq: number
  /** its cursor */
  readonly raw_seq: number
  readonly sealed_until: Readonly<Record<string, UnixMs>>
  /** when its stream began */
  readonly memory: string | null
  readonly policy: string | null
  /** the last thing that the log says of its gate, as JSON */
  readonly gate: string | null
  readonly since: UnixMs
  /** set where that was under a clock that was not trusted: it began with the first block from here on whose time is known */
  readonly since_position: number | null
  /** batches sealed so far */
  readonly sealed: number
  readonly delivered_at: number | null
  /** delivered batches whose rows are gone */
  readonly pruned_delivered: number
  /** raw sequence at which the accounts of a retired pool end; null where it is configured */
  readonly end_seq: number | null
  readonly retired_at: number | null
  /** since when the plant has left it; null: it has not */
  readonly withdrawn_at: number | null
  /** how often it joined again */
  readonly joins: number | null
}

/** Cursors, accounts (`UNKNOWN_SIGNAL` where damage hides which) and batch numbers of the pools. Callers bring the transaction. */
export interface Pools {
  all(): readonly PoolRow[]
  find(name: string): PoolRow | undefined
  create(pool: Pick<PoolRow, 'name' | 'start_seq' | 'raw_seq' | 'sealed_until' | 'since'>): PoolRow
  /** Lowest cursor of those configured, or `otherwise` where there is none. */
  lowestCursor(otherwise: number): number
  /** Sequences that retired pools still wait for; undefined where they wait for none. */
  heldByRetired(): { readonly from: number; readonly until: number } | undefined
  retire(pool: number, end_seq: number): void
  /** Its stream began at `since`, which is known by now, or (null) with the first block from a position on. */
  setSince(pool: number, since: number, position: number | null): void
  revive(pool: number, seqs: Pick<PoolRow, 'start_seq' | 'raw_seq'>): void
  setWithdrawn(pool: number, at: number): void
  /** The plant takes part again, in a new stream that begins at `since`. */
  join(pool: number, since: number): void
  setJoins(pool: number, joins: number): void
  /** The retired pools that have no time yet are retired since `at`. */
  stampRetired(at: number): void
  moveCursor(pool: number, raw_seq: number, sealed_until?: Readonly<Record<string, UnixMs>>): void
  /** Keeps these with the cursor. */
  setMemory(pool: number, memory: string | null): void
  setPolicy(pool: number, policy: string): void
  setGate(pool: number, gate: string): void
  account(pool: number, entries: Iterable<LedgerEntry>): void
  ledger(pool: number): readonly LedgerEntry[]
  forgetLedger(pool: number): void
  /** What is known of a pool after a salvage; its name and retirement stay. */
  put(
    pool: Omit<
      PoolRow,
      'name' | 'withdrawn_at' | 'joins' | 'end_seq' | 'retired_at' | 'delivered_at' | 'pruned_delivered'
    >,
  ): void
  /** All streams end: batch numbers start anew, and only slots from `since` on are sealed. */
  startStreams(since: number): void
  nextNumber(pool: number, dataset: string, epoch: number): number | undefined
  setNextNumber(pool: number, dataset: string, epoch: number, next: number): void
  /** Newest epoch a dataset was sealed in, and the number after its last batch. */
  newestNumber(pool: number, dataset: string): { readonly epoch: number; readonly next: number } | undefined
}

const sealedUntil = z.record(z.string(), z.number().transform(unixMs))

export function makePools(db: Db): Pools {
  type Stored = Omit<PoolRow, 'sealed_until' | 'since'> & { readonly sealed_until: string; readonly since: number }
  const all = db.prepare<[], Stored>('SELECT * FROM pool ORDER BY id')
  const find = db.prepare<[string], Stored>('SELECT * FROM pool WHERE name = ?')
  const create = db.prepare('INSERT INTO pool (name, start_seq, raw_seq, sealed_until, since) VALUES (?, ?, ?, ?, ?)')
  const lowest = db.prepare<[], number | null>('SELECT min(raw_seq) FROM pool WHERE end_seq IS NULL').pluck()
  const held = db.prepare<[], { from: number | null; until: number }>(
    'SELECT min(raw_seq) AS "from", max(end_seq) AS until FROM pool WHERE raw_seq < end_seq',
  )
  const retire = db.prepare('UPDATE pool SET end_seq = ? WHERE id = ?')
  const revive = db.prepare(
    'UPDATE pool SET end_seq = NULL, retired_at = NULL, start_seq = ?, raw_seq = ? WHERE id = ?',
  )
  const setSince = db.prepare(
    // Charges that were lost at that time are lost up to it.
    'UPDATE pool SET since = $since, since_position = $position, counted_from = max(counted_from, $since) WHERE id = $pool',
  )
  const setMemory = db.prepare('UPDATE pool SET memory = ? WHERE id = ?')
  const setPolicy = db.prepare('UPDATE pool SET policy = ? WHERE id = ?')
  const setWithdrawn = db.prepare('UPDATE pool SET withdrawn_at = ? WHERE id = ?')
  const join = db.prepare(
    `UPDATE pool SET withdrawn_at = NULL, joins = coalesce(joins, 0) + 1, since = ?, since_position = NULL, memory = NULL,
       sealed_until = '{}' WHERE id = ?`,
  )
  const setJoins = db.prepare('UPDATE pool SET joins = ? WHERE id = ?')
  const forgetNumbersOf = db.prepare('DELETE FROM sequence WHERE pool = ?')
  const setGate = db.prepare('UPDATE pool SET gate = ? WHERE id = ?')
  const stamp = db.prepare('UPDATE pool SET retired_at = ? WHERE end_seq IS NOT NULL AND retired_at IS NULL')
  const moveRaw = db.prepare('UPDATE pool SET raw_seq = ? WHERE id = ?')
  const move = db.prepare('UPDATE pool SET raw_seq = ?, sealed_until = ? WHERE id = ?')
  const account = db.prepare('INSERT INTO ledger VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n')
  const ledger = db.prepare<[number], LedgerEntry>('SELECT signal, account, reason, n FROM ledger WHERE pool = ?')
  const forgetLedger = db.prepare('DELETE FROM ledger WHERE pool = ?')
  const put = db.prepare(
    `UPDATE pool SET start_seq = $start_seq, raw_seq = $raw_seq, sealed_until = $sealed_until, since = $since,
       since_position = $since_position, sealed = $sealed WHERE id = $id`,
  )
  const forgetNumbers = db.prepare('DELETE FROM sequence')
  const restart = db.prepare("UPDATE pool SET since = ?, since_position = NULL, memory = NULL, sealed_until = '{}'")
  const number = db
    .prepare<[number, string, number], number>('SELECT next FROM sequence WHERE pool = ? AND dataset = ? AND epoch = ?')
    .pluck()
  const setNumber = db.prepare(
    'INSERT INTO sequence VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET next = excluded.next',
  )
  const newest = db.prepare<[number, string], { epoch: number; next: number }>(
    'SELECT epoch, next FROM sequence WHERE pool = ? AND dataset = ? ORDER BY epoch DESC LIMIT 1',
  )

  const rowOf = (stored: Stored): PoolRow => ({
    ...stored,
    since: unixMs(stored.since),
    sealed_until: sealedUntil.parse(JSON.parse(stored.sealed_until)),
  })
  const findRow = (name: string): PoolRow | undefined => {
    const stored = find.get(name)
    return stored && rowOf(stored)
  }

  return {
    all: () => all.all().map(rowOf),
    find: findRow,
    create(pool) {
      create.run(pool.name, pool.start_seq, pool.raw_seq, JSON.stringify(pool.sealed_until), pool.since)
      return findRow(pool.name)!
    },
    lowestCursor: (otherwise) => lowest.get() ?? otherwise,
    heldByRetired() {
      const { from, until } = held.get()!
      return from === null ? undefined : { from, until }
    },
    retire(pool, end_seq) {
      retire.run(end_seq, pool)
    },
    setSince(pool, since, position) {
      setSince.run({ since, position, pool })
    },
    revive(pool, { start_seq, raw_seq }) {
      revive.run(start_seq, raw_seq, pool)
    },
    setWithdrawn(pool, at) {
      setWithdrawn.run(at, pool)
    },
    join(pool, since) {
      join.run(since, pool)
      forgetNumbersOf.run(pool)
    },
    setJoins(pool, joins) {
      setJoins.run(joins, pool)
    },
    stampRetired(at) {
      stamp.run(at)
    },
    moveCursor(pool, raw_seq, sealed_until) {
      if (sealed_until) move.run(raw_seq, JSON.stringify(sealed_until), pool)
      else moveRaw.run(raw_seq, pool)
    },
    setMemory(pool, memory) {
      setMemory.run(memory, pool)
    },
    setPolicy(pool, policy) {
      setPolicy.run(policy, pool)
    },
    setGate(pool, gate) {
      setGate.run(gate, pool)
    },
    account(pool, entries) {
      for (const entry of entries) account.run(pool, entry.signal, entry.account, entry.reason, entry.n)
    },
    ledger: (pool) => ledger.all(pool),
    forgetLedger(pool) {
      forgetLedger.run(pool)
    },
    put(pool) {
      put.run({ ...pool, sealed_until: JSON.stringify(pool.sealed_until) })
    },
    startStreams(since) {
      forgetNumbers.run()
      restart.run(since)
    },
    nextNumber: (pool, dataset, epoch) => number.get(pool, dataset, epoch),
    setNextNumber(pool, dataset, epoch, next) {
      setNumber.run(pool, dataset, epoch, next)
    },
    newestNumber: (pool, dataset) => newest.get(pool, dataset),
  }
}
