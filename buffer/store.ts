import { rawSeq, type UnixMs } from '../core/brand.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import type { SignalSpec } from '../core/signal.ts'
import { makeAuditStore } from './audit-store.ts'
import { makeBatchStore } from './batch-store.ts'
import { beginRun, type Downtime, endDowntime } from './begin-run.ts'
import { encodeChunk } from './chunk.ts'
import { damage, databasePath, faultOf, isDamage } from './database.ts'
import { isOutOfRoom, makeFreeDisk } from './free-disk.ts'
import { gather } from './gather.ts'
import { loseBlock } from './give-up.ts'
import { makeGivingWay } from './give-way.ts'
import { type HighWater, machineFingerprint, markDrawn, markPublished, writeHighWater } from './high-water.ts'
import { answer } from './look.ts'
import { allowedBytes, claimedOf, makeRoomForBatch } from './make-room.ts'
import { openTables } from './open-tables.ts'
import { makePoolEnds, streamSecret } from './pool-ends.ts'
import type { PoolRow } from './pools.ts'
import type { PoolState, Store, StoreOptions } from './port.ts'
import { publish } from './publication.ts'
import type { ChunkRow } from './raw-log.ts'
import { markOf } from './recover.ts'
import { lastTrusted, restamp, streamSince } from './restamp.ts'
import { revivePool } from './retire.ts'
import { fitsNeighbours } from './soundness.ts'
import { statusOf } from './status.ts'
import { nextNumber, type ThisRun } from './streams.ts'
import type { Tables } from './tables.ts'
import { tidyTables } from './tidy.ts'

const MINUTE = 60_000
/** Blocks stamped anew in one transaction, so that a commit never waits long for it. */
const STAMPED = 16

/**
 * Opens the store of a data folder, alone. A damaged file is set aside and salvaged, a foreign or newer one set aside; a
 * database behind its high-water file or from another machine is squared with it. What was lost then stands in the ledger
 * and in an alarm.
 * @throws Fault `store-locked` | `store-io` | `store-full`
 */
export function openStore(options: StoreOptions): Store {
  const { data_dir, max_size, log, min_free = 0, free } = options
  const path = databasePath(data_dir)
  const disk = makeFreeDisk({ data_dir, max_size, min_free, free })
  const machine = options.machine === undefined ? machineFingerprint() : options.machine
  let present: UnixMs = options.now
  let mark: HighWater | undefined
  let isMarkDue = true
  let isMarkRefused = false
  let markedAt = Number.NEGATIVE_INFINITY
  let isDamaged = false
  /** a new stream began under the publishers of this run */
  let isRenewed = false
  /** when the run before was last heard of, where no block can say */
  let heardBefore: number | undefined
  let down: Downtime | undefined
  let isClosed = false
  let isStampDue = true
  let tables: Tables | undefined
  /** the dictionary of this run, whose indexes callers hold */
  let known: readonly SignalSpec[] = []

  function open(): Tables {
    const opened = openTables({ ...options, min_free, now: present, machine, mark, known, isDamaged })
    mark = opened.mark
    heardBefore = opened.heard
    isRenewed = isDamaged
    isDamaged = false
    // What is sent next waits until it is written; a full disk keeps nobody from opening.
    isMarkDue = true
    trySaveMark()
    return opened.tables
  }

  function saveMark(): void {
    if (!mark) return
    markedAt = present
    writeHighWater(data_dir, { ...mark, at: present, audit: tables?.audit.head() ?? mark.audit })
    isMarkDue = false
  }

  function trySaveMark(): void {
    try {
      saveMark()
      isMarkRefused = false
    } catch (error) {
      if (!isMarkRefused) log.warn({ err: error }, 'the high-water file could not be written; it is tried again')
      isMarkRefused = true
    }
  }

  /** Opens what an error closed; once more without the ballast on a full disk, and after what is damaged was set aside. */
  function attempt<T>(act: (tables: Tables) => T): T {
    try {
      tables ??= open()
      return act(tables)
    } catch (error) {
      if (isDamage(error) && tables) {
        log.warn({ err: error }, 'the file is damaged')
        isDamaged = true
        abandon()
      } else if (isOutOfRoom(error) && disk.dropBallast()) {
        log.warn({}, 'the disk is full: the ballast makes room')
      } else throw error
      tables ??= open()
      return act(tables)
    }
  }

  /** Every call goes through here, and says what the disk did in one word. */
  function use<T>(act: (tables: Tables) => T): T {
    if (isClosed) throw new Error('the store is closed')
    try {
      return attempt(act)
    } catch (error) {
      const fault = faultOf(error, path)
      if (!fault) throw error
      isDamaged ||= isDamage(error)
      if (fault.code === 'store-io') abandon()
      throw fault
    }
  }

  /** After an I/O error nothing in memory is believed. */
  function abandon(): void {
    known = tables?.dictionary.signals ?? known
    try {
      tables?.db.close()
    } catch (error) {
      log.warn({ err: error }, 'the file did not close cleanly')
    }
    tables = undefined
  }

  /** Raises an alarm within a transaction; logged only when it is new. */
  function alarm(t: Tables, key: string, code: FaultCode, message: string): void {
    if (t.journal.raise({ key, code, message, at: present })) log.error({ code }, message)
  }

  const givingWay = makeGivingWay(options, disk, alarm)

  function lose(t: Tables, row: ChunkRow) {
    if (!fitsNeighbours(t, row, mark?.raw_seq)) throw damage('a block is damaged, and so is what stands beside it')
    t.db.transaction(() => {
      loseBlock(t, row)
      alarm(t, 'store:damaged', 'store-damaged', 'stored blocks are damaged; their readings are counted as evicted')
    })()
    log.warn({ position: row.position, readings: row.n }, 'a stored block is damaged')
    return t.log.read(t.log.rows(row.position, 1)[0]!)!
  }

  function createPool(t: Tables, name: string): PoolRow {
    const seq = t.log.nextSeq()
    const row = t.db.transaction(() =>
      t.pools.create({ name, start_seq: seq, raw_seq: seq, sealed_until: {}, since: present }),
    )()
    mark = { ...mark!, pools: { ...mark!.pools, [name]: { cursor: seq, datasets: {} } } }
    return row
  }

  function poolState(t: Tables, pool: string, sane: boolean): PoolState {
    const known = t.pools.find(pool)
    const began = known ? options.now : present
    const row = known ? t.db.transaction(() => revivePool(t, known))() : createPool(t, pool)
    if (known && known.end_seq !== null) mark = markOf(t, mark!.machine, mark)
    return {
      cursor: { raw_seq: rawSeq(row.raw_seq), sealed_until: row.sealed_until, memory: row.memory ?? undefined },
      policy: row.policy,
      end_seq: rawSeq(t.log.nextSeq()),
      stream_secret: streamSecret(t, row),
      stream_since: t.db.transaction(() => streamSince(t, row, !sane && row.since === began))(),
    }
  }

  const run: ThisRun = { position: use((t) => t.log.nextPosition()), sealed: new Set(), isRenewed: false }

  return {
    startRun(sources, now) {
      present = now
      return use((t) => {
        down = t.db.transaction(() => beginRun(t, sources, { boot: options.boot, heard: heardBefore, now }))()
        return { instance: t.meta.get('instance')!, last_trusted: lastTrusted(t, options.boot) }
      })
    },
    intern: (specs) => use((t) => t.dictionary.internSignals(specs)),
    signal: (index) => use((t) => t.dictionary.signal(index)),

    append(commit) {
      present = commit.arrival
      return use((t) => {
        const content = gather(commit.blocks, t.dictionary.internFeeds)
        for (const signal of content.block.signals) t.dictionary.signal(signal)
        const data = encodeChunk(content)
        const boot = t.dictionary.internBoot(options.boot)
        const { arrival, monotonic } = commit
        down &&= { begun: monotonic, ...down }
        const stored = t.db.transaction(() => {
          const before = t.log.last()
          const { evicted, fits } = givingWay.before(t, commit, data.length)
          if (!fits) return undefined
          const head = t.log.add(content, data, { arrival, monotonic, boot, sane: commit.sane ? 1 : 0 })
          t.boots.note(before, head)
          if (down && commit.sane) endDowntime(t, down, commit)
          for (const entry of commit.marks) t.journal.mark(entry)
          for (const { source, note } of commit.outages) t.journal.note(source, note)
          for (const count of commit.counts) t.journal.count(count)
          for (const { source, key, value } of commit.memos ?? []) t.journal.setMemo(source, key, value)
          const anew = isRenewed ? t.pools.all().map(({ name }) => name) : [...evicted]
          return { seq: rawSeq(head.seq), n: head.n, evicted: anew }
        })()
        if (!stored) throw new Fault('store-paused', { file: path }, 'the buffer is full of readings nobody took yet')
        isStampDue ||= !commit.sane
        if (commit.sane) down = undefined
        isRenewed = false
        mark = { ...mark!, raw_seq: stored.seq + stored.n }
        if (Math.abs(arrival - markedAt) >= MINUTE) trySaveMark()
        return stored
      })
    },
    marks: (session, after = 0) => use((t) => t.journal.marks(session, after)),
    dropMarks: (prefix, session) => use((t) => t.journal.dropMarks(prefix, session)),

    memo: (source, key) => use((t) => t.journal.memo(source, key)),
    setMemo: (source, key, value) => use((t) => t.journal.setMemo(source, key, value)),
    memos: (source, prefix) => use((t) => t.journal.memos(source, prefix)),
    dropMemos: (source, prefix) => use((t) => t.journal.dropMemos(source, prefix)),

    ...makePoolEnds(use, (t) => {
      mark = markOf(t, mark!.machine, mark)
      isMarkDue = true
      trySaveMark()
    }),
    openPool: (pool, sane = true) => use((t) => poolState(t, pool, sane)),
    noise: (pool) => use((t) => t.charges.state(t.pools.find(pool)!.id, mark!.pools[pool]?.drawn)),
    notePolicy: (pool, policy) =>
      use((t) => t.db.transaction(() => t.pools.setPolicy(t.pools.find(pool)!.id, policy))()),
    blocks: (position, limit) => use((t) => t.log.rows(position, limit).map((row) => t.log.read(row) ?? lose(t, row))),
    restamp() {
      if (!isStampDue) return false
      return use((t) => {
        const more = t.db.transaction(() => restamp(t, STAMPED, options.max_skew ?? 0, (row) => lose(t, row)))()
        // While the clock is not trusted nothing is due, and blocks wait.
        isStampDue = more || t.log.last()?.sane === 0
        return more
      })
    },
    positionOf: (seq) => use((t) => t.log.positionOf(seq)),
    nextSeq(pool, dataset, epoch) {
      return use((t) => {
        const row = t.pools.find(pool)
        if (!row) throw new Error(`pool ${pool} was never opened`)
        return nextNumber(t, row, dataset, epoch)
      })
    },
    commitPublication(publication) {
      use((t) => {
        const { batch, noise } = publication
        if (batch && noise) {
          mark = markDrawn(mark!, batch)
          saveMark() // first: what is drawn and not committed, or lost, is not drawn again
        }
        t.db.transaction(() =>
          publish(t, publication, present, (bytes) => makeRoomForBatch(t, bytes, allowedBytes(t.db, disk))),
        )()
        mark = markPublished(mark!, publication)
        if (!batch) return
        run.sealed.add(batch.id)
        isMarkDue = true
        trySaveMark()
      })
    },
    ...makeBatchStore(use, run, {
      beforeHandingOut() {
        // What was once sent must never be unknown to the file, or a rolled-back folder would seal it anew.
        if (isMarkDue) saveMark()
      },
      onRenewed(t) {
        mark = markOf(t, mark!.machine, mark)
        isMarkDue = true
      },
    }),
    ...makeAuditStore(use),
    raiseAlarm: (raised) => use((t) => void t.db.transaction(() => t.journal.raise(raised))()),
    clearAlarm: (key, at) => use((t) => t.journal.clear(key, at)),

    tidy(now) {
      present = now
      use((t) => tidyTables(t, now, options, disk))
    },
    claimed: () => use((t) => claimedOf(t, allowedBytes(t.db, disk))),
    status: (now) => use((t) => statusOf(t, data_dir, now, free)),
    look: (question) => use((t) => answer(t, data_dir, question)),
    [Symbol.dispose]() {
      if (isClosed) return
      trySaveMark()
      abandon()
      isClosed = true
    },
  }
}
