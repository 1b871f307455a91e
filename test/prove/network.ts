import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { makeClock } from '../../core/clock.ts'
import { type Identity, NETWORK_FAULTS, type NetworkFault, openFaultyProxy } from '../support/faulty-proxy.ts'
import { makeCertificates } from '../support/mosquitto.ts'
import { drained, inspect, subscribed } from './kill.ts'
import { openPlant } from './plant.ts'
import { end, startAgentOf, startPoolOf } from './processes.ts'
import { makeRandom } from './random.ts'

export interface NetworkResult {
  /** connections that met a fault */
  readonly faults: number
  /** of each kind */
  readonly met: Readonly<Record<NetworkFault, number>>
  readonly lost: number
  readonly doubled: number
  readonly ledger_ok: boolean
}

const SPEED = 40

/**
 * Everything a network can do to a delivery, between a real agent and a real pool, until `faults` connections have met
 * something; then the network is good and the backlog drains. The pool must hold every row once.
 */
export async function proveNetwork(options: {
  readonly faults: number
  readonly seed: number
  readonly say: (line: string) => void
}): Promise<NetworkResult> {
  const { faults, say } = options
  const random = makeRandom(options.seed)
  const origin = Date.now()
  const met = Object.fromEntries(NETWORK_FAULTS.map((fault) => [fault, 0])) as Record<NetworkFault, number>
  let total = 0
  let turn = 0
  /** In turn, so that each kind comes; every third connection is left alone, or nothing would ever arrive. */
  function choose(): NetworkFault | null {
    if (total >= faults || turn++ % 3 === 2) return null
    const fault = NETWORK_FAULTS[total++ % NETWORK_FAULTS.length]!
    met[fault]++
    if (total % 50 === 0) say(`network: ${total} faults`)
    return fault
  }

  await using plant = await openPlant(makeClock(SPEED, origin), async (poolPort, folder) => {
    const [identity, stranger] = [
      await makeIdentity(join(folder, 'proxy')),
      await makeIdentity(join(folder, 'stranger')),
    ]
    const proxy = await openFaultyProxy({ target: poolPort, identity, stranger, choose, random })
    return { proxy, url: `https://127.0.0.1:${proxy.port}`, ca: identity.ca }
  })
  await using parts = new AsyncDisposableStack()
  const pool = await startPoolOf(plant)
  parts.defer(() => end(pool, 'SIGKILL'))
  const agent = await startAgentOf(plant, SPEED, origin)
  parts.defer(() => end(agent, 'SIGKILL'))
  await subscribed(plant)
  plant.startPublishing()
  while (total < faults) await delay(100)
  await plant.stopPublishing()
  await drained(plant, say)
  await end(agent)
  const { lost, doubled, ledger_ok } = await inspect(plant, say)
  return { faults: total, met, lost, doubled, ledger_ok }
}

/** A certificate of 127.0.0.1 by an authority of its own, in a new folder; `ca` is the path of the authority's. */
export async function makeIdentity(folder: string): Promise<Identity & { readonly ca: string }> {
  mkdirSync(folder)
  await makeCertificates(folder)
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  return { cert: read('server.pem'), key: read('server.key'), ca: join(folder, 'ca.pem') }
}
