import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { LoadedConfig } from '../../config/load.ts'
import { Fault, type FaultCode } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { batchOf, T0 } from '../../test/support/store.ts'
import { makeStoreClient } from '../../test/support/store-client.ts'
import { problemType } from '../../uplink/problem.ts'
import { newSigningKey } from '../../uplink/signature.ts'
import { makeLiveness } from './liveness.ts'
import { makePools, type Pools } from './pools.ts'
import type { StoreClient } from './store-client.ts'

/** One pool whose policy is missing, so that its gate says no more than that the pool could be started. */
function makeLake(input: {
  readonly store: Partial<StoreClient>
  /** what else is configured of it */
  readonly pool?: object
  readonly alarm?: (key: string, fault: Fault | null) => void
}): { readonly pools: Pools; readonly clock: ReturnType<typeof makeFakeClock>; readonly stop: () => Promise<void> } {
  const clock = makeFakeClock()
  const ended = new AbortController()
  const gate = { kind: 'shut', fault: new Fault('policy-missing', {}, 'no policy') }
  const pools = makePools({
    loaded: { pools: { lake: { config: undefined, gate, ...input.pool } } } as unknown as LoadedConfig,
    store: makeStoreClient({ withdrawal: async () => null, noteGate: async () => undefined, ...input.store }),
    max_sealed_ahead: 0,
    clock,
    log: silentLog,
    liveness: makeLiveness(clock),
    signal: ended.signal,
    isSane: () => true,
    alarm: input.alarm ?? (() => undefined),
  })
  return {
    pools,
    clock,
    async stop() {
      ended.abort()
      await pools.done()
    },
  }
}

/** The pool's gate and the alarms raised, after starts that fail with these codes and an hour. */
async function startWith(codes: readonly FaultCode[]) {
  const left = [...codes]
  const alarms: (string | undefined)[] = []
  const { pools, clock, stop } = makeLake({
    store: {
      async openPool() {
        const code = left.shift()
        if (code) throw new Fault(code, {}, 'not now')
        return undefined as never
      },
    },
    alarm: (_, fault) => alarms.push(fault?.code),
  })
  await pools.start('lake')
  await clock.advance(3_600_000)
  await stop()
  return { code: pools.gates().lake?.fault?.code, alarms }
}

it('starts a pool again when what kept it from that may have passed, and says it once', async () => {
  expect(await startWith(['store-full', 'store-full', 'store-locked', 'store-io'])).toEqual({
    code: 'policy-missing',
    alarms: ['store-full', 'store-locked', 'store-io', 'policy-missing'],
  })
})

it('leaves to a person what only a person can mend', async () => {
  expect(await startWith(['key-invalid'])).toEqual({ code: 'key-invalid', alarms: ['key-invalid'] })
})

it('shuts the gate of a pool that says it is over, and has its accounts end', async () => {
  const server = createServer((_, res) => {
    res.writeHead(410, { 'content-type': 'application/problem+json' })
    res.end(JSON.stringify({ type: problemType('pool-closed') }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const config = { url, receipt_key: '', timeout: 5_000, order: 'oldest_first' }
  const calls: string[] = []
  const lake = makeLake({
    pool: { config, tls_files: {} },
    store: {
      openPool: async () => undefined as never,
      status: async () => ({ pools: {} }) as never,
      nextBatch: async () => batchOf('lake', 0),
      unburied: async () => [],
      clearAlarm: async () => undefined,
      closeGate: async (pool) => void calls.push(`closeGate ${pool}`),
      retirePool: async (pool) => void calls.push(`retirePool ${pool}`),
    },
    alarm: (key, fault) => calls.push(`${key} ${fault?.code}`),
  })
  await using pools = lake.pools
  await pools.start('lake')
  await pools.done() // nobody stops it: with the pool all that goes on for it is over
  expect(calls).toEqual(['gate:lake policy-missing', 'closeGate lake', 'retirePool lake', 'gate:lake pool-closed'])
  expect(pools.gates().lake).toMatchObject({ state: 'shut', fault: { code: 'pool-closed' } })
})

it.each([
  { name: 'certificate cannot be read, whatever former keys there are', refusals: 0, code: 'pool-tls' },
  { name: 'alarms cannot be ended at the order', refusals: 1, code: 'store-io' },
])('goes on asking a left pool whose $name', async ({ refusals, code }) => {
  const absent = join(tmpdir(), 'sluice-no-such-folder', 'file')
  const config = { url: 'https://127.0.0.1:1', receipt_key: '', timeout: 5_000, signing_key: newSigningKey() }
  const stream = { stream: 'S'.repeat(13), epoch: 0, contributor: 'C'.repeat(26), datasets: [], receipt: null }
  const left = { since: T0, streams: [stream] }
  const alarms: string[] = []
  let asked = 0
  let refused = 0
  const { pools, clock, stop } = makeLake({
    pool: { config, tls_files: { ca: absent }, signing_file: absent },
    store: {
      closeGate: async () => undefined,
      withdrawPool: async () => left,
      withdrawal: async () => {
        asked++
        return left
      },
      async clearAlarm() {
        if (refused++ < refusals) throw new Fault('store-io', {}, 'not now')
      },
    },
    alarm: (key, fault) => alarms.push(`${key} ${fault?.code}`),
  })
  const { fault } = await pools.withdraw('lake')
  expect(fault).toMatchObject({ code })
  const before = asked
  await clock.advance(3_600_000)
  expect(asked).toBeGreaterThan(before)
  expect(alarms).toEqual(['withdrawal:lake pool-tls'])
  await stop()
})

it('keeps a gate shut whose key was destroyed, whoever joins the pool again', async () => {
  const { pools, stop } = makeLake({
    store: {
      openPool: async () => undefined as never,
      closeGate: async () => undefined,
      joinPool: async () => true,
      clearAlarm: async () => undefined,
    },
  })
  await pools.start('lake')
  await pools.keepShut('lake', new Fault('key-missing', {}, 'the plant key was destroyed'))
  await pools.join('lake')
  expect(pools.gates().lake?.fault?.code).toBe('key-missing')
  await stop()
})
