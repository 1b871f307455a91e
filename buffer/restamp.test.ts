import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { rawSeq, unixMs } from '../core/brand.ts'
import { qualityCode, qualityOf } from '../core/quality.ts'
import { makeBlockBuilder } from '../core/reading-block.ts'
import { commitOf, makeFolder, readingsOf, signalSpec, T0, type TestFolder } from '../test/support/store.ts'
import { databasePath } from './database.ts'
import type { Commit, Store } from './port.ts'

const OURS = 0
const SENT = 1

function openWith(folder: TestFolder, boot = 'boot 1'): Store {
  const store = folder.open({ boot })
  store.intern([signalSpec('ours'), { ...signalSpec('sent'), stamped_by: 'sender' }])
  return store
}

/** A commit of one reading of each signal, `monotonic` ms after the boot, at which the wall clock shows `wall`. */
function commitAt(monotonic: number, wall: number, parts: Partial<Commit> = {}, asset = 'press'): Commit {
  const builder = makeBlockBuilder()
  builder.add(OURS, wall - 5, 1)
  builder.add(SENT, T0 + 77, 2)
  builder.add(OURS, wall - 4, null, qualityCode('bad', 'sentinel'))
  const block = builder.take(unixMs(wall), { [asset]: unixMs(wall - 10) })
  return { ...commitOf([]), blocks: [{ source: 'plc', block }], arrival: unixMs(wall), monotonic, ...parts }
}

const wrong = { sane: false }
const all = (store: Store) => store.blocks(store.positionOf(rawSeq(0)), 100)
const stampAll = (store: Store): void => {
  while (store.restamp());
}

describe('blocks stored under a clock that is not trusted', () => {
  it('wait while their boot goes on, and are stamped by what its clock says once it is trusted', () => {
    using folder = makeFolder()
    using store = openWith(folder)
    store.append(commitAt(1_000, 1_000, wrong))
    stampAll(store)
    expect(all(store)).toMatchObject([{ sane: false, waits: true, arrival: 1_000 }])
    store.append(commitAt(5_000, T0 + 5_000))
    stampAll(store)
    const [first, second] = all(store)
    expect(first).toMatchObject({ sane: true, waits: false, arrival: T0 + 1_000, seq: 0, monotonic: 1_000 })
    expect([...first!.block.times]).toEqual([T0 + 995, T0 + 77, T0 + 996])
    expect([...first!.block.qualities].map((code) => qualityOf(code).reason)).toEqual(['clock', '', 'sentinel'])
    expect(second).toMatchObject({ sane: true, seq: 3, arrival: T0 + 5_000 })
    expect([...second!.block.qualities].map((code) => qualityOf(code).reason)).toEqual(['', '', 'sentinel'])
  })

  it.each([
    [300_000, ''],
    [300_001, 'clock'],
  ])('that was wrong by %i ms are as good as before up to max_skew: "%s"', (wrongBy, reason) => {
    using folder = makeFolder()
    using store = folder.open({ boot: 'boot 1', max_skew: 300_000 })
    store.intern([signalSpec('ours'), { ...signalSpec('sent'), stamped_by: 'sender' }])
    store.append(commitAt(1_000, T0 + wrongBy, wrong))
    store.append(commitAt(2_000, T0 + 1_000))
    stampAll(store)
    expect(all(store)[0]).toMatchObject({ sane: true, arrival: T0 })
    expect(qualityOf(all(store)[0]!.block.qualities[0]!).reason).toBe(reason)
  })

  it.each([
    ['ahead', T0 + 90_000, T0 + 990],
    ['behind', T0 - 90_000, T0 - 90_010],
  ])('say no more of what is complete than either clock allows, with a clock that is %s', (_, wall, least) => {
    using folder = makeFolder()
    using store = openWith(folder)
    store.append(commitAt(0, T0))
    store.append(commitAt(1_000, wall, wrong))
    store.append(commitAt(2_000, T0 + 2_000))
    stampAll(store)
    expect(all(store)[1]).toMatchObject({ arrival: T0 + 1_000, complete: { plc: { press: least } } })
  })

  it('are complete as far as they were where the machine alone stamps', () => {
    using folder = makeFolder()
    using store = folder.open({ boot: 'boot 1' })
    store.intern([signalSpec('ours')])
    store.append({ ...commitOf([[0, 1]], { complete: unixMs(T0 - 1) }), monotonic: 0 })
    store.append({
      ...commitOf([[0, 1]], { after: -90_000, complete: unixMs(T0 - 90_002), sane: false }),
      monotonic: 10,
    })
    store.append({ ...commitOf([[0, 1]], { after: 20 }), monotonic: 20 })
    stampAll(store)
    expect(all(store)[1]).toMatchObject({ arrival: T0 + 10, complete: { plc: { press: T0 + 8 } } })
  })

  it('of an earlier boot are stamped by what was trusted in it last, and never where nothing was', () => {
    using folder = makeFolder()
    {
      using store = openWith(folder)
      store.append(commitAt(1_000, T0))
      store.append(commitAt(2_000, T0 + 90_000_000, wrong))
    }
    {
      using store = openWith(folder, 'boot 2')
      store.append(commitAt(10, 10, wrong))
      expect(all(store).map(({ waits }) => waits)).toEqual([false, true, true])
    }
    using store = openWith(folder, 'boot 3')
    stampAll(store)
    expect(all(store)).toMatchObject([
      { sane: true, arrival: T0 },
      { sane: true, arrival: T0 + 1_000 },
      { sane: false, waits: false, arrival: 10 },
    ])
  })

  it('are stamped after a restart of the process in the same boot', () => {
    using folder = makeFolder()
    {
      using store = openWith(folder)
      for (let i = 0; i < 40; i++) store.append(commitAt(i, i, wrong))
      store.append(commitAt(100, T0 + 100))
      store.restamp()
    }
    using store = openWith(folder)
    stampAll(store)
    expect(all(store).map(({ arrival }) => arrival)).toEqual([
      ...Array.from({ length: 40 }, (_, i) => T0 + i),
      T0 + 100,
    ])
    expect(all(store).every(({ sane }) => sane)).toBe(true)
  })

  it('wait on where the clock loses trust again before all are stamped', () => {
    using folder = makeFolder()
    using store = openWith(folder)
    for (let i = 0; i < 40; i++) store.append(commitAt(i, i, wrong))
    store.append(commitAt(100, T0 + 100))
    store.restamp()
    store.append(commitAt(200, T0 + 9e9, wrong))
    stampAll(store)
    expect(all(store).filter(({ waits }) => waits)).toHaveLength(25)
    store.append(commitAt(300, T0 + 300))
    stampAll(store)
    expect(all(store).map(({ arrival }) => arrival - T0)).toEqual([
      ...Array.from({ length: 40 }, (_, i) => i),
      100,
      200,
      300,
    ])
  })

  it('that are damaged are given up, and the rest is stamped', () => {
    using folder = makeFolder()
    {
      using store = openWith(folder)
      store.openPool('p')
      for (let i = 0; i < 3; i++) store.append(commitAt(i, i, wrong))
    }
    const db = new Database(databasePath(folder.path))
    db.exec('UPDATE chunk SET crc = crc + 1 WHERE position = 1')
    db.close()
    using store = openWith(folder)
    store.append(commitAt(100, T0 + 100))
    stampAll(store)
    expect(all(store).map(({ arrival, block }) => [arrival - T0, block.times.length])).toEqual([
      [0, 3],
      [1, 0],
      [2, 3],
      [100, 3],
    ])
    expect(store.status(T0).pools.p!.accounts).toMatchObject({ accepted: 12, pending: 9, evicted: { damage: 3 } })
    expect(readingsOf(store)).toHaveLength(9)
  })
})

describe('what the store says of the clock at a start', () => {
  const startOf = (folder: TestFolder, boot: string) => {
    using store = folder.open({ boot })
    return store.startRun([], T0).last_trusted
  }

  it('is the last block that was trusted; by the monotonic clock too where that has gone on', () => {
    using folder = makeFolder()
    expect(startOf(folder, 'boot 1')).toBeNull()
    {
      using store = openWith(folder)
      store.append(commitAt(50, T0 + 50))
    }
    expect(startOf(folder, 'boot 1')).toEqual({ at: T0 + 50, monotonic: 50 })
    expect(startOf(folder, 'boot 2')).toEqual({ at: T0 + 50, monotonic: null })
  })

  it('goes on from there by the monotonic clock where trust was lost', () => {
    using folder = makeFolder()
    {
      using store = openWith(folder)
      store.append(commitAt(50, T0 + 50))
      store.append(commitAt(60, T0 + 9e9, wrong))
    }
    expect(startOf(folder, 'boot 1')).toEqual({ at: T0 + 60, monotonic: 60 })
    expect(startOf(folder, 'boot 2')).toEqual({ at: T0 + 60, monotonic: null })
    {
      using store = openWith(folder, 'boot 2')
      store.append(commitAt(1, 1, wrong))
    }
    expect(startOf(folder, 'boot 3')).toEqual({ at: T0 + 50, monotonic: null })
  })
})

describe('a pool that begins under a clock that is not trusted', () => {
  it('has its stream begin with the first block whose time is known', () => {
    using folder = makeFolder()
    using store = openWith(folder)
    store.append(commitAt(1, T0 + 9e9, wrong))
    expect(store.openPool('p', false).stream_since).toBeNull()
    store.append(commitAt(5, T0 + 9e9 + 4, wrong))
    expect(store.openPool('p').stream_since).toBeNull()
    store.append(commitAt(100, T0 + 100))
    expect(store.openPool('p').stream_since).toBeNull()
    stampAll(store)
    expect(store.openPool('p').stream_since).toBe(T0 + 5)
    expect(store.openPool('p').stream_since).toBe(T0 + 5)
  })

  it('does not wait for blocks whose time will never be known', () => {
    using folder = makeFolder()
    {
      using store = openWith(folder)
      store.openPool('p', false)
      store.append(commitAt(1, 1, wrong))
    }
    using store = openWith(folder, 'boot 2')
    expect(store.openPool('p').stream_since).toBeNull()
    store.append(commitAt(1, T0 + 100))
    expect(store.openPool('p').stream_since).toBe(T0 + 100)
  })
})
