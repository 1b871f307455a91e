import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import type { NoiseEntry } from '../core/noise.ts'
import { commitOf, makeFolder, numbered, publicationTo, signalSpec, T0 } from '../test/support/store.ts'
import { readHighWater, writeHighWater } from './high-water.ts'
import type { Store } from './port.ts'

const MINUTE = 60_000
const LATER = unixMs(T0 + 3_600_000)

function begin(store: Store): void {
  store.intern([signalSpec('a')])
  store.openPool('p')
  store.append(commitOf(numbered(0, 10)))
}

/** Seals the slot that ends so many minutes after T0, and charges the window that starts with it. */
function seal(store: Store, minutes: number, noise: Partial<NoiseEntry> = {}): void {
  const entry = {
    charges: [{ signal: 'press/a', start: T0 + (minutes - 1) * MINUTE, micro: 500_000 }],
    counted_from: T0 - MINUTE,
    ...noise,
  }
  store.commitPublication({ ...publicationTo(store, 'p', minutes, { slot: T0 + minutes * MINUTE }), noise: entry })
}

describe('what noise charges', () => {
  it('is committed with its batch, summed up, and forgotten where nothing counts it any more', () => {
    using folder = makeFolder()
    using store = folder.open()
    begin(store)
    expect(store.noise('p')).toEqual({ charges: [], counted_from: null, drawn_until: {} })
    seal(store, 1)
    seal(store, 2, { charges: [{ signal: 'press/a', start: T0, micro: 1 }] })
    expect(store.noise('p')).toEqual({
      charges: [{ signal: 'press/a', start: T0, micro: 500_001 }],
      counted_from: T0 - MINUTE,
      drawn_until: { hourly: T0 + 2 * MINUTE },
    })
    seal(store, 3, { counted_from: T0 + MINUTE })
    expect(store.noise('p').charges).toEqual([{ signal: 'press/a', start: T0 + 2 * MINUTE, micro: 500_000 }])
  })

  it('is not there where the commit failed, but the slot counts as drawn, in this run and the next', () => {
    using folder = makeFolder()
    {
      using store = folder.open()
      begin(store)
      seal(store, 1)
      const publication = publicationTo(store, 'p', 2, { slot: T0 + 2 * MINUTE })
      const noise = { charges: [{ signal: 'press/a', start: T0 + MINUTE, micro: 1 }], counted_from: T0 }
      expect(() => store.commitPublication({ ...publication, ledger: [], noise })).toThrow('accounted')
      expect(store.noise('p')).toMatchObject({ charges: [{ start: T0 }], drawn_until: { hourly: T0 + 2 * MINUTE } })
      expect(readHighWater(folder.path)?.pools.p?.drawn).toEqual({ hourly: T0 + 2 * MINUTE })
    }
    using store = folder.open()
    expect(store.noise('p')).toMatchObject({ charges: [{ start: T0 }], drawn_until: { hourly: T0 + 2 * MINUTE } })
  })

  it('is not known up to now where the high-water file is missing', () => {
    using folder = makeFolder()
    {
      using store = folder.open()
      begin(store)
      seal(store, 1)
    }
    rmSync(join(folder.path, 'high-water'))
    using store = folder.open({ now: LATER })
    expect(store.noise('p')).toEqual({ charges: [], counted_from: LATER, drawn_until: {} })
  })

  it('is not known up to the last lost slot where the database is behind its high-water file', () => {
    using folder = makeFolder()
    {
      using store = folder.open()
      begin(store)
      seal(store, 1)
    }
    const before = readHighWater(folder.path)!
    using other = makeFolder()
    {
      using store = other.open()
      begin(store)
      seal(store, 1)
      seal(store, 2)
    }
    const { pools } = readHighWater(other.path)!
    writeHighWater(folder.path, { ...before, pools })
    using store = folder.open({ now: LATER })
    expect(store.noise('p')).toEqual({
      charges: [],
      counted_from: T0 + 2 * MINUTE,
      drawn_until: { hourly: T0 + 2 * MINUTE },
    })
  })
})
