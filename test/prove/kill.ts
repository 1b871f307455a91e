import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { askAgent, socketPath } from '../../agent/daemon/control.ts'
import type { AgentStatus } from '../../agent/daemon/status.ts'
import { readLake } from '../../agent/demo/summary.ts'
import { accountsAddUp } from '../../buffer/accounts.ts'
import { openStore } from '../../buffer/store.ts'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { countValues } from './numbers.ts'
import { openPlant, type Plant } from './plant.ts'
import { end, kill, startAgentOf, startPoolOf } from './processes.ts'
import { makeRandom } from './random.ts'

export interface KillResult {
  readonly kills: number
  /** how many of them met which */
  readonly killed: Readonly<Record<'agent' | 'pool' | 'broker', number>>
  readonly accepted: number
  /** numbered messages that are in no account, and slots that are missing at the pool */
  readonly lost: number
  /** numbered messages stored twice, and rows that the pool holds twice */
  readonly doubled: number
  readonly ledger_ok: boolean
}

/** Plant time runs this many times as fast as real time, so that ten-second slots come several times a second. */
const SPEED = 40

/**
 * Kills agent, pool and broker with SIGKILL at random moments under load and checks at the end that every numbered message is
 * in the raw log exactly once, that the accounts add up, and that the pool holds each row once and none is missing.
 */
export async function proveKill(options: {
  readonly kills: number
  /** longest time between two, ms */
  readonly longest_ms: number
  readonly seed: number
  readonly say: (line: string) => void
}): Promise<KillResult> {
  const { kills, say } = options
  const random = makeRandom(options.seed)
  const origin = Date.now()
  const clock = makeClock(SPEED, origin)
  say(`kill: ${kills} kills, seed ${options.seed}`)
  await using plant = await openPlant(clock)

  const startAgent = (): Promise<ChildProcess> => startAgentOf(plant, SPEED, origin)
  await using parts = new AsyncDisposableStack()
  let pool = await startPoolOf(plant)
  parts.defer(() => end(pool, 'SIGKILL'))
  let agent = await startAgent()
  parts.defer(() => end(agent, 'SIGKILL'))
  await subscribed(plant)
  plant.startPublishing()
  const killed = { agent: 0, pool: 0, broker: 0 }
  for (let i = 0; i < kills; i++) {
    // From the first moment of a start to well into steady work.
    await delay(20 + random() * (random() < 0.3 ? 200 : options.longest_ms))
    const dice = random()
    if (dice < 0.65) {
      await kill(agent)
      killed.agent++
      if (random() < 0.3) await delay(random() * 1_000)
      if (i + 1 < kills && random() < 0.15) {
        // The broker goes too, with messages that the agent had and did not acknowledge.
        await plant.killBroker()
        killed.broker++
        i++
      }
      agent = await startAgent()
    } else if (dice < 0.9) {
      await kill(pool)
      killed.pool++
      if (random() < 0.3) await delay(random() * 1_000)
      pool = await startPoolOf(plant)
    } else {
      await plant.killBroker()
      killed.broker++
    }
    if ((i + 1) % 10 === 0) say(`kill: ${i + 1} kills, ${plant.published()} messages`)
  }
  say(`kill: ${JSON.stringify(killed)}`)
  await plant.stopPublishing()
  await drained(plant, say)
  await end(agent)
  return { kills, killed, ...(await inspect(plant, say)) }
}

/** Before its first SUBSCRIBE a broker keeps nothing for the agent; that would not be the agent's loss. */
export async function subscribed(plant: Plant): Promise<void> {
  for (;;) {
    await plant.publishIdle()
    const status = (await askAgent(socketPath(plant.dataDir), 'status')) as AgentStatus
    if (status.sources.line!.readings > 0) return
    await delay(20)
  }
}

/** Waits until everything published is at the pool: its newest slot begins after the last message, and no batch waits. */
export async function drained(plant: Plant, say: (line: string) => void): Promise<void> {
  const until = performance.now() + 300_000
  while (performance.now() < until) {
    const rows = (await readLake(plant.lake)).get('counts') ?? []
    const isSealed = rows.some((row) => (row.slot as Date).getTime() > plant.lastAt())
    const status = isSealed ? ((await askAgent(socketPath(plant.dataDir), 'status')) as AgentStatus) : undefined
    if (status?.store.pools[plant.pool]?.batches.queued === 0) return
    await delay(250)
  }
  say('kill: the pool did not get everything in time')
}

/** What is in the agent's folder and in the pool's lake at the end. */
export async function inspect(
  plant: Plant,
  say: (line: string) => void,
): Promise<Omit<KillResult, 'kills' | 'killed'>> {
  using store = openStore({
    data_dir: plant.dataDir,
    boot: 'inspection',
    now: plant.clock.now(),
    max_size: 2e9,
    max_age: 1e12,
    keep_raw: 1e12,
    log: silentLog,
  })
  const seen = countValues(store, 'n')
  let [lost, doubled] = [0, 0]
  for (let n = 1; n <= plant.published(); n++) {
    const times = seen.get(n) ?? 0
    if (times === 0) lost++
    if (times > 1) doubled += times - 1
  }
  say(`kill: ${plant.published()} messages, ${lost} lost, ${doubled} doubled in the raw log`)

  const status = store.status(plant.clock.now())
  const accounts = status.pools[plant.pool]!.accounts
  say(`kill: accounts ${JSON.stringify(accounts)}, batches ${JSON.stringify(status.pools[plant.pool]!.batches)}`)
  for (const [dataset, rows] of await readLake(plant.lake)) {
    const slots = Map.groupBy(rows, (row) => String(row.asset))
    for (const [, own] of slots) {
      const times = own.map((row) => (row.slot as Date).getTime()).sort((a, b) => a - b)
      const distinct = [...new Set(times)]
      const wanted = (distinct.at(-1)! - distinct[0]!) / plant.slot + 1
      doubled += times.length - distinct.length
      lost += wanted - distinct.length
      say(
        `kill: ${dataset}: ${times.length} rows, ${wanted} slots, ${times.length - distinct.length} twice, ${wanted - distinct.length} missing`,
      )
    }
  }
  return { accepted: accounts.accepted, lost, doubled, ledger_ok: accountsAddUp(status) }
}
