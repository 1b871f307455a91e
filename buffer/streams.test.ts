import { cpSync, rmSync } from 'node:fs'
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
import { readHighWater } from './high-water.ts'
import type { Store } from './port.ts'

const MINUTE = 60_000
const LATER = unixMs(T0 + 3_600_000)

/** A folder with readings of which one batch was sealed, closed. */
function usedFolder(): TestFolder {
  const folder = makeFolder()
  using store = folder.open()
  store.intern([signalSpec('a')])
  store.openPool('p')
  store.append(commitOf(numbered(0, 10)))
  store.commitPublication(publicationTo(store, 'p', 2, { slot: T0 + MINUTE }))
  return folder
}

/** The run after that: it seals the slot before its first block, or after it, and has three readings of its own. */
function resume(folder: TestFolder, slots: readonly number[], sane = true): Store {
  const store = folder.open({ now: LATER })
  store.append(commitOf(numbered(10, 3), { after: LATER - T0, sane }))
  for (const [i, slot] of slots.entries()) store.commitPublication(publicationTo(store, 'p', 3 + i, { slot }))
  return store
}

const statesOf = (store: Store): readonly string[] => store.outbox({ pool: 'p' }).map(({ state }) => state)

describe('a batch that the pool holds with other bytes', () => {
  it('begins new streams with what this run stored, and keeps what it sealed of earlier slots', () => {
    using folder = usedFolder()
    using store = resume(folder, [T0 + 2 * MINUTE])
    const before = store.openPool('p')
    const number = store.nextSeq('p', 'hourly', 0)
    expect(store.disown('p', store.nextBatch('p', { of: 'this_run' })!.id, LATER)).toBe('renewed')
    const after = store.openPool('p')
    expect(after.stream_secret).not.toEqual(before.stream_secret)
    expect(after).toMatchObject({ stream_since: LATER, cursor: { raw_seq: 3, sealed_until: { hourly: LATER } } })
    expect(store.nextSeq('p', 'hourly', 0)).not.toBe(number)
    // Newest first: what this run sealed, and what an earlier one did, whose bytes the pool may have.
    expect(statesOf(store)).toEqual(['quarantined', 'queued'])
    expect(store.status(LATER).alarms.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['store:restored', 'quarantine:p']),
    )
    expect(accountProblems(store.status(LATER))).toEqual([])
  })

  it('leaves in the queue what no other life can have sealed, and does not seal it again', () => {
    using folder = usedFolder()
    using store = resume(folder, [T0 + 2 * MINUTE, LATER + MINUTE])
    expect(store.disown('p', store.nextBatch('p', { of: 'this_run' })!.id, LATER)).toBe('renewed')
    expect(statesOf(store)).toEqual(['queued', 'quarantined', 'queued'])
    expect(store.openPool('p').cursor.sealed_until).toEqual({ hourly: LATER + MINUTE })
  })

  it('waits for a clock that is trusted', () => {
    using folder = usedFolder()
    using store = resume(folder, [T0 + 2 * MINUTE], false)
    store.disown('p', store.nextBatch('p', { of: 'this_run' })!.id, LATER)
    expect(store.openPool('p')).toMatchObject({ stream_since: null, cursor: { sealed_until: {} } })
    expect(statesOf(store)).toEqual(['quarantined', 'queued'])
    store.append(commitOf(numbered(13, 1), { after: LATER - T0 + 10_000 }))
    while (store.restamp());
    expect(store.openPool('p').stream_since).toBe(LATER)
  })

  it('says nothing where an earlier run sealed it, and is the pool’s mistake in a stream that began for it', () => {
    using folder = usedFolder()
    using store = resume(folder, [T0 + 2 * MINUTE])
    const secret = store.openPool('p').stream_secret
    expect(store.disown('p', store.nextBatch('p')!.id, LATER)).toBe('old')
    expect(store.openPool('p').stream_secret).toEqual(secret)
    const batch = store.nextBatch('p', { of: 'this_run' })!
    store.disown('p', batch.id, LATER)
    expect(store.disown('p', batch.id, LATER)).toBe('old')
    store.commitPublication(publicationTo(store, 'p', 4, { slot: LATER + MINUTE }))
    const renewed = store.openPool('p').stream_secret
    expect(store.disown('p', store.nextBatch('p', { of: 'this_run' })!.id, LATER)).toBe('wrong')
    expect(store.openPool('p').stream_secret).toEqual(renewed)
  })

  it('is remembered by the high-water file', () => {
    using folder = usedFolder()
    {
      using store = resume(folder, [T0 + 2 * MINUTE])
      store.disown('p', store.nextBatch('p', { of: 'this_run' })!.id, LATER)
      store.nextBatch('p')
      expect(readHighWater(folder.path)!.pools.p!.datasets).toEqual({ hourly: { slot: LATER, last: null } })
    }
    using store = folder.open({ now: LATER })
    expect(store.openPool('p')).toMatchObject({ stream_since: LATER, cursor: { sealed_until: { hourly: LATER } } })
  })
})

it('numbers batches in a folder that was put back as it did before', () => {
  using folder = usedFolder()
  const image = join(folder.path, 'image')
  const files = ['sluice.db', 'high-water'].map((file) => [join(folder.path, file), join(image, file)] as const)
  for (const [file, copy] of files) cpSync(file, copy)
  const numbers = (): readonly number[] => {
    using store = folder.open({ now: LATER })
    return [store.nextSeq('p', 'hourly', 0), store.nextSeq('p', 'hourly', 1), store.nextSeq('p', 'daily', 1)]
  }
  const before = numbers()
  for (const [file, copy] of files) cpSync(copy, file)
  rmSync(image, { recursive: true })
  expect(numbers()).toEqual(before)
  expect(new Set(before).size).toBe(3)
})
