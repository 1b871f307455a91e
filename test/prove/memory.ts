import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
// As the agent is deployed (deploy/sluice.service); counts for threads that start from now on.
setFlagsFromString('--max-semi-space-size=1')
const collectGarbage = runInNewContext('gc') as (how: object) => void

/** Gives what V8 keeps ready for new objects back to the system too. */
const HOW = { type: 'major', execution: 'sync', flavor: 'last-resort' }

/** Resident set of this process in MB once what is garbage is gone. */
export async function settledRss(): Promise<number> {
  // Sockets and timers that are done are let go of between the rounds.
  for (let round = 0; round < 4; round++) {
    collectGarbage(HOW)
    await delay(50)
  }
  return process.memoryUsage.rss() / 1e6
}

export function round1(x: number): number {
  return Math.round(x * 10) / 10
}

/** What this process holds now, for a line of progress. */
export function memory(): string {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
  return `MB: resident ${round1(rss / 1e6)}, heap ${round1(heapUsed / 1e6)} of ${round1(heapTotal / 1e6)}, external ${round1(external / 1e6)}`
}
