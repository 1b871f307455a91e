import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as (how: object) => void

/** Gives what V8 keeps ready for new objects back to the system too. */
const HOW = { type: 'major', execution: 'sync', flavor: 'last-resort' }

/** MB that this process holds. */
export interface Held {
  /** resident set: all threads, what V8 and the allocator keep ready, and libraries in C */
  readonly rss: number
  /** live objects of this thread */
  readonly heap: number
}

/** What this process holds once the garbage of this thread is gone. */
export async function settled(): Promise<Held> {
  // Sockets and timers that are done are let go of between the rounds.
  for (let round = 0; round < 4; round++) {
    collectGarbage(HOW)
    await delay(50)
  }
  const { rss, heapUsed } = process.memoryUsage()
  return { rss: rss / 1e6, heap: heapUsed / 1e6 }
}

export function round1(x: number): number {
  return Math.round(x * 10) / 10
}

/** What this process holds now, for a line of progress. */
export function memory(): string {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
  return `MB: resident ${round1(rss / 1e6)}, heap ${round1(heapUsed / 1e6)} of ${round1(heapTotal / 1e6)}, external ${round1(external / 1e6)}`
}
