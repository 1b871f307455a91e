import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { rawSeq, unixMs } from '../core/brand.ts'
import type { Fault } from '../core/fault.ts'
import {
  batchOf,
  commitOf,
  makeFolder,
  numbered,
  publicationTo,
  readingsOf,
  signalSpec,
  T0,
} from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'
import { migrate } from './database.ts'
import { APPLICATION_ID } from './migrations.ts'
import { openDatabase } from './open-database.ts'

const codeOf = (act: () => unknown): string | undefined => {
  try {
    act()
  } catch (error) {
    return (error as Fault).code
  }
  return undefined
}

describe('what was acknowledged', () => {
  it('is there once after the file is opened again', () => {
    using folder = makeFolder()
    {
      using store = folder.open()
      expect(store.intern([signalSpec('a'), signalSpec('b'), signalSpec('a')])).toEqual([0, 1, 0])
      expect(store.append(commitOf(numbered(0, 3), { complete: T0 }))).toEqual({ seq: 0, n: 3, evicted: [] })
      expect(store.append(commitOf([], { after: 1_000, complete: T0 }))).toEqual({ seq: 3, n: 0, evicted: [] })
      store.append(
        commitOf(
          [
            [1, 'x'],
            [0, 2n ** 60n],
            [1, null],
          ],
          { after: 2_000, sane: false },
        ),
      )
    }
    using store = folder.open({ boot: 'second' })
    expect(store.intern([signalSpec('b')])).toEqual([1])
    expect(store.signal(1)).toEqual(signalSpec('b'))
    expect(() => store.signal(2)).toThrow(RangeError)
    const blocks = store.blocks(0, 10)
    expect(
      blocks.map(({ seq, position, boot, sane, monotonic }) => ({ seq, position, boot, sane, monotonic })),
    ).toEqual([
      { seq: 0, position: 0, boot: 'test', sane: true, monotonic: 0 },
      { seq: 3, position: 1, boot: 'test', sane: true, monotonic: 1_000 },
      { seq: 3, position: 2, boot: 'test', sane: false, monotonic: 2_000 },
    ])
    expect(blocks[0]!.complete).toEqual({ plc: { press: T0 } })
    expect(blocks[2]!.block.texts).toEqual(['x', String(2n ** 60n)])
    expect([...blocks[2]!.block.signals]).toEqual([1, 0, 1])
  })

  it('keeps its order where several sources share a commit', () => {
    using folder = makeFolder()
    using store = folder.open()
    store.intern([signalSpec('a')])
    const one = commitOf([[0, 'first']]).blocks[0]!.block
    const two = commitOf([
      [0, 7],
      [0, 'second'],
    ]).blocks[0]!.block
    store.append(
      commitOf([], {
        blocks: [
          { source: 'x', block: one },
          { source: 'y', block: two },
        ],
      }),
    )
    const { block } = store.blocks(0, 1)[0]!
    expect([...block.values].map((v, i) => (block.forms[i] === 3 ? block.texts[v] : v))).toEqual(['first', 7, 'second'])
  })

  it('is durable: every opening sets synchronous=FULL, which a WAL file forgets', () => {
    using folder = makeFolder()
    for (const _ of ['new', 'existing']) {
      const { db } = openDatabase(folder.path, { max_size: 64e6, now: T0 })
      const pragmas = [
        'journal_mode',
        'synchronous',
        'locking_mode',
        'auto_vacuum',
        'page_size',
        'max_page_count',
        'trusted_schema',
      ]
      expect(pragmas.map((pragma) => db.pragma(pragma, { simple: true }))).toEqual([
        'wal',
        2,
        'exclusive',
        2,
        4096,
        15_625,
        0,
      ])
      db.close()
    }
  })

  it('is private to the user of the agent', () => {
    using folder = makeFolder()
    const data_dir = join(folder.path, 'new')
    using store = folder.open({ data_dir })
    store.append(commitOf([]))
    expect(statSync(data_dir).mode & 0o777).toBe(0o700)
    for (const file of readdirSync(data_dir)) {
      expect(statSync(join(data_dir, file)).mode & 0o777).toBe(0o600)
    }
  })
})

describe('sequences', () => {
  it('are never given out again, even when the log was drained', () => {
    using folder = makeFolder()
    {
      using store = folder.open()
      store.intern([signalSpec('a')])
      store.openPool('p')
      for (let i = 0; i < 5; i++) store.append(commitOf(numbered(i * 10, 10), { after: i }))
      store.commitPublication(publicationTo(store, 'p', 50))
      store.tidy(unixMs(T0 + 1_000))
      expect(readingsOf(store)).toEqual(numbered(40, 10).map(([, v]) => v)) // the last block always stays
    }
    using store = folder.open()
    expect(store.append(commitOf(numbered(0, 1), { after: 9 })).seq).toBe(50)
    expect(store.positionOf(rawSeq(0))).toBe(4)
    expect(store.positionOf(rawSeq(50))).toBe(5)
    expect(store.positionOf(rawSeq(51))).toBe(6)
  })

  it('find their block, empty ones included', () => {
    using folder = makeFolder()
    using store = folder.open()
    store.intern([signalSpec('a')])
    for (const n of [2, 0, 0, 3, 0]) store.append(commitOf(numbered(0, n)))
    expect([0, 1, 2, 3, 4, 5].map((seq) => store.positionOf(rawSeq(seq)))).toEqual([0, 0, 1, 3, 3, 4])
  })
})

describe('the accounts', () => {
  it('start at the end of the log for a new pool', () => {
    using folder = makeFolder()
    using store = folder.open()
    store.intern([signalSpec('a')])
    store.append(commitOf(numbered(0, 5), { after: 500 }))
    expect(store.openPool('p')).toMatchObject({ cursor: { raw_seq: 5, sealed_until: {} }, stream_since: T0 + 500 })
    store.append(commitOf(numbered(5, 2), { after: 1_000 }))
    const status = store.status(T0)
    expect(status.pools.p!.accounts).toEqual({ accepted: 2, pending: 2, disclosed: 0, withheld: {}, evicted: {} })
    expect(accountProblems(status)).toEqual([])
  })

  it('refuse a publication that would break them, and do nothing then', () => {
    using folder = makeFolder()
    using store = folder.open()
    store.intern([signalSpec('a')])
    store.openPool('p')
    store.append(commitOf(numbered(0, 10)))
    store.commitPublication(publicationTo(store, 'p', 4, { slot: T0 + 60_000 }))
    const before = store.status(T0)
    const good = publicationTo(store, 'p', 8, { slot: T0 + 120_000 })
    const wrong: readonly (readonly [RegExp, Parameters<typeof store.commitPublication>[0]])[] = [
      [/cursor moved/, { ...good, expect: { ...good.expect, raw_seq: rawSeq(3) } }],
      [/cursor moved/, { ...good, expect: { ...good.expect, sealed_until: {} } }],
      [
        /3 readings accounted where the cursor passes 4/,
        { ...good, ledger: [{ signal: 0, account: 'disclosed', reason: '', n: 3 }] },
      ],
      [/leave the log/, { ...good, next: { ...good.next, raw_seq: rawSeq(11) } }],
      [/leave the log/, { ...good, next: { ...good.next, raw_seq: rawSeq(3) }, ledger: [] }],
      [/sealed again/, { ...good, next: { ...good.next, sealed_until: { hourly: T0 } } }],
      [/sealed again/, { ...good, next: { ...good.next, sealed_until: {} } }],
      [/is next/, { ...good, batch: { ...good.batch!, seq: good.batch!.seq + 1 } }],
      [/batch for q/, { ...good, batch: { ...good.batch!, pool: 'q' } }],
      [/never opened/, { ...good, pool: 'q' }],
    ]
    for (const [message, publication] of wrong) expect(() => store.commitPublication(publication)).toThrow(message)
    expect(store.status(T0)).toEqual({ ...before, disk: expect.anything() })
    store.commitPublication(good)
    expect(store.status(T0).pools.p!.accounts).toMatchObject({ pending: 2, disclosed: 8 })
  })
})

describe('batches', () => {
  it('are numbered by one from a start that stays the same until used', () => {
    using folder = makeFolder()
    using store = folder.open()
    store.openPool('p')
    const first = store.nextSeq('p', 'hourly', 0)
    expect(store.nextSeq('p', 'hourly', 0)).toBe(first)
    store.commitPublication(publicationTo(store, 'p', 0, { slot: T0 }))
    expect(store.nextSeq('p', 'hourly', 0)).toBe(first + 1)
    expect(store.nextSeq('p', 'hourly', 1)).not.toBe(first + 1)
  })

  it('are the same bytes until the pool has them, oldest first', () => {
    using folder = makeFolder()
    {
      using store = folder.open()
      store.openPool('p')
      for (const slot of [1, 2, 3]) store.commitPublication(publicationTo(store, 'p', 0, { slot: T0 + slot * 60_000 }))
    }
    using store = folder.open()
    const first = store.nextBatch('p')!
    expect(first).toEqual({ ...batchOf('p', first.seq), from: T0, until: T0 + 60_000 })
    expect(store.nextBatch('p')).toEqual(first)
    expect(store.sealedAhead('p', 'hourly')).toBe(180_000)
    store.settle('p', first.id, {
      kind: 'delivered',
      receipt: { kind: 'file', path: 'x', sha256: first.sha256 },
      at: T0,
    })
    const second = store.nextBatch('p')!
    expect(second.seq).toBe(first.seq + 1)
    store.settle('p', second.id, { kind: 'quarantined', code: 'range', message: 'out of range', at: T0 })
    store.settle('p', first.id, { kind: 'dropped', reason: 'late word', at: T0 }) // delivered is final
    expect(store.sealedAhead('p', 'hourly')).toBe(60_000)
    const status = store.status(T0)
    expect(status.pools.p).toMatchObject({
      batches: { sealed: 3, queued: 1, delivered: 1, quarantined: 1, dropped: 0 },
      delivered_at: T0,
      quarantined: [{ id: second.id, dataset: 'hourly', code: 'range', message: 'out of range' }],
    })
    expect(status.disk.outbox_bytes).toBe(2 * second.bytes.length)
    store.settle('p', batchOf('x', 1).id, { kind: 'quarantined', code: 'range', message: '', at: T0 }) // damage took it
    store.tidy(unixMs(T0 + 31 * 86_400_000))
    expect(store.status(T0).pools.p!.batches).toEqual({
      sealed: 3,
      queued: 1,
      delivered: 1,
      quarantined: 1,
      dropped: 0,
    })
  })
})

describe('one agent a data folder', () => {
  it('refuses a second with a clear word', () => {
    using folder = makeFolder()
    using _store = folder.open()
    expect(codeOf(() => folder.open())).toBe('store-locked')
  })

  it.each([
    ['foreign', (db: Database.Database) => void db.exec('CREATE TABLE other (x)')],
    ['foreign', (db: Database.Database) => void db.pragma('application_id = 7')],
    [
      'newer',
      (db: Database.Database) => void db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 99`),
    ],
  ])('sets a file aside that is not ours to write, as it is: %s', (why, make) => {
    using folder = makeFolder()
    const path = join(folder.path, 'sluice.db')
    const db = new Database(path)
    make(db)
    db.close()
    const bytes = readFileSync(path)
    {
      using store = folder.open()
      expect(store.status(T0).alarms).toMatchObject([{ key: 'store:damaged', code: `store-${why}`, until: null }])
      store.intern([signalSpec('a')])
      expect(store.append(commitOf(numbered(0, 3)))).toMatchObject({ seq: 0, n: 3 })
    }
    const aside = readdirSync(folder.path).filter((file) => file.startsWith(`sluice.db.${why}-`))
    expect(aside).toHaveLength(1)
    expect(readFileSync(join(folder.path, aside[0]!))).toEqual(bytes)
  })

  it('brings an older file forward, once', () => {
    const db = new Database(':memory:')
    const steps = ['CREATE TABLE a (x)', 'INSERT INTO a VALUES (1); ALTER TABLE a ADD COLUMN y']
    migrate(db, steps.slice(0, 1))
    migrate(db, steps)
    migrate(db, steps)
    expect(db.prepare('SELECT * FROM a').all()).toEqual([{ x: 1, y: null }])
    expect(db.pragma('user_version', { simple: true })).toBe(2)
    db.close()
  })
})
