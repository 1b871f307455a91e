import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import { commitOf, fillWithTexts, makeFolder, numbered, publicationTo, signalSpec, T0 } from '../test/support/store.ts'

const MB = 2 ** 20
/** Pages that are kept for what comes next, and some that hold something. */
const SPARE = 5 * MB
const LATER = unixMs(T0 + 1e12)

describe('the space of a backlog', () => {
  it('of a million readings is back on the disk soon after it was published', { timeout: 60_000 }, () => {
    using folder = makeFolder()
    using store = folder.open()
    store.intern([signalSpec('a')])
    store.openPool('p')
    for (let i = 0; i < 25; i++) {
      const readings = Array.from({ length: 40_000 }, () => [0, Math.random()] as const)
      store.append(commitOf(readings, { after: i * 1_000 }))
    }
    const full = store.status(T0)
    expect(full.accepted).toBe(1_000_000)
    expect(full.disk.file_bytes + full.disk.wal_bytes).toBeGreaterThan(1.4 * SPARE)
    for (let to = 40_000; to <= 1_000_000; to += 40_000) store.commitPublication(publicationTo(store, 'p', to))
    for (let i = 0; i < 5; i++) store.tidy(LATER)
    const { file_bytes, wal_bytes } = store.status(T0).disk
    expect(file_bytes + wal_bytes).toBeLessThan(SPARE)
  })

  it('of many commits does not take a day to go: a call deletes for a while', { timeout: 60_000 }, () => {
    using folder = makeFolder()
    using store = folder.open()
    store.intern([signalSpec('a')])
    store.openPool('p')
    for (let i = 0; i < 600; i++) store.append(commitOf(numbered(i, 1), { after: i }))
    store.commitPublication(publicationTo(store, 'p', 600))
    store.tidy(LATER)
    expect(store.status(T0).disk.oldest_raw).toBe(T0 + 599) // the last block always stays
  })
})

describe('the journal', () => {
  it('stays small while readings are stored, published and deleted', { timeout: 60_000 }, () => {
    using folder = makeFolder()
    using store = folder.open({ max_size: 8e6 })
    store.intern([signalSpec('a')])
    store.openPool('p')
    let longest = 0
    for (let round = 1; round <= 6; round++) {
      fillWithTexts(store, 3e6)
      if (round % 3 === 0) store.commitPublication(publicationTo(store, 'p', store.status(T0).accepted))
      store.blocks(0, 100)
      store.tidy(T0)
      longest = Math.max(longest, store.status(T0).disk.wal_bytes)
    }
    expect(longest).toBeLessThan(5 * MB)
  })

  it('is short again after a commit that was long', () => {
    using folder = makeFolder()
    using store = folder.open()
    store.intern([signalSpec('a')])
    const long = Array.from({ length: 1_200_000 }, () => [0, Math.random()] as const)
    store.append(commitOf(long))
    expect(store.status(T0).disk.wal_bytes).toBeGreaterThan(8 * MB)
    for (let i = 0; i < 3; i++) store.append(commitOf(numbered(i, 1), { after: i }))
    store.tidy(T0)
    expect(store.status(T0).disk.wal_bytes).toBeLessThan(5 * MB)
  })
})
