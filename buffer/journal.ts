import { type UnixMs, unixMs } from '../core/brand.ts'
import type { Outage, OutageNote } from '../core/ledger.ts'
import type { Db } from './database.ts'
import type { Alarm, Commit, Count, Store } from './port.ts'

/** Outages, counts of what was never accepted, alarms, marks of broker sessions, memos of sources. Callers bring the transaction. */
export interface Journal {
  /**
   * Rows of outages are bounded (`mostOutages`); beyond that the places with the most rows give up their oldest ended ones,
   * which are counted by source. A second beginning of the same outage changes nothing; one with another
   * reason ends the first.
   */
  note(source: string, note: OutageNote): void
  /** Ends every open outage at `at`, or where it began if that is later. */
  endOutages(at: number): void
  record(outage: Outage): void
  /** The agent was down for a source; a time without length, because it is not known yet, is recorded once. */
  recordDown(source: string, from: UnixMs, until: UnixMs): void
  /** What was recorded at `noted` without length was from then to then. */
  moveDown(noted: UnixMs, from: number, until: number): void
  /** Gives up ended outages until this share of the bound is left, as far as they suffice. @returns how many it gave up */
  forgetOutages(share: number): number
  /** Open ones and those that ended since, newest first, at most 100. */
  outages(since: number): readonly Outage[]
  count(count: Count): void
  counts(): readonly Count[]
  /** Ends the key's alarm of another code. Returns a row, so a failing commit shows only where a transaction makes it. @returns whether it was not open before */
  raise(alarm: Parameters<Store['raiseAlarm']>[0]): boolean
  isOpen(key: string): boolean
  clear(key: string, at: number): void
  /** Ends open alarms of these keys that were raised before `raised`. */
  clearOlder(keys: readonly string[], raised: number, at: number): void
  alarms(since: number): readonly Alarm[]
  mark(mark: Commit['marks'][number]): void
  marks(session: string, after: number): ReturnType<Store['marks']>
  dropMarks(prefix: string, session: string): void
  memo(source: string, key: string): string | undefined
  /** null: forgets it */
  setMemo(source: string, key: string, value: string | null): void
  memos(source: string, prefix: string): ReadonlyMap<string, string>
  dropMemos(source: string, prefix: string): void
  /** Forgets outages and alarms that ended before `at`, and all but the newest ended alarms. */
  prune(at: number): void
}

/** A flapping signal begins and ends outages for ever: a row for every 10 kB of `max_size` (bytes), about a hundredth of it. */
function mostOutages(max_size: number): number {
  return Math.min(50_000, Math.ceil(max_size / 10_000))
}
/** What is left of the bound once it was reached, so that not every outage gives one up. */
const KEPT = 0.9
const MOST_ALARMS = 1_000
/** A session comes to 65,535 marks in time, which as one answer would hold up commits and take 60 MB. */
const MARKS_AT_ONCE = 1_000

export function makeJournal(db: Db, max_size: number): Journal {
  const most = mostOutages(max_size)
  /** rows of outages, at least as many as there are; unknown after a start and after some were given up */
  let rows: number | undefined

  const open = db.prepare<[string, string | null, string | null], { id: number; reason: string }>(
    'SELECT id, reason FROM outage WHERE until_ms IS NULL AND source = ? AND device IS ? AND signal IS ?',
  )
  const end = db.prepare('UPDATE outage SET until_ms = max(from_ms, ?) WHERE id = ?')
  const begin = db.prepare(
    'INSERT INTO outage (source, device, signal, reason, from_ms, until_ms) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const isDown = db
    .prepare<[string, number, number], number>(
      "SELECT 1 FROM outage WHERE source = ? AND reason = 'agent_down' AND from_ms = ? AND until_ms = ?",
    )
    .pluck()
  const moveDown = db.prepare(
    "UPDATE outage SET from_ms = $from, until_ms = $until WHERE reason = 'agent_down' AND from_ms = $noted AND until_ms = $noted",
  )
  const endAll = db.prepare('UPDATE outage SET until_ms = max(from_ms, ?) WHERE until_ms IS NULL')
  const outages = db.prepare<[number], Outage>(
    `SELECT source, device, signal, reason, from_ms AS "from", until_ms AS until FROM outage
     WHERE until_ms IS NULL OR until_ms >= ? ORDER BY from_ms DESC, id DESC LIMIT 100`,
  )
  const countOutages = db.prepare<[], number>('SELECT count(*) FROM outage').pluck()
  const forget = db
    .prepare<[number], string>(
      `DELETE FROM outage WHERE id IN (
         SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY source, device, signal ORDER BY until_ms DESC, id DESC)
           AS nth FROM outage WHERE until_ms IS NOT NULL) ORDER BY nth DESC LIMIT ?) RETURNING source`,
    )
    .pluck()
  const count = db.prepare('INSERT INTO count VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n')
  const counts = db.prepare<[], Count>('SELECT source, kind, reason, n FROM count')
  const raise = db
    .prepare<[string, string, string, number], number>(
      `INSERT INTO alarm (key, code, message, since, until, count) VALUES (?, ?, ?, ?, NULL, 1)
       ON CONFLICT (key, code) WHERE until IS NULL DO UPDATE SET count = count + 1, message = excluded.message
       RETURNING count`,
    )
    .pluck()
  const supersede = db.prepare('UPDATE alarm SET until = max(since, ?) WHERE until IS NULL AND key = ? AND code <> ?')
  const openAlarm = db.prepare<[string], number>('SELECT 1 FROM alarm WHERE until IS NULL AND key = ?').pluck()
  const clear = db.prepare('UPDATE alarm SET until = max(since, ?) WHERE until IS NULL AND key = ?')
  const clearOlder = db.prepare('UPDATE alarm SET until = max(since, ?) WHERE until IS NULL AND key = ? AND since < ?')
  const alarms = db.prepare<
    [number],
    { key: string; code: string; message: string; since: number; until: number | null; count: number }
  >(
    `SELECT key, code, message, since, until, count FROM alarm WHERE until IS NULL OR until >= ?
     ORDER BY since DESC, id DESC LIMIT 100`,
  )
  const mark = db.prepare('INSERT INTO mark VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET hash = excluded.hash')
  const marks = db.prepare<[string, number, number], { packet_id: number; hash: Buffer }>(
    'SELECT packet_id, hash FROM mark WHERE session = ? AND packet_id > ? ORDER BY packet_id LIMIT ?',
  )
  const dropMarks = db.prepare('DELETE FROM mark WHERE substr(session, 1, length(?)) = ? AND session <> ?')
  const memo = db.prepare<[string, string], string>('SELECT value FROM memo WHERE source = ? AND key = ?').pluck()
  const setMemo = db.prepare('INSERT INTO memo VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value')
  const dropMemo = db.prepare('DELETE FROM memo WHERE source = ? AND key = ?')
  const memos = db.prepare<[string, string, string], { key: string; value: string }>(
    'SELECT key, value FROM memo WHERE source = ? AND substr(key, 1, length(?)) = ?',
  )
  const dropMemos = db.prepare('DELETE FROM memo WHERE source = ? AND substr(key, 1, length(?)) = ?')
  const pruneOutages = db.prepare('DELETE FROM outage WHERE until_ms IS NOT NULL AND until_ms < ?')
  const pruneAlarms = db.prepare(
    'DELETE FROM alarm WHERE until < ? OR (until IS NOT NULL AND id <= (SELECT max(id) FROM alarm) - ?)',
  )

  function add({ source, device, signal, reason, from, until }: Outage): void {
    begin.run(source, device, signal, reason, from, until)
    rows = rows === undefined ? countOutages.get()! : rows + 1
    if (rows > most) forgetOutages(KEPT)
  }

  function forgetOutages(share: number): number {
    const excess = countOutages.get()! - Math.floor(most * share)
    if (excess <= 0) return 0
    const gone = forget.all(excess)
    for (const source of new Set(gone)) {
      count.run(source, 'forgotten', 'outage', gone.filter((other) => other === source).length)
    }
    rows = undefined
    return gone.length
  }

  return {
    note(source, note) {
      const known = open.get(source, note.device, note.signal)
      if (note.kind === 'begin' && known?.reason === note.reason) return
      if (known) end.run(note.at, known.id)
      if (note.kind === 'end') return
      const { device, signal, reason, at } = note
      add({ source, device, signal, reason, from: at, until: null })
    },
    endOutages(at) {
      endAll.run(at)
    },
    record: add,
    recordDown(source, from, until) {
      if (isDown.get(source, from, until) !== undefined) return
      add({ source, device: null, signal: null, reason: 'agent_down', from, until })
    },
    moveDown(noted, from, until) {
      moveDown.run({ noted, from, until })
    },
    forgetOutages,
    outages: (since) => outages.all(since),
    count({ source, kind, reason, n }) {
      if (n > 0) count.run(source, kind, reason, n)
    },
    counts: () => counts.all(),
    raise({ key, code, message, at }) {
      supersede.run(at, key, code)
      return raise.get(key, code, message, at) === 1
    },
    isOpen: (key) => openAlarm.get(key) !== undefined,
    clear(key, at) {
      clear.run(at, key)
    },
    clearOlder(keys, raised, at) {
      for (const key of keys) clearOlder.run(at, key, raised)
    },
    alarms: (since) =>
      alarms
        .all(since)
        .map((a) => ({ ...a, since: unixMs(a.since), until: a.until === null ? null : unixMs(a.until) })),
    mark({ session, packet_id, hash }) {
      mark.run(session, packet_id, hash)
    },
    marks: (session, after) => marks.all(session, after, MARKS_AT_ONCE),
    dropMarks(prefix, session) {
      dropMarks.run(prefix, prefix, session)
    },
    memo: (source, key) => memo.get(source, key),
    setMemo(source, key, value) {
      if (value === null) dropMemo.run(source, key)
      else setMemo.run(source, key, value)
    },
    memos: (source, prefix) => new Map(memos.all(source, prefix, prefix).map(({ key, value }) => [key, value])),
    dropMemos(source, prefix) {
      dropMemos.run(source, prefix, prefix)
    },
    prune(at) {
      pruneOutages.run(at)
      pruneAlarms.run(at, MOST_ALARMS)
    },
  }
}
