import { describe, expect, it } from 'vitest'
import type { LoadedConfig } from '../../config/load.ts'
import { Fault } from '../../core/fault.ts'
import { commitOf, makeFolder, numbered, signalSpec, T0 } from '../../test/support/store.ts'
import { makeStoreClient } from '../../test/support/store-client.ts'
import { retirePools } from './retire.ts'

const POOL = {
  policy_file: undefined,
  noised_elsewhere: new Map(),
  config: undefined,
  gate: { kind: 'shut', fault: new Fault('policy-missing', {}, '') },
} as const
const PROBLEM = { file: 'sluice.yaml', line: 1, column: 1, path: 'pool', message: '', hint: '', source: null }

/** A folder whose last run had the pools `p1` and `old`, after a start with a configuration like this. */
async function startedWith(loaded: Pick<LoadedConfig, 'pools' | 'problems'>) {
  using folder = makeFolder()
  using store = folder.open()
  store.intern([signalSpec('a')])
  for (const pool of ['p1', 'old']) store.openPool(pool)
  store.append(commitOf(numbered(0, 3)))
  for (const key of ['gate:old', 'delivery:old', 'delivery:p1', 'gate:gone', 'store'])
    store.raiseAlarm({ key, code: 'pool-identity', message: '', at: T0 })
  const client = makeStoreClient({
    retirePools: async (names) => store.retirePools(names),
    status: async (now) => store.status(now),
    clearAlarm: async (key, at) => store.clearAlarm(key, at),
  })
  await retirePools(client, loaded, T0)
  store.append(commitOf(numbered(3, 2), { after: 1_000 }))
  const { pools, alarms } = store.status(T0)
  return {
    accepted: Object.fromEntries(Object.entries(pools).map(([name, { accounts }]) => [name, accounts.accepted])),
    open: alarms
      .filter(({ until }) => until === null)
      .map(({ key }) => key)
      .sort(),
  }
}

describe('a start', () => {
  it('retires the pools that are not configured and ends their alarms', async () => {
    expect(await startedWith({ pools: { p1: POOL }, problems: [] })).toEqual({
      accepted: { p1: 5, old: 3 },
      open: ['delivery:p1', 'store'],
    })
  })

  it('retires all where the configuration is right and has none', async () => {
    expect((await startedWith({ pools: {}, problems: [] })).accepted).toEqual({ p1: 3, old: 3 })
  })

  it('retires none where the configuration is wrong and names none', async () => {
    expect(await startedWith({ pools: {}, problems: [PROBLEM] })).toMatchObject({
      accepted: { p1: 5, old: 5 },
      open: ['delivery:old', 'delivery:p1', 'gate:gone', 'gate:old', 'store'],
    })
  })
})
