import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Agent } from '../agent/daemon/agent.ts'
import { askAgent } from '../agent/daemon/control.ts'
import { remoteDesk } from '../agent/daemon/outbox-desk.ts'
import { configurePools, openPlantPool } from './support/plant-pool.ts'
import { openSmallPlant, type SmallPlant, untilStatus } from './support/small-plant.ts'

const desk = (plant: SmallPlant) =>
  remoteDesk((argument) => askAgent(plant.path('data/sluice.sock'), 'outbox', argument))

/** Passes everything on to a port, some 500 bytes a second, both ways. */
async function openSlowLink(target: number): Promise<string> {
  const sockets = new Set<Socket>()
  async function trickle(from: Socket, to: Socket): Promise<void> {
    for await (const chunk of from as AsyncIterable<Buffer>)
      for (let at = 0; at < chunk.length; at += 16) {
        if (!to.write(chunk.subarray(at, at + 16))) await once(to, 'drain')
        await delay(32)
      }
    to.end()
  }
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: target, noDelay: true })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      trickle(from, to).catch(() => to.destroy()) // one side is gone, and so is the other
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const untilDelivered = (agent: Agent, pool: string, n: number) =>
  untilStatus(agent, (s) => s.store.pools[pool]!.batches.delivered >= n)

/** Nothing of the pool waits, and it got `n` batches at least. */
const untilAllDelivered = (agent: Agent, pool: string, n: number) =>
  untilStatus(agent, ({ store }) => {
    const { delivered, sealed } = store.pools[pool]!.batches
    return delivered >= n && delivered === sealed
  })

describe('three pools, one down, one slow, one well', () => {
  it('leave alone the delivery to the one that is well', async () => {
    const plant = await openSmallPlant()
    const [well, slow, down] = [
      await openPlantPool(plant, 'well'),
      await openPlantPool(plant, 'slow'),
      await openPlantPool(plant, 'down'),
    ]
    await down.stop()
    configurePools(plant, [down.entry(), slow.entry(await openSlowLink(slow.port)), well.entry()])
    const agent = await plant.start()
    // A batch takes the slow link longer than it takes until the next five are sealed.
    const status = await untilAllDelivered(agent, 'well', 5)
    expect(status.store.pools.well!.batches).toMatchObject({ quarantined: 0, dropped: 0 })
    expect(status.store.pools.slow!.batches.delivered).toBe(0)
    expect(status.delivery.well).toMatchObject({ attempts: 0, fault: null })
    expect(status.delivery.slow!.state).toBe('sending')
    expect(status.delivery.down).toMatchObject({ state: 'retrying', fault: { code: 'pool-unreachable' } })
    expect(status.store.pools.down!.batches).toMatchObject({ delivered: 0 })

    // Each has its own identity, and each gets the same slots in its own batches.
    await down.restart()
    const after = await untilAllDelivered(agent, 'down', 5)
    expect(after.ledger_ok).toBe(true)
    const names = [well, down].map((pool) => pool.report().contributors[0]!)
    expect(names[0]!.contributor).not.toBe(names[1]!.contributor)
    expect(names[0]!.streams[0]!.stream).not.toBe(names[1]!.streams[0]!.stream)
    expect(names.flatMap(({ streams }) => streams.flatMap(({ gaps }) => gaps))).toEqual([])
  }, 120_000)
})

describe('a pool that changes its contract by mistake', () => {
  it('refuses nine batches and holds; with the contract back, later ones go by themselves and the nine on request', async () => {
    const plant = await openSmallPlant()
    const pool = await openPlantPool(plant, 'well')
    await pool.restart((text) => text.replace('range: [0, 200]', 'range: [0, 500]'))
    configurePools(plant, [pool.entry()])
    const agent = await plant.start()
    const held = await untilStatus(agent, (s) => s.delivery.well!.state === 'holding')
    expect(held.store.pools.well!.batches).toMatchObject({ quarantined: 9, delivered: 0, dropped: 0 })
    const open = held.store.alarms.filter((a) => a.until === null).map((a) => `${a.key} ${a.code}`)
    expect(open.toSorted()).toEqual(['delivery:well pool-refusing', 'quarantine:well pool-rejected'])

    await pool.restart()
    const later = await untilDelivered(agent, 'well', 2)
    expect(later.store.pools.well!.batches.quarantined).toBe(9)
    expect(await desk(plant).retry({ pool: 'well' })).toHaveLength(9)
    const after = await untilAllDelivered(agent, 'well', 11)
    expect(after.store.alarms.filter((a) => a.until === null)).toEqual([])
    const { streams } = pool.report().contributors[0]!
    expect(streams).toMatchObject([{ batches: after.store.pools.well!.batches.delivered, gaps: [] }])
  }, 120_000)
})
