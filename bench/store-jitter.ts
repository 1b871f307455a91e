import { setTimeout as delay } from 'node:timers/promises'
import { makeClock } from '../core/clock.ts'
import { openAgentStore } from '../test/support/agent-store.ts'
import { makePlantReadings } from './plant-readings.ts'

/**
 * How late a loop of 10 ms runs, for SECONDS each: alone, making readings and dropping them, and with every reading going
 * to the agent's store, which commits ten times a second: `store-jitter.ts SECONDS`. 1,000 readings a turn. Prints
 * `{bare, stored}`, the 99th percentiles of the lateness, ms.
 */
const seconds = Number(process.argv[2])
const PERIOD = 10
const clock = makeClock()
const plant = makePlantReadings(1_000)
await using agent = await openAgentStore(clock, { max_age: 1e12, keep_raw: 1e12 })
const indexes = await agent.store.intern(plant.signals)
const pending = new Set<Promise<void>>()

async function lateness(store: boolean): Promise<number> {
  const late: number[] = []
  const start = performance.now()
  for (let i = 1; i <= (seconds * 1_000) / PERIOD; i++) {
    const due = start + i * PERIOD
    await delay(Math.max(0, due - performance.now()))
    late.push(performance.now() - due)
    const block = plant.tick(clock.now(), indexes)
    if (!store) continue
    const durable = agent.queue.append({ source: 'plc', block, within_ms: 100 })
    pending.add(durable)
    void durable.finally(() => pending.delete(durable))
  }
  await Promise.all(pending)
  late.sort((a, b) => a - b)
  return late[Math.floor(late.length * 0.99)]!
}

await lateness(false) // compiled once, so that neither pays for it
await lateness(true)
console.log(JSON.stringify({ bare: await lateness(false), stored: await lateness(true) }))
