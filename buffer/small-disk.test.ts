import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../core/log.ts'
import { canMount, mountSmallDisk, type SmallDisk } from '../test/support/small-disk.ts'
import {
  commitOf,
  fill,
  fillWithTexts,
  numbered,
  publicationTo,
  readingsOf,
  signalSpec,
  T0,
} from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'
import type { Store, StoreOptions } from './port.ts'
import { openStore } from './store.ts'

/** A store on a small disk that others may fill. */
function openOn(disk: SmallDisk, options: Partial<StoreOptions> = {}): Store {
  const data_dir = join(disk.path, 'data')
  if (!existsSync(data_dir)) mkdirSync(data_dir)
  const limits = { max_size: 2e9, max_age: 1e12, keep_raw: 0 }
  return openStore({ data_dir, boot: 'test', now: T0, log: silentLog, machine: null, ...limits, ...options })
}

const refusal = (code: string) => expect.objectContaining({ code })

describe.runIf(canMount())('a disk that others filled to the last byte', () => {
  it('gives the ballast, so that old readings can make room for new ones', { timeout: 60_000 }, () => {
    using disk = mountSmallDisk(64)
    using store = openOn(disk, { min_free: 10e6 })
    store.intern([signalSpec('a')])
    store.openPool('p')
    store.tidy(T0)
    const ballast = join(disk.path, 'data/ballast')
    expect(existsSync(ballast)).toBe(true)
    fillWithTexts(store, 17e6)
    // The journal is cut back, so that not even a DELETE finds room on the disk any more.
    store.tidy(T0)
    disk.fillUp()
    const { accepted } = store.status(T0)
    fillWithTexts(store, 5e6)
    const status = store.status(T0)
    expect(status.accepted).toBeGreaterThan(accepted)
    expect(status.pools.p!.accounts.evicted.full).toBeGreaterThan(0)
    expect(status.alarms.map(({ key }) => key).toSorted()).toEqual(['store:disk', 'store:full'])
    expect(accountProblems(status)).toEqual([])

    disk.makeRoom()
    store.tidy(T0)
    expect(statSync(ballast).size).toBe(8 * 2 ** 20)
  })

  it('keeps nobody from starting with a damaged file', () => {
    using disk = mountSmallDisk(40)
    {
      using store = openOn(disk)
      store.intern([signalSpec('a')])
      store.openPool('p')
      for (let i = 0; i < 20; i++) store.append(commitOf(numbered(i * 100, 100), { after: i }))
      store.tidy(T0)
    }
    writeFileSync(join(disk.path, 'data/sluice.db'), Buffer.alloc(16), { flag: 'r+' })
    disk.fillUp()
    using store = openOn(disk)
    expect(readingsOf(store)).toEqual(numbered(0, 2_000).map(([, value]) => value))
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('refuses what there is no room for, keeps what it took, and takes more as soon as there is room', () => {
    using disk = mountSmallDisk(40)
    using store = openOn(disk)
    store.intern([signalSpec('a')])
    store.openPool('p')
    for (let i = 0; i < 20; i++) store.append(commitOf(numbered(i * 100, 100), { after: i }))
    disk.fillUp()
    expect(() => fillWithTexts(store, 20e6)).toThrow(refusal('store-full'))
    const { accepted } = store.status(T0)
    for (let i = 0; i < 5; i++) expect(() => fillWithTexts(store, 10e6)).toThrow(refusal('store-full'))
    expect(store.status(T0).accepted).toBe(accepted)
    disk.makeRoom()
    store.append(commitOf(numbered(accepted, 100), { after: 1_000 }))
    expect(readingsOf(store).slice(0, 2_000)).toEqual(numbered(0, 2_000).map(([, value]) => value))
    expect(accountProblems(store.status(T0))).toEqual([])
  })

  it('keeps nobody from starting, nor a backlog from being published', () => {
    using disk = mountSmallDisk(48)
    {
      using store = openOn(disk)
      store.intern([signalSpec('a')])
      store.openPool('p')
      fill(store, 8e6)
      store.tidy(T0)
    }
    disk.fillUp(1e6) // SQLite's own journal, which is gone with the last run, takes a little
    using store = openOn(disk)
    const { accepted } = store.status(T0)
    disk.fillUp()
    for (let to = 8_000; to <= accepted; to += 8_000) store.commitPublication(publicationTo(store, 'p', to))
    expect(store.status(T0).pools.p!.accounts).toMatchObject({ pending: 0, disclosed: accepted })
  })
})
