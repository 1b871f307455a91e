import { mkdirSync, readdirSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { verifyAudit } from '../agent/cli/audit.ts'
import { askAgent } from '../agent/daemon/control.ts'
import { remotePools } from '../agent/daemon/pool-desk.ts'
import { openSmallPlant, type SmallPlant, untilStatus } from './support/small-plant.ts'

const desk = (plant: SmallPlant) =>
  remotePools((argument) => askAgent(plant.path('data/sluice.sock'), 'pool', argument))
const filesOf = (plant: SmallPlant, suffix: string): readonly string[] =>
  readdirSync(plant.path('outgoing')).filter((name) => name.endsWith(suffix))

describe('a pool that a running agent leaves', () => {
  it('gets nothing more, over a restart, until it is joined again in another stream', async () => {
    const plant = await openSmallPlant()
    mkdirSync(plant.path('outgoing'))
    const agent = await plant.start()
    await untilStatus(agent, (s) => s.store.pools.quality!.batches.delivered >= 2)
    const left = await desk(plant).withdraw('quality')
    expect(left).toMatchObject({ fault: null, withdrawal: { streams: [{ receipt: { kind: 'file' } }] } })
    expect(filesOf(plant, '.parquet')).toEqual([])
    expect(filesOf(plant, '.withdrawal')).toHaveLength(1)
    const { store, gates, ledger_ok } = await agent.status()
    expect(gates.quality).toEqual({ state: 'withdrawn', fault: null, expires: null })
    expect(ledger_ok).toBe(true)
    const { accepted } = store
    const { sealed, queued } = store.pools.quality!.batches
    expect(queued).toBe(0)
    await agent[Symbol.asyncDispose]()

    const again = await plant.start()
    // Three minutes of the plant more, and nothing is sealed.
    const later = await untilStatus(again, (s) => s.store.accepted >= accepted + 72)
    expect(later.store.pools.quality).toMatchObject({ batches: { sealed }, withdrawn: { owed: 0, done: 1 } })
    expect(later.gates.quality!.state).toBe('withdrawn')
    expect(later.store.alarms.filter(({ until }) => until === null)).toEqual([])
    expect(filesOf(plant, '.parquet')).toEqual([])

    expect(await desk(plant).join('quality')).toBe(true)
    const joined = await untilStatus(again, (s) => s.store.pools.quality!.batches.delivered > sealed)
    expect(joined.gates.quality!.state).toBe('open')
    expect(joined.store.pools.quality!.stream).not.toBe(store.pools.quality!.stream)
    expect(joined.ledger_ok).toBe(true)
    expect(filesOf(plant, '.parquet').length).toBeGreaterThan(0)

    // The log tells it all, and can be verified while the agent runs.
    const print = vi.spyOn(console, 'log').mockReturnValue()
    await verifyAudit({ config: plant.config, json: true })
    const found = JSON.parse(String(print.mock.lastCall![0]))
    print.mockRestore()
    expect(found).toMatchObject({ ok: true, problems: [] })
    expect(found.checkpoints.here).toBeGreaterThan(0)
  })
})
