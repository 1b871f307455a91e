import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { Store } from '../../buffer/port.ts'
import type { Pool, SealedBatch } from '../../core/batch.ts'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { lakeFiles, startReceiver, type TestReceiver } from '../../test/support/receiver.ts'
import { makeSealInput, newKey, POOL } from '../../test/support/sealing.ts'
import { makeFolder, publicationTo, T0, type TestFolder } from '../../test/support/store.ts'
import { openDirectoryPool } from '../../uplink/directory-pool.ts'
import { openHttpPool } from '../../uplink/http-pool.ts'
import { seal } from '../../uplink/seal.ts'
import type { SigningKey } from '../../uplink/signature.ts'
import { runWithdrawal, type WithdrawalInput, withdrawOwed } from './withdraw.ts'

const never = new AbortController().signal
const OTHER = 'OTHER'.padEnd(13, '0')

/** A store that sealed two batches in one stream and one in another, all delivered through `client`. */
async function delivered(folder: TestFolder, key: SigningKey, client: Pool): Promise<Store> {
  const store = folder.open()
  store.openPool(POOL)
  const batches: readonly SealedBatch[] = [{}, { seq: 8 }, { seq: 9, stream: OTHER, contributor: 'D'.repeat(26) }].map(
    (parts) => seal(makeSealInput({ signing: key, ...parts })),
  )
  for (const [i, batch] of batches.entries()) {
    const slot = T0 + (i + 1) * 60_000
    const { expect: before, next, ledger } = publicationTo(store, POOL, 0, { slot })
    store.commitPublication({ pool: POOL, expect: before, next, ledger, batch })
    const verdict = await client.deliver(batch, never)
    if (verdict.kind !== 'accepted') throw verdict.kind === 'retry' ? verdict.fault : new Error(verdict.kind)
    store.settle(POOL, batch.id, { kind: 'delivered', receipt: verdict.receipt, at: T0 })
  }
  return store
}

function inputOf(store: Store, client: Pick<Pool, 'withdraw'>, keys: readonly SigningKey[]): WithdrawalInput {
  return {
    pool: POOL,
    open: async () => ({ withdraw: client.withdraw, [Symbol.asyncDispose]: async () => undefined }),
    store: {
      withdrawal: async (pool) => store.withdrawal(pool),
      noteWithdrawn: async (pool, stream, receipt, at) => store.noteWithdrawn(pool, stream, receipt, at),
    },
    keys: () => keys,
    clock: makeClock(),
    signal: never,
  }
}

const httpPool = (pool: TestReceiver): Pool =>
  openHttpPool({ name: POOL, url: pool.url, receipt_key: pool.receipt_key, timeout: 5_000 })
const withdrawnIn = (store: Store) => store.status(T0).pools[POOL]!.withdrawn
const loggedReceipts = (store: Store) =>
  (store.look({ kind: 'leaves', from: 0, limit: 99 }) as readonly string[])
    .map((text) => JSON.parse(text))
    .filter(({ kind }) => kind === 'withdrawn')

describe('a withdrawal over HTTP', () => {
  it('has the pool delete every stream; receipts are kept and logged, and rows stay disclosed', async () => {
    const plant = newKey()
    await using pool = await startReceiver({ plant: plant.id })
    using folder = makeFolder()
    await using client = httpPool(pool)
    using store = await delivered(folder, plant, client)
    expect(lakeFiles(pool.data)).toHaveLength(3)

    store.withdrawPool(POOL, T0)
    expect(await withdrawOwed(inputOf(store, client, [plant]))).toBeNull()
    expect(lakeFiles(pool.data)).toEqual([])
    expect(withdrawnIn(store)).toMatchObject({ owed: 0, done: 2 })
    expect(loggedReceipts(store)).toMatchObject([
      { receipt: { kind: 'signed', batches: 1 } },
      { receipt: { kind: 'signed', batches: 2 } },
    ])
    expect(store.status(T0).pools[POOL]!.batches).toMatchObject({ sealed: 3, delivered: 3 })
  })

  it('waits for a pool that is away, over a restart, and goes on with what is owed', async () => {
    const plant = newKey()
    await using pool = await startReceiver({ plant: plant.id })
    using folder = makeFolder()
    {
      await using client = httpPool(pool)
      using store = await delivered(folder, plant, client)
      store.withdrawPool(POOL, T0)
      let asked = 0
      const once: Pick<Pool, 'withdraw'> = {
        async withdraw(w, signal) {
          if (asked++ === 1) await pool.stop()
          return client.withdraw(w, signal)
        },
      }
      expect(await withdrawOwed(inputOf(store, once, [plant]))).toMatchObject({ code: 'pool-unreachable' })
      expect(withdrawnIn(store)).toMatchObject({ owed: 1, done: 1 })
    }
    await pool.restart()
    using store = folder.open()
    await using client = httpPool(pool)
    const withdraw = vi.fn(client.withdraw)
    expect(await withdrawOwed(inputOf(store, { withdraw }, [plant]))).toBeNull()
    expect(withdraw).toHaveBeenCalledOnce()
    expect(lakeFiles(pool.data)).toEqual([])
  })

  it('signs with the key that the pool knows, be it one of before', async () => {
    const [old, next] = [newKey(), newKey()]
    await using pool = await startReceiver({ plant: old.id })
    using folder = makeFolder()
    await using client = httpPool(pool)
    using store = await delivered(folder, old, client)
    store.withdrawPool(POOL, T0)
    expect(await withdrawOwed(inputOf(store, client, [next]))).toMatchObject({ code: 'pool-identity' })
    expect(await withdrawOwed(inputOf(store, client, [next, old]))).toBeNull()
    expect(withdrawnIn(store)).toMatchObject({ owed: 0 })
  })
})

describe('a withdrawal from a folder', () => {
  it('leaves a signed file a stream, and takes away what lies there', async () => {
    const plant = newKey()
    using folder = makeFolder()
    const dir = join(folder.path, 'outgoing')
    mkdirSync(dir)
    await using client = openDirectoryPool({ name: POOL, dir, volume_size: 20_000 })
    using store = await delivered(folder, plant, client)
    store.withdrawPool(POOL, T0)
    expect(await withdrawOwed(inputOf(store, client, [plant]))).toBeNull()
    const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).map((name) => name.split('/').at(-1)!)
    expect(files.filter((name) => name.includes('.parquet'))).toEqual([])
    expect(files.filter((name) => name.endsWith('.withdrawal'))).toHaveLength(2)
    expect(files.filter((name) => name.endsWith('.withdrawal.sig'))).toHaveLength(2)
    expect(loggedReceipts(store)).toMatchObject([{ receipt: { kind: 'file' } }, { receipt: { kind: 'file' } }])
  })
})

describe('what goes on until it is complete', () => {
  it('tries again for as long as it takes, with one alarm that ends', async () => {
    const plant = newKey()
    await using pool = await startReceiver({ plant: plant.id })
    using folder = makeFolder()
    await using client = httpPool(pool)
    using store = await delivered(folder, plant, client)
    store.withdrawPool(POOL, T0)
    await pool.stop()
    const alarm = vi.fn()
    let slept = 0
    const clock = {
      ...makeClock(),
      async sleep() {
        slept++
        if (slept === 3) await pool.restart()
      },
    }
    // On another port, as the reference pool of the test comes back.
    const late: Pick<Pool, 'withdraw'> = {
      async withdraw(w, signal) {
        await using now = slept < 3 ? undefined : httpPool(pool)
        return await (now ?? client).withdraw(w, signal)
      },
    }
    await runWithdrawal({ ...inputOf(store, late, [plant]), clock, log: silentLog, alarm })
    expect(slept).toBe(3)
    expect(alarm.mock.calls.map(([fault]) => fault?.code ?? null)).toEqual(['pool-unreachable', null])
    expect(lakeFiles(pool.data)).toEqual([])
  })
})
