import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { expect, it } from 'vitest'
import { accountProblems } from '../../buffer/accounts.ts'
import type { StoreStatus } from '../../buffer/port.ts'
import { unixMs } from '../../core/brand.ts'
import { silentLog } from '../../core/log.ts'
import { makeBlockBuilder } from '../../core/reading-block.ts'
import { contractOf, planOf, policyOf, signalOf } from '../../test/support/disclosure.ts'
import { eventually } from '../../test/support/eventually.ts'
import { type FakeClock, makeFakeClock } from '../../test/support/fake-clock.ts'
import { gateOf } from '../../test/support/publishing.ts'
import { makeFolder } from '../../test/support/store.ts'
import { openDirectoryPool } from '../../uplink/directory-pool.ts'
import { makeBell } from './bell.ts'
import { startCourier } from './deliver.ts'
import { makeLiveness } from './liveness.ts'
import { openStoreClient } from './store-client.ts'

const MINUTE = 60_000
const ZSTD = { ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes) }
const contract = contractOf(
  {
    stream: {
      kind: 'stream',
      grid: '1m',
      cadence: '1m',
      columns: { oil: { meaning: 'm', stat: 'mean', unit: 'Cel', range: [0, 200], step: 0.1 } },
    },
  },
  { grace: '1s', max_wait: '1m' },
)
const signals = [signalOf('press-7/oil', { unit: 'Cel', cadence: { kind: 'periodic', every: 10_000 } })]
const plan = planOf(contract, policyOf({ stream: { oil: { from: '{asset}/oil', range: [0, 100], step: 1 } } }), signals)

/**
 * The agent runs in `folder` for some minutes: store worker, publisher and courier, and a reading every ten seconds.
 * @param value of all of them
 */
async function live(
  folder: string,
  clock: FakeClock,
  input: { readonly minutes: number; readonly value: number; readonly pool: string },
): Promise<StoreStatus> {
  const stop = new AbortController()
  const wake = makeBell(clock)
  const store = await openStoreClient(
    { data_dir: join(folder, 'data'), boot: clock.boot, now: clock.now(), max_size: 64e6, max_age: 1e12, keep_raw: 0 },
    {
      sealed: () => wake.ring(),
      shut(_, fault) {
        throw fault
      },
      died(error) {
        throw error
      },
    },
    silentLog,
  )
  await store.startRun(['plc'], clock.now())
  const [index] = await store.intern(signals)
  await store.openPool('p')
  await store.openGate(gateOf('p', plan))
  const courier = startCourier({
    pool: 'p',
    client: openDirectoryPool({ name: 'p', dir: join(folder, input.pool) }),
    store,
    order: 'fresh_first',
    schedule: { closedUntil: () => undefined },
    allowance: { charge: async () => undefined },
    longest_rest: MINUTE,
    onClosed: async () => undefined,
    refused: [],
    wake,
    clock,
    log: silentLog,
    liveness: makeLiveness(clock),
    signal: stop.signal,
  })
  for (let minute = 0; minute < input.minutes; minute++) {
    const builder = makeBlockBuilder()
    for (let s = 0; s < MINUTE; s += 10_000) builder.add(index!, clock.now() + s, input.value)
    await clock.advance(MINUTE)
    const block = builder.take(clock.now(), { 'press-7': clock.now() })
    const commit = {
      marks: [],
      outages: [],
      counts: [],
      sane: true,
      arrival: clock.now(),
      monotonic: clock.monotonic(),
    }
    await store.append({ ...commit, blocks: [{ source: 'plc', block }] })
    // The slot before is closed by now; all that is sealed is delivered before time goes on.
    const delivered = async (): Promise<void> => {
      const { cursor, batches } = (await store.status(clock.now())).pools.p!
      expect(cursor.sealed_until.stream ?? clock.now()).toBeGreaterThan(clock.now() - 2 * MINUTE)
      expect(batches.queued).toBe(0)
    }
    await eventually(delivered)
  }
  const status = await store.status(clock.now())
  stop.abort()
  await courier.done
  await store[Symbol.asyncDispose]()
  return status
}

/** Slot (UnixMs) → what the pool was told of it, over all its files. */
async function rowsOf(folder: string): Promise<ReadonlyMap<number, readonly unknown[]>> {
  const rows = new Map<number, unknown[]>()
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.parquet'))) {
    const { buffer } = new Uint8Array(readFileSync(join(folder, file)))
    for (const { slot, oil } of await parquetReadObjects({ file: buffer, compressors: ZSTD }))
      rows.set(Number(slot), [...(rows.get(Number(slot)) ?? []), oil])
  }
  return rows
}

it('puts no second row into the pool from a data folder that was put back as it was, and goes on', {
  timeout: 30_000,
}, async () => {
  using folder = makeFolder()
  const at = (name: string): string => join(folder.path, name)
  mkdirSync(at('pool'))
  const clock = makeFakeClock()
  const begun = clock.now()
  await live(folder.path, clock, { minutes: 2, value: 20, pool: 'pool' })
  cpSync(at('data'), at('image'), { recursive: true })
  await live(folder.path, clock, { minutes: 12, value: 40, pool: 'pool' })
  rmSync(at('data'), { recursive: true })
  cpSync(at('image'), at('data'), { recursive: true })
  await clock.advance(10 * MINUTE)
  const back = clock.now()
  const status = await live(folder.path, clock, { minutes: 4, value: 60, pool: 'pool' })

  const rows = await rowsOf(at('pool'))
  expect([...rows.values()].filter((row) => row.length > 1)).toEqual([])
  const told = (from: number, minutes: number) =>
    Array.from({ length: minutes }, (_, i) => rows.get(from + i * MINUTE)?.[0])
  expect(told(begun, 2)).toEqual(Array(2).fill(20))
  expect(told(begun + 2 * MINUTE, 11)).toEqual(Array(11).fill(40))
  // The first block of the run came at the end of its first minute.
  expect(told(back + MINUTE, 2)).toEqual(Array(2).fill(60))
  expect(accountProblems(status)).toEqual([])
  expect(status.alarms.map(({ code }) => code)).toContain('store-restored')
  expect(status.pools.p!.stream_since).toBe(unixMs(back + MINUTE))
})
