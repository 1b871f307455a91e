import { randomBytes } from 'node:crypto'
import { type UnixMs, unixMs } from '../core/brand.ts'
import { base32hex } from '../core/encoding.ts'
import type { FaultCode } from '../core/fault.ts'
import type { Log } from '../core/log.ts'
import { noteLostLeaves } from './audit-loss.ts'
import { loseUpTo } from './give-up.ts'
import type { HighWater } from './high-water.ts'
import type { SetAside } from './open-database.ts'
import { leavePool } from './pool-ends.ts'
import { resume } from './resume.ts'
import { readNote, type Salvaged } from './salvage.ts'
import type { Tables } from './tables.ts'

/** Keys of the alarms about what an opening found. */
export const OPENING_ALARMS = ['store:damaged', 'store:rolled-back', 'store:moved'] as const

/** What the opening found beside the database. */
export interface Found {
  readonly mark: HighWater | undefined
  readonly machine: string | null
  /** the file that was here, and why it is not any more */
  readonly set_aside: SetAside | undefined
  readonly now: UnixMs
}

/**
 * Squares the database with its high-water file, in one transaction (POOL.md, `stream`; DESIGN §8). Doing it twice
 * changes nothing more.
 */
export function recover(tables: Tables, found: Found, log: Log): HighWater {
  const { db, meta, pools, journal, charges } = tables
  const { mark, machine, now } = found

  function alarm(key: (typeof OPENING_ALARMS)[number], code: FaultCode, message: string): void {
    journal.raise({ key, code, message, at: now })
    log.error({ code }, message)
  }

  /** Slots and numbers of `mark` that the database does not know any more. @returns whether there were some */
  function catchUp(known: HighWater): boolean {
    const lost = loseUpTo(tables, known.raw_seq)
    let behind = lost > 0
    for (const [name, { datasets }] of Object.entries(known.pools)) {
      const pool = pools.find(name) ?? createPool(name, tables.log.nextSeq(), {})
      const sealed_until = { ...pool.sealed_until }
      for (const [dataset, { slot, last }] of Object.entries(datasets)) {
        if ((sealed_until[dataset] ?? Number.NEGATIVE_INFINITY) < slot) {
          sealed_until[dataset] = unixMs(slot)
          behind = true
        }
        if (last && (pools.nextNumber(pool.id, dataset, last.epoch) ?? 0) <= last.seq) {
          pools.setNextNumber(pool.id, dataset, last.epoch, last.seq + 1)
        }
      }
      pools.moveCursor(pool.id, pool.raw_seq, sealed_until)
      const lostSlots = Object.entries(sealed_until).flatMap(([name, slot]) =>
        slot === pool.sealed_until[name] ? [] : [slot],
      )
      if (lostSlots.length > 0) charges.lose(pool.id, Math.max(...lostSlots))
    }
    return behind
  }

  /** What the plant decided about a pool holds, whatever became of the database. */
  function remember(name: string, { withdrawn, joins = 0 }: HighWater['pools'][string]): void {
    const pool = pools.find(name)
    if (!pool || joins < (pool.joins ?? 0)) return
    if (joins > (pool.joins ?? 0)) pools.setJoins(pool.id, joins)
    if (withdrawn !== undefined && pool.withdrawn_at === null) leavePool(tables, pool, withdrawn)
  }

  function createPool(name: string, seq: number, sealed_until: Readonly<Record<string, UnixMs>>) {
    return pools.create({ name, start_seq: seq, raw_seq: seq, sealed_until, since: now })
  }

  return db.transaction(() => {
    const fresh = meta.get('stream_secret') === undefined
    const note = fresh ? meta.get('salvage') : undefined
    const salvaged = note === undefined ? undefined : readNote(note)
    const before = pools.all()
    const foreign = mark !== undefined && mark.machine !== null && machine !== null && mark.machine !== machine
    const isNewStream = fresh || foreign || !mark
    if (isNewStream) {
      if (!fresh && pools.all().length > 0) {
        alarm(
          'store:moved',
          'store-moved',
          foreign ? 'the data folder is of another machine' : 'the high-water file is missing',
        )
      }
      meta.set('stream_secret', randomBytes(8))
      pools.startStreams(now)
    }
    if (fresh || foreign) {
      const kept = foreign ? undefined : (mark?.instance ?? meta.get('instance'))
      meta.set('instance', kept ?? base32hex(randomBytes(10)).toLowerCase())
    }
    if (fresh && (mark || salvaged || found.set_aside)) {
      resume(tables, { mark, foreign, salvaged, before, now })
      meta.delete('salvage')
      alarm('store:damaged', ...whatHappened(found.set_aside, salvaged))
    } else if (mark && catchUp(foreign ? { ...mark, pools: {} } : mark)) {
      alarm('store:rolled-back', 'store-rolled-back', 'the database is behind its high-water file')
    }
    for (const [name, told] of Object.entries(foreign ? {} : (mark?.pools ?? {}))) remember(name, told)
    // Whoever wrote here before may have drawn and charged more than this file says.
    if (isNewStream)
      for (const { id, sealed_until } of pools.all()) charges.lose(id, Math.max(now, ...Object.values(sealed_until)))
    noteLostLeaves(tables, { told: mark?.audit, salvaged, now })
    return markOf(tables, machine ?? mark?.machine ?? null, mark)
  })()
}

function whatHappened(aside: SetAside | undefined, salvaged: Salvaged | undefined): readonly [FaultCode, string] {
  const where = aside ? `was set aside as ${aside.file}` : 'is gone'
  if (aside?.why === 'foreign') return ['store-foreign', `the file is another program’s database: it ${where}`]
  if (aside?.why === 'newer') return ['store-newer', `the file was written by a newer Sluice: it ${where}`]
  if (!salvaged) return ['store-damaged', `the database ${where}; a fresh one was begun`]
  const { readings, missing, batches, newest, whole } = salvaged
  const since = newest === null ? 'an unknown time' : new Date(newest).toISOString()
  return [
    'store-damaged',
    [
      `the database ${where}; ${readings} readings were salvaged`,
      ...(missing > 0 ? [`${missing} between them are lost`] : []),
      ...(batches > 0 ? [`${batches} batches are lost`] : []),
      ...(whole ? [] : [`what was stored after ${since} may be missing`]),
    ].join(', '),
  ]
}

/** What the high-water file should say now. @param before what only the file itself knows */
export function markOf(
  { meta, log, pools, audit }: Tables,
  machine: string | null,
  before: HighWater | undefined,
): HighWater {
  const entries = pools.all().map((pool) => {
    const datasets = Object.entries(pool.sealed_until).map(([dataset, slot]) => {
      const newest = pools.newestNumber(pool.id, dataset)
      return [dataset, { slot, last: newest ? { epoch: newest.epoch, seq: newest.next - 1 } : null }] as const
    })
    const end = pool.end_seq === null ? {} : { end: pool.end_seq }
    const left = pool.withdrawn_at === null ? {} : { withdrawn: pool.withdrawn_at }
    const joins = pool.joins === null ? {} : { joins: pool.joins }
    const drawn = before?.pools[pool.name]?.drawn
    return [
      pool.name,
      { cursor: pool.raw_seq, ...end, ...left, ...joins, datasets: Object.fromEntries(datasets), drawn },
    ] as const
  })
  const [instance, raw_seq] = [meta.get('instance')!, log.nextSeq()]
  return { v: 1, machine, instance, raw_seq, audit: audit.head(), pools: Object.fromEntries(entries) }
}
