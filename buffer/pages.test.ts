import { copyFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import { commitOf, makeFolder, numbered, readingsOf, signalSpec, T0, type TestFolder } from '../test/support/store.ts'
import { accountProblems } from './accounts.ts'
import { PAGE } from './database.ts'

const LATER = unixMs(T0 + 7_200_000)
const TOTAL = 5_000
const FRAME = 24 + PAGE
const pathIn = (folder: TestFolder, file: string): string => join(folder.path, file)

/** A copy of the files of an open store with 5,000 readings in 100 commits: as a killed process leaves them. */
function killedFolder(): TestFolder {
  using folder = makeFolder()
  using store = folder.open({ keep_raw: 1e12 })
  store.intern([signalSpec('a')])
  store.openPool('p')
  for (let i = 0; i < 100; i++) store.append(commitOf(numbered(i * 50, 50), { after: i * 1_000 }))
  const copy = makeFolder()
  for (const file of ['sluice.db', 'sluice.db-wal', 'high-water']) {
    copyFileSync(pathIn(folder, file), pathIn(copy, file))
  }
  return copy
}

/** @param at byte, or where negative from the end, for the frames of an empty database come first */
function flipBit(folder: TestFolder, at: number): void {
  const path = pathIn(folder, 'sluice.db-wal')
  const bytes = readFileSync(path)
  bytes[at < 0 ? bytes.length + at : at]! ^= 1
  writeFileSync(path, bytes)
}

describe('a write-ahead log', () => {
  it('that is torn at its end is what a power cut leaves: nothing is damaged', () => {
    using folder = killedFolder()
    const path = pathIn(folder, 'sluice.db-wal')
    truncateSync(path, statSync(path).size - 100)
    using store = folder.open({ now: LATER })
    expect(store.status(LATER).alarms.map(({ code }) => code)).not.toContain('store-damaged')
    expect(readdirSync(folder.path).filter((file) => file.includes('.damaged-'))).toEqual([])
  })

  it.each([
    ['its header', 17],
    ['a frame in its middle', -100 * FRAME + 2_000],
    ['the head of a frame in its middle', -101 * FRAME + 3],
  ])('loses a page or two to a flipped bit in %s, not every commit behind it', (_, at) => {
    using folder = killedFolder()
    flipBit(folder, at)
    using store = folder.open({ now: LATER })
    expect(readingsOf(store).length).toBeGreaterThan(TOTAL - 1_000)
    expect(store.status(LATER).pools.p!.accounts.accepted).toBe(TOTAL)
    expect(accountProblems(store.status(LATER))).toEqual([])
  })

  it('is read where the database is empty, which SQLite would answer by deleting it', () => {
    using folder = killedFolder()
    truncateSync(pathIn(folder, 'sluice.db'), 0)
    using store = folder.open({ now: LATER })
    expect(readingsOf(store)).toEqual(Array.from({ length: TOTAL }, (_, i) => i))
  })
})
