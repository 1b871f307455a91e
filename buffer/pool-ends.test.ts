import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import {
  commitOf,
  makeFolder,
  numbered,
  publicationTo,
  signalSpec,
  T0,
  type TestFolder,
} from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'
import type { Store } from './port.ts'

const LATER = unixMs(T0 + 3_600_000)
const receipt = { kind: 'file', sha256: 'ab' } as const

/** Ten readings, six of them published in three batches, one of which was delivered and one refused. */
function begin(folder: TestFolder): Store {
  const store = folder.open()
  store.intern([signalSpec('a')])
  for (const pool of ['p', 'q']) store.openPool(pool)
  store.append(commitOf(numbered(0, 10)))
  for (let i = 1; i <= 3; i++) store.commitPublication(publicationTo(store, 'p', 2 * i, { slot: T0 + i * 60_000 }))
  const first = store.nextBatch('p')!
  store.settle('p', first.id, { kind: 'delivered', receipt: { kind: 'file', path: '', sha256: '' }, at: T0 })
  store.settle('p', store.nextBatch('p')!.id, { kind: 'quarantined', code: 'range', message: '', at: T0 })
  return store
}

const kindsOf = (store: Store): readonly string[] =>
  (store.look({ kind: 'leaves', from: 0, limit: 99 }) as readonly string[]).map((text) => JSON.parse(text).kind)

describe('a pool that the plant leaves', () => {
  it('has its queue destroyed, accepts nothing more, and every row stays in one account', () => {
    using folder = makeFolder()
    using store = begin(folder)
    const { streams } = store.withdrawPool('p', LATER)
    expect(streams).toMatchObject([{ stream: 'stream', epoch: 0, receipt: null, datasets: [{ dataset: 'hourly' }] }])
    const { first, last } = streams[0]!.datasets[0]!
    expect(last - first).toBe(2)
    expect(kindsOf(store).slice(-3)).toEqual(['withdrawal_ordered', 'dropped', 'dropped'])

    store.append(commitOf(numbered(10, 5), { after: 7_200_000 }))
    const status = store.status(LATER)
    expect(status.pools.p).toMatchObject({
      accounts: { accepted: 10, pending: 4, disclosed: 6 },
      batches: { sealed: 3, queued: 0, delivered: 1, quarantined: 0, dropped: 2 },
      dropped: { withdrawn: 2 },
      withdrawn: { since: LATER, owed: 1, done: 0 },
    })
    expect(status.pools.q).toMatchObject({ accounts: { accepted: 15 }, withdrawn: null })
    expect(accountProblems(status)).toEqual([])
    expect(status.alarms.filter(({ until }) => until === null)).toEqual([])
    expect(store.nextBatch('p')).toBeUndefined()
    expect(store.unburied('p', 9)).toEqual([])
  })

  it('stays left over restarts, whatever is configured, and what is done is not owed', () => {
    using folder = makeFolder()
    let store = begin(folder)
    const before = publicationTo(store, 'p', 8, { slot: T0 + 240_000 })
    store.withdrawPool('p', LATER)
    expect(() => store.commitPublication(before)).toThrow('p was left')
    store[Symbol.dispose]()
    store = folder.open()
    store.retirePools(['p', 'q'])
    store.openPool('p')
    store.append(commitOf(numbered(10, 5), { after: 7_200_000 }))
    expect(store.status(LATER).pools.p).toMatchObject({ withdrawn: { owed: 1 }, accounts: { accepted: 10 } })
    store.noteWithdrawn('p', 'stream', receipt, LATER)
    store[Symbol.dispose]()
    store = folder.open()
    expect(store.withdrawPool('p', unixMs(LATER + 1))).toMatchObject({ since: LATER, streams: [{ receipt }] })
    expect(store.status(LATER).pools.p!.withdrawn).toEqual({ since: LATER, owed: 0, done: 1, ordered: 1 })
    expect(kindsOf(store).filter((kind) => kind === 'withdrawn')).toHaveLength(1)
    store[Symbol.dispose]()
  })

  it('is joined again only when it is said, in another stream that begins then', () => {
    using folder = makeFolder()
    using store = begin(folder)
    const { stream_secret } = store.openPool('p')
    expect(store.joinPool('p', LATER)).toBe(false)
    expect(store.joinPool('never opened', LATER)).toBe(false)
    store.withdrawPool('p', LATER)
    expect(() => store.joinPool('p', LATER)).toThrow(/owes still \(streams: 1\)/)
    expect(store.withdrawal('p')).toMatchObject({ since: LATER, streams: [{ receipt: null }] })
    store.noteWithdrawn('p', 'stream', receipt, LATER)
    expect(store.joinPool('p', unixMs(LATER + 60_000))).toBe(true)
    const again = store.openPool('p')
    expect(again.stream_since).toBe(LATER + 60_000)
    expect(again.cursor.sealed_until).toEqual({})
    expect(Buffer.from(again.stream_secret).equals(Buffer.from(stream_secret))).toBe(false)
    expect(Buffer.from(store.openPool('q').stream_secret).equals(Buffer.from(stream_secret))).toBe(true)
    expect(store.withdrawal('p')).toBeNull()
    store.append(commitOf(numbered(10, 5), { after: 7_200_000 }))
    expect(accountProblems(store.status(LATER))).toEqual([])
    expect(kindsOf(store).at(-1)).toBe('joined')
  })

  it('begins anew after all that is stored, also where the clock has gone back', () => {
    using folder = makeFolder()
    using store = begin(folder)
    store.openPool('p')
    store.append(commitOf(numbered(0, 5), { after: 7_200_000 }))
    store.withdrawPool('p', LATER)
    store.noteWithdrawn('p', 'stream', receipt, LATER)
    store.joinPool('p', T0)
    expect(store.openPool('p').stream_since).toBe(T0 + 7_200_000)
  })

  it('stays left where an older database is put back, or the database is gone', () => {
    using folder = makeFolder()
    begin(folder)[Symbol.dispose]()
    const path = join(folder.path, 'sluice.db')
    copyFileSync(path, `${path}.old`)
    let store = folder.open()
    store.withdrawPool('p', LATER)
    store[Symbol.dispose]()

    copyFileSync(`${path}.old`, path)
    store = folder.open()
    expect(store.withdrawal('p')).toMatchObject({ since: LATER, streams: [{ receipt: null }] })
    expect(store.nextBatch('p')).toBeUndefined()
    expect(accountProblems(store.status(LATER))).toEqual([])
    store[Symbol.dispose]()

    rmSync(path)
    store = folder.open()
    expect(store.withdrawal('p')).toMatchObject({ since: LATER })
    expect(accountProblems(store.status(LATER))).toEqual([])
    store[Symbol.dispose]()
  })
})
