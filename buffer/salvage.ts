import { closeSync, fsyncSync, openSync, rmSync, statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { z } from 'zod'
import { BATCH_STATES } from '../core/batch.ts'
import { canonicalJson } from '../core/encoding.ts'
import { ACCOUNTS } from '../core/ledger.ts'
import type { SignalSpec } from '../core/signal.ts'
import type { Cell } from './b-tree.ts'
import { hasDigest } from './batch-store.ts'
import { decodeChunk } from './chunk.ts'
import { copyRows, makeCopy } from './copy-rows.ts'
import { type Db, layOut, migrate } from './database.ts'
import { UNKNOWN_SIGNAL } from './dictionary.ts'
import { closeGaps, type Gap } from './gaps.ts'
import { MIGRATIONS } from './migrations.ts'
import { type ChunkHead, type ChunkRow, checksum } from './raw-log.ts'
import { openWreck, type Row, type Wreck } from './wreck.ts'

const salvaged = z.object({
  /** blocks and readings that were taken over */
  blocks: z.number(),
  readings: z.number(),
  /** readings that are missing between blocks */
  missing: z.number(),
  /** batches whose bytes are damaged */
  batches: z.number(),
  /** arrival of the newest block, UnixMs; null where there is none */
  newest: z.number().nullable(),
  /** no block seems to be missing anywhere */
  whole: z.boolean(),
})

/** What a salvage took over, and what it knows to be lost. */
export type Salvaged = Readonly<z.infer<typeof salvaged>>

/** What the salvage noted that made this file. @throws ZodError */
export function readNote(text: string): Salvaged {
  return salvaged.parse(JSON.parse(text))
}

/** Bytes that are written before they are brought to the disk, which must not take long at the end. */
const SYNCED = 32e6

/** Told now and then how far a salvage has come (bytes of blocks taken over) in a file of so many bytes. */
export type OnProgress = (done: number, all: number) => void

/** Tables that are made from others, or whose rows are looked at one by one. */
const APART = ['chunk', 'tally', 'hole', 'mark', 'meta', 'signal', 'feed', 'boot', 'pool']
/** A value of `meta` that damage must not hand on: a new stream begins, and the end of the log is found in the blocks. */
const FORGOTTEN: readonly Cell[] = ['stream_secret', 'floor_seq', 'salvage']
/** Outages for missing blocks; where there are more gaps, one says all. */
const MOST_OUTAGES = 20

/**
 * Makes a fresh file of what can be read in a damaged one, which stays as it is: blocks whose checksum is right, with their
 * sequences and positions; the dictionary; batches whose bytes have their digest; cursors, accounts and records as they are
 * read. Squaring the accounts is left to the opening (`recover.ts`). The file is whole on the disk when this returns.
 * @param options.now UnixMs
 * @param options.room bytes there are for it; where they do not suffice, the newest blocks are taken
 * @param options.known rows of the dictionary that the process holds, by index
 */
export function salvage(
  from: string,
  to: string,
  options: {
    readonly now: number
    readonly room: number
    readonly known: readonly SignalSpec[]
    readonly onProgress?: OnProgress | undefined
  },
): Salvaged {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(to + suffix, { force: true })
  const all = statSync(from, { throwIfNoEntry: false })?.size ?? 0
  let done = 0
  using wreck = openWreck(from, () => options.onProgress?.(done, all))
  // Closed after the database, because that gives up every lock that this process has on the file.
  const fd = openSync(to, 'wx', 0o600)
  try {
    const db = new Database(to)
    try {
      layOut(db)
      db.pragma('journal_mode = OFF')
      db.pragma('synchronous = OFF')
      migrate(db, MIGRATIONS.slice(0, wreck.version))
      return db.transaction(() =>
        fill(db, wreck, options, (bytes) => {
          if (Math.floor((done + bytes) / SYNCED) > Math.floor(done / SYNCED)) fsyncSync(fd)
          done += bytes
        }),
      )()
    } finally {
      db.close()
      fsyncSync(fd)
    }
  } finally {
    closeSync(fd)
  }
}

/** @param copied told of each block that was taken over */
function fill(
  db: Db,
  wreck: Wreck,
  { now, room, known }: Parameters<typeof salvage>[2],
  copied: (bytes: number) => void,
): Salvaged {
  const { blocks, gaps, newest, damaged } = copyBlocks(db, wreck, room, copied)
  for (const table of wreck.tables.filter((name) => !APART.includes(name))) copyRows(db, table, wreck.rows(table))
  copyRows(
    db,
    'meta',
    wreck.rows('meta').filter(({ key }) => !FORGOTTEN.includes(key!)),
  )
  // Of some the index has the name alone: the opening finds the rest, and a batch knows its pool.
  const unknown = { start_seq: 0, raw_seq: -1 }
  const pools = wreck
    .rows('pool')
    .map((row) => ({ ...unknown, ...row, sealed_until: '{}', since: Number.isFinite(row.since) ? row.since! : now }))
  copyRows(db, 'pool', pools)
  const ofPools = db.prepare<[], string>(
    "SELECT t.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c WHERE c.name = 'pool' AND t.name <> 'pool'",
  )
  for (const table of ofPools.pluck().all()) {
    db.prepare(`DELETE FROM ${table} WHERE pool NOT IN (SELECT id FROM pool)`).run()
  }
  copyDictionary(db, wreck, known)
  db.prepare(
    `DELETE FROM ledger WHERE account NOT IN (${ACCOUNTS.map((account) => `'${account}'`)}) OR n < 0
     OR (signal <> ${UNKNOWN_SIGNAL} AND signal NOT IN (SELECT id FROM signal))`,
  ).run()
  const missing = gaps.reduce((sum, { lost }) => sum + lost, 0)
  const whole = !damaged && missing === 0 && !wreck.isTorn('chunk')
  // A mark without its readings would drop what the broker sends again; without the mark it is at worst stored twice.
  if (whole && !wreck.isTorn('mark')) copyRows(db, 'mark', wreck.rows('mark'))
  const batches = checkBatches(db, now)
  closeGaps(db, gaps)
  recordOutages(db, gaps, whole ? undefined : newest, now)
  const readings = db.prepare<[], number>('SELECT total(n) FROM chunk').pluck().get()!
  const found = { blocks, readings, missing, batches, newest: newest ?? null, whole }
  copyRows(db, 'meta', [{ key: 'salvage', value: JSON.stringify(found) }])
  return found
}

/** Takes over the blocks whose checksum is right, in their order. */
function copyBlocks(db: Db, wreck: Wreck, room: number, copied: (bytes: number) => void) {
  const copy = makeCopy(db, 'chunk')
  const gaps: Gap[] = []
  const lossBetween = makeLoss([...wreck.rows('hole')])
  let last: ChunkHead | undefined
  let blocks = 0
  let damaged = false
  for (const row of wreck.chunks(room)) {
    const chunk = row && chunkOf(row)
    if (!chunk || checksum(chunk, chunk.data) !== chunk.crc) {
      damaged = true
      continue
    }
    // A copy that an earlier use of the page left behind.
    if (last && (chunk.position <= last.position || chunk.seq < last.seq + last.n)) continue
    copy(row!)
    copied(chunk.data.length)
    if (last && (chunk.position > last.position + 1 || chunk.seq > last.seq + last.n)) {
      gaps.push({ after: last, before: chunk, lost: lossBetween(last.seq + last.n, chunk.seq) })
    }
    last = chunk
    blocks++
  }
  return { blocks, gaps, damaged, newest: last?.arrival }
}

/** Counts, for ranges in rising order, the sequences that were not known to be gone before. */
function makeLoss(holes: readonly Row[]): (from: number, to: number) => number {
  const known = holes.map(({ seq, n }) => ({ from: Number(seq), to: Number(seq) + Number(n) }))
  known.sort((a, b) => a.from - b.from)
  let at = 0
  return (from, to) => {
    let lost = to - from
    for (; at < known.length && known[at]!.from < to; at++) {
      lost -= Math.max(0, Math.min(to, known[at]!.to) - Math.max(from, known[at]!.from))
      if (known[at]!.to > to) break
    }
    return Math.max(0, lost)
  }
}

function chunkOf(row: Row): ChunkRow | undefined {
  const numbers = [row.position, row.seq, row.n, row.arrival, row.monotonic, row.boot, row.sane, row.crc]
  const fits = row.data instanceof Buffer && numbers.every((value) => typeof value === 'number')
  return fits ? (row as unknown as ChunkRow) : undefined
}

/** Indexes mean what they meant; where a row is lost, readings keep their index under a name that says so. */
function copyDictionary(db: Db, wreck: Wreck, known: readonly SignalSpec[]): void {
  const held = known.map((spec, id) => ({ id, spec: canonicalJson(spec) }))
  copyRows(db, 'signal', held)
  copyRows(
    db,
    'signal',
    wreck.rows('signal').filter(({ spec }) => isSpec(spec!)),
  )
  copyRows(db, 'feed', wreck.rows('feed'))
  copyRows(db, 'boot', wreck.rows('boot'))
  const used = highestUsed(db, wreck.isTorn('signal') || wreck.isTorn('feed'))
  fillUp(db, 'signal', used.signal, (id) => ({ id, spec: canonicalJson(lostSignal(id)) }))
  fillUp(db, 'feed', used.feed, (id) => ({ id, source: 'lost', asset: `feed-${id}` }))
  fillUp(db, 'boot', used.boot, (id) => ({ id, name: `lost-${id}` }))
}

function isSpec(text: Cell): boolean {
  try {
    const spec: unknown = JSON.parse(String(text))
    return typeof spec === 'object' && spec !== null && 'id' in spec
  } catch {
    return false // no JSON: the row is damaged
  }
}

function lostSignal(index: number): SignalSpec {
  const name = `signal-${index}`
  return { id: `lost/${name}`, asset: 'lost', name, source: 'lost', type: 'float64', cadence: { kind: 'event' } }
}

/** Highest indexes that blocks refer to; looked up in the blocks only where rows may be missing at the end. */
function highestUsed(
  db: Db,
  isTorn: boolean,
): { readonly signal: number; readonly feed: number; readonly boot: number } {
  const most = {
    signal: -1,
    feed: -1,
    boot: db.prepare<[], number | null>('SELECT max(boot) FROM chunk').pluck().get() ?? -1,
  }
  if (!isTorn) return most
  for (const data of db.prepare<[], Buffer>('SELECT data FROM chunk').pluck().iterate()) {
    const { block, complete } = decodeChunk(data)
    for (const signal of block.signals) most.signal = Math.max(most.signal, signal)
    for (const { feed } of complete) most.feed = Math.max(most.feed, feed)
  }
  return most
}

function fillUp(db: Db, table: string, used: number, rowOf: (id: number) => Row): void {
  const ids = new Set(db.prepare<[], number>(`SELECT id FROM ${table}`).pluck().all())
  // Ids are given out one after the other: one far beyond how many there are is damage.
  const sane = Math.max(used, 2 * ids.size + 1_000)
  db.prepare(`DELETE FROM ${table} WHERE id > ?`).run(sane)
  const most = ids.values().reduce((highest, id) => (id <= sane ? Math.max(highest, id) : highest), used)
  const copy = makeCopy(db, table)
  for (let id = 0; id <= most; id++) if (!ids.has(id)) copy(rowOf(id))
}

/** A batch without its exact bytes can never be sent: it is dropped, and stays in the accounts. @returns how many */
function checkBatches(db: Db, now: number): number {
  type Batch = { readonly id: number; readonly state: string; readonly sha256: string }
  const all = db.prepare<[], Batch>('SELECT id, state, sha256 FROM batch').all()
  const bytes = db.prepare<[number], Buffer | null>('SELECT bytes FROM batch WHERE id = ?').pluck()
  const drop = db.prepare(
    "UPDATE batch SET state = 'dropped', settled_at = ?, reason = 'damage', message = NULL, bytes = NULL WHERE id = ?",
  )
  const states: readonly string[] = BATCH_STATES
  const lost = all.filter(({ id, state, sha256 }) => {
    if (state === 'delivered' || state === 'dropped') return false
    return !states.includes(state) || !hasDigest(bytes.get(id) ?? null, sha256)
  })
  for (const { id } of lost) drop.run(now, id)
  return lost.length
}

/** The times in which what arrived is missing, for every source: between two blocks, and since `newest` where given. */
function recordOutages(db: Db, gaps: readonly Gap[], newest: number | undefined, now: number): void {
  const between = gaps
    .filter(({ lost }) => lost > 0)
    .map(({ after, before }) => [after.arrival, before.arrival] as const)
  const spans = newest === undefined ? between : [...between, [newest, now] as const]
  const told = spans.length > MOST_OUTAGES ? [[spans[0]![0], spans.at(-1)![1]] as const] : spans
  const insert = db.prepare(
    `INSERT INTO outage (source, device, signal, reason, from_ms, until_ms)
     SELECT DISTINCT json_extract(spec, '$.source'), NULL, NULL, 'damage', $from, max($from, $until) FROM signal`,
  )
  for (const [from, until] of told) insert.run({ from, until })
}
