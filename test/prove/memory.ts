import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Resident set of this process in MB once what is garbage is gone. */
export async function settledRss(): Promise<number> {
  // Sockets and timers that are done are let go of between the rounds.
  for (let round = 0; round < 4; round++) {
    collectGarbage()
    await delay(50)
  }
  return process.memoryUsage.rss() / 1e6
}

export function round1(x: number): number {
  return Math.round(x * 10) / 10
}
