import { describe, expect, it } from 'vitest'
import type { StoredBlock } from '../core/stored-block.ts'
import { commitOf, makeFolder, signalSpec, T0, type TestFolder } from '../test/support/store.ts'
import { plainBlocks, recentSpan, storedBlockOf } from './plain-block.ts'
import type { Store } from './port.ts'
import { readTables } from './read-status.ts'

/** Ten commits of two readings, a second apart. */
function filled(folder: TestFolder): Store {
  const store = folder.open()
  store.intern([signalSpec('a'), signalSpec('b')])
  for (let i = 0; i < 10; i++)
    store.append(
      commitOf(
        [
          [0, i],
          [1, i % 3 === 0 ? null : `text ${i}`],
        ],
        { after: i * 1_000, complete: T0 },
      ),
    )
  return store
}

describe('the recent part of the log', () => {
  it.each([
    ['the latest seconds', 3_500, 1_000, { position: 6, seq: 12, readings: 8, from: T0 + 6_000 }],
    ['all where that is less', 60_000, 1_000, { position: 0, seq: 0, readings: 20, from: T0 }],
    ['the latest readings where those are fewer', 60_000, 5, { position: 8, seq: 16, readings: 4, from: T0 + 8_000 }],
    ['the last block at least', 1, 1, { position: 9, seq: 18, readings: 2, from: T0 + 9_000 }],
  ])('is %s', (_, span, most, wanted) => {
    using folder = makeFolder()
    filled(folder)[Symbol.dispose]()
    const found = readTables(folder.path, (tables) => recentSpan(tables, span, most))
    expect(found).toEqual({ ...wanted, last: 9, until: T0 + 9_000 })
  })

  it('ends with the last time that was trusted, where the clock has gone back since', () => {
    using folder = makeFolder()
    const store = filled(folder)
    for (const i of [0, 1, 2]) store.append({ ...commitOf([[0, i]], { after: i - 3_600_000 }), sane: false })
    store[Symbol.dispose]()
    const found = readTables(folder.path, (tables) => recentSpan(tables, 3_500, 1_000))
    expect(found).toEqual({ position: 6, seq: 12, readings: 11, from: T0 + 6_000, last: 12, until: T0 + 9_000 })
  })

  it('is nothing where nothing is stored', () => {
    using folder = makeFolder()
    folder.open()[Symbol.dispose]()
    expect(readTables(folder.path, (tables) => recentSpan(tables, 1_000, 1_000))).toBeNull()
  })
})

it('blocks are the same once JSON has said them', () => {
  using folder = makeFolder()
  const store = filled(folder)
  const stored: readonly StoredBlock[] = store.blocks(0, 100)
  store[Symbol.dispose]()
  const plain = readTables(folder.path, (tables) => plainBlocks(tables, 0, 100))
  const told = (JSON.parse(JSON.stringify(plain)) as typeof plain).map(storedBlockOf)
  const content = ({ block: { complete_until: _, ...block }, ...head }: StoredBlock) => ({ ...head, block })
  expect(told.map((block) => content(block!))).toEqual(stored.map(content))
})
