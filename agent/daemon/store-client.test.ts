import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { commitOf, signalSpec, T0 } from '../../test/support/store.ts'
import { openStoreClient } from './store-client.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-client-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A store in its worker, and the news it sends. */
async function open(data_dir = folder) {
  const shut = Promise.withResolvers<{ pool: string; fault: Fault }>()
  const died: Error[] = []
  const store = await openStoreClient(
    { data_dir, boot: 'test', now: T0, max_size: 64e6, max_age: 86_400_000, keep_raw: 0, machine: null },
    {
      sealed: () => undefined,
      shut: (pool, fault) => shut.resolve({ pool, fault }),
      died: (error) => died.push(error),
    },
    silentLog,
  )
  return { store, shut: shut.promise, died }
}

describe('the store in its worker', () => {
  it('stores and tells, also after it was closed and opened again', async () => {
    const first = await open()
    const { instance } = await first.store.startRun(['plc'], T0)
    await first.store.openPool('lake')
    expect(await first.store.intern([signalSpec('force'), signalSpec('heat')])).toEqual([0, 1])
    const readings = [
      [0, 1.5],
      [1, 20],
    ] as const
    const hash = new Uint8Array(32).fill(7)
    const mark = { session: 's', packet_id: 3, hash }
    const memos = [{ source: 'plc', key: 'learnt a', value: 'holes' }]
    expect(await first.store.append(commitOf(readings, { marks: [mark], memos }))).toEqual({
      seq: 0,
      n: 2,
      evicted: [],
    })
    expect(await first.store.append(commitOf(readings, { after: 1_000 }))).toMatchObject({ seq: 2, n: 2 })
    expect((await first.store.status(T0)).accepted).toBe(4)
    await first.store[Symbol.asyncDispose]()
    expect(first.died).toEqual([])

    const second = await open()
    await using store = second.store
    expect(await store.startRun(['plc'], T0)).toMatchObject({ instance })
    expect(await store.marks('s')).toMatchObject([{ packet_id: 3, hash }])
    expect(await store.memos('plc', 'learnt ')).toEqual(new Map([['learnt a', 'holes']]))
    const { accepted, pools } = await store.status(T0)
    expect(accepted).toBe(4)
    expect(pools.lake!.accounts).toMatchObject({ accepted: 4, pending: 4, disclosed: 0 })
  })

  it('answers calls in order, however many are on their way', async () => {
    const { store: opened } = await open()
    await using store = opened
    await store.startRun(['plc'], T0)
    await store.intern([signalSpec('force')])
    const stored = await Promise.all(
      Array.from({ length: 50 }, (_, i) => store.append(commitOf([[0, i]], { after: i }))),
    )
    expect(stored.map((s) => s.seq)).toEqual(Array.from({ length: 50 }, (_, i) => i))
  })

  it('is a Fault where another agent has the folder, and leaves that one alone', async () => {
    const { store: opened, died } = await open()
    await using store = opened
    const error = await open().catch((e: unknown) => e)
    expect(error).toBeInstanceOf(Fault)
    expect(error).toMatchObject({ code: 'store-locked', fate: 'refuses' })
    expect(died).toEqual([])
    expect((await store.status(T0)).accepted).toBe(0)
  })

  it('is a Fault where the folder cannot be used', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(open(join(folder, 'file', 'data'))).rejects.toBeInstanceOf(Fault)
  })

  it('hands a bug on as an error, and goes on', async () => {
    const { store: opened, died } = await open()
    await using store = opened
    await store.startRun(['plc'], T0)
    await expect(store.settle('nobody', 'X' as never, undefined as never)).rejects.toThrow()
    expect((await store.status(T0)).accepted).toBe(0)
    expect(died).toEqual([])
  })

  it('shuts a gate that cannot be opened, and goes on', async () => {
    const { store: opened, shut } = await open()
    await using store = opened
    await store.startRun(['plc'], T0)
    await store.openGate({
      pool: 'lake',
      plan: {} as never,
      plant_key: new Uint8Array(32),
      signing_key: 'not a key',
      policy: {},
      contract: { id: 'lake', sha256: '' },
      size_class: {},
      max_sealed_ahead: 0,
      max_skew: 0,
    })
    const { pool, fault } = await shut
    expect(pool).toBe('lake')
    expect(fault).toMatchObject({ code: 'key-invalid' })
    expect((await store.status(T0)).accepted).toBe(0)
  })
})
