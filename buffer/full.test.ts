import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Fault } from '../core/fault.ts'
import {
  batchOf,
  commitOf,
  fill,
  fillWithTexts,
  makeFolder,
  numbered,
  publicationTo,
  readingsOf,
  signalSpec,
  T0,
} from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'
import type { Store } from './port.ts'

const CAP = 6e6
const MB = 2 ** 20

/** Appends until the store refuses. @returns how many readings it took, and the refusal */
function fillUp(store: Store, most: number): { readonly taken: number; readonly refusal: Fault } {
  const before = store.status(T0).accepted
  try {
    fill(store, most)
  } catch (error) {
    return { taken: store.status(T0).accepted - before, refusal: error as Fault }
  }
  throw new Error('the store never refused')
}

describe('when_full: pause', () => {
  it('is not for a pool that says that it is over, which takes up what is left once it is opened again', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP, when_full: 'pause' })
    store.intern([signalSpec('a')])
    store.openPool('p')
    fill(store, CAP / 2)
    const { accepted } = store.status(T0)
    store.retirePool('p')
    fill(store, 2 * CAP)
    expect(store.status(T0).pools.p!.accounts).toMatchObject({ accepted, evicted: { retired: accepted } })
    store.openPool('p')
    expect(store.status(T0).pools.p!).toMatchObject({ retired: null })
    expect(store.status(T0).pools.p!.accounts.pending).toBeGreaterThan(0)
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('refuses readings once nothing published is left, and takes them again when some is', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP, when_full: 'pause', keep_raw: 1e12 })
    store.intern([signalSpec('a')])
    store.openPool('p')
    fill(store, CAP / 2)
    const published = store.status(T0).accepted
    store.commitPublication(publicationTo(store, 'p', published))

    const { taken, refusal } = fillUp(store, 2 * CAP)
    expect(refusal).toMatchObject({ code: 'store-paused' })
    expect(taken * 8).toBeGreaterThan(CAP * 0.6) // what was published made room first
    const { bytes, capacity } = store.claimed()
    expect(bytes / capacity).toBeGreaterThan(0.9) // the forecast counts to where it stopped
    expect(bytes / capacity).toBeLessThan(1.02)
    const { accounts } = store.status(T0).pools.p!
    expect(accounts).toMatchObject({ pending: taken, evicted: {} })
    for (let i = 0; i < 3; i++) expect(() => fill(store, 1)).toThrow(refusal.message)
    expect(store.status(T0).accepted).toBe(published + taken)

    // A little room is not enough to begin again, or it would begin and end with every block.
    store.commitPublication(publicationTo(store, 'p', published + 16_000))
    expect(() => fill(store, 1)).toThrow(refusal.message)
    store.commitPublication(publicationTo(store, 'p', published + 80_000))
    fill(store, 5 * 64_000)
    expect(store.status(T0).pools.p!.accounts.evicted).toEqual({})
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('leaves room to publish and deliver, however many batches it takes to pass the backlog', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP, when_full: 'pause', keep_raw: 1e12 })
    store.intern([signalSpec('a')])
    store.openPool('p')
    fillUp(store, 2 * CAP)
    const { accepted } = store.status(T0)
    for (let to = 0, i = 0; to < accepted; i++) {
      to = Math.min(accepted, to + 40_000) // five blocks, 320 kB
      const publication = publicationTo(store, 'p', to, { slot: T0 + (i + 1) * 60_000 })
      const batch = { ...publication.batch!, bytes: Buffer.alloc(300_000, i) }
      store.commitPublication({ ...publication, batch })
    }
    expect(store.status(T0).pools.p!.batches.queued).toBe(Math.ceil(accepted / 40_000))
    expect(() => fill(store, 1)).toThrow(expect.objectContaining({ code: 'store-paused' }))
    for (let batch = store.nextBatch('p'); batch; batch = store.nextBatch('p')) {
      const receipt = { kind: 'file', path: 'x', sha256: batch.sha256 } as const
      store.settle('p', batch.id, { kind: 'delivered', receipt, at: T0 })
    }
    fill(store, CAP / 2)
    expect(accountProblems(store.status(T0))).toEqual([])
    expect(store.status(T0).disk.file_bytes).toBeLessThanOrEqual(CAP)
  })

  it('still gives up what is older than max_age', () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: CAP, when_full: 'pause', max_age: 3_600_000 })
    store.intern([signalSpec('a')])
    store.openPool('p')
    fillUp(store, 2 * CAP)
    expect(store.append(commitOf(numbered(0, 1), { after: 1e9 })).evicted).toEqual(['p'])
    expect(accountProblems(store.status(T0))).toEqual([])
  })
})

describe('a disk with less than min_free left', () => {
  /** A disk of `size` bytes on which others take `others`. */
  function makeDisk(size: number) {
    const disk = { others: 0, free: (_: string) => 0 }
    disk.free = (folder) => {
      const own = ['sluice.db', 'sluice.db-wal', 'ballast'].map((name) => join(folder, name))
      return size - disk.others - own.reduce((sum, path) => sum + (existsSync(path) ? statSync(path).size : 0), 0)
    }
    return disk
  }

  it('stops the file from growing, which gives way and says so, until there is room again', { timeout: 60_000 }, () => {
    using folder = makeFolder()
    const disk = makeDisk(100e6)
    using store = folder.open({ max_size: 64e6, min_free: 20e6, free: disk.free })
    store.intern([signalSpec('a')])
    store.openPool('p')
    fillWithTexts(store, 20e6)
    expect(store.status(T0).alarms).toEqual([])
    disk.others = 70e6
    const { file_bytes, wal_bytes } = store.status(T0).disk
    fillWithTexts(store, 8e6)
    const full = store.status(T0)
    expect(full.disk.file_bytes).toBeLessThan(file_bytes + wal_bytes)
    expect(full.disk).toMatchObject({ min_free_bytes: 20e6, free_bytes: expect.any(Number) })
    expect(full.disk.free_bytes).toBeLessThan(20e6)
    expect(full.pools.p!.accounts.evicted.full).toBeGreaterThan(0)
    expect(full.alarms.map(({ key, code, count }) => [key, code, count]).toSorted()).toEqual([
      ['store:disk', 'disk-low', 1],
      ['store:full', 'store-full', expect.any(Number)],
    ])
    disk.others = 0
    const { evicted } = full.pools.p!.accounts
    fillWithTexts(store, 6e6)
    store.tidy(T0)
    expect(store.status(T0).pools.p!.accounts.evicted).toEqual(evicted)
    expect(store.status(T0).alarms.every(({ until }) => until !== null)).toBe(true)
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('leaves a small buffer where it had none, so that something is held', () => {
    using folder = makeFolder()
    using store = folder.open({ min_free: 20e6, free: () => 1e6 })
    store.intern([signalSpec('a')])
    store.openPool('p')
    store.append(commitOf(numbered(0, 10)))
    const batch = batchOf('p', store.nextSeq('p', 'hourly', 0))
    const { cursor } = store.openPool('p')
    store.commitPublication({ pool: 'p', expect: cursor, next: cursor, batch, ledger: [] })
    for (let i = 1; i < 20; i++) store.append(commitOf(numbered(i * 10, 10), { after: i }))
    expect(readingsOf(store)).toHaveLength(200)
    expect(store.status(T0).pools.p!.batches.queued).toBe(1)
  })

  it('gets its ballast back when there is room for it', () => {
    using folder = makeFolder()
    const disk = makeDisk(100e6)
    const ballast = join(folder.path, 'ballast')
    using store = folder.open({ min_free: 20e6, free: disk.free })
    disk.others = 75e6
    store.tidy(T0)
    expect(existsSync(ballast)).toBe(false)
    disk.others = 0
    store.tidy(T0)
    expect(statSync(ballast).size).toBe(8 * MB)
    expect(statSync(ballast).mode & 0o777).toBe(0o600)
  })
})
