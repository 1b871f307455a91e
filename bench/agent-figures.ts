import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { askAgent, socketPath } from '../agent/daemon/control.ts'
import type { AgentStatus } from '../agent/daemon/status.ts'

/** ms from `started` until the agent of this data folder has made a reading durable. @throws Error after 20 s */
export async function firstReading(folder: string, started: number): Promise<number> {
  while (performance.now() - started < 20_000) {
    await delay(5)
    try {
      const status = (await askAgent(socketPath(folder), 'status')) as AgentStatus
      if (status.store.accepted > 0) return performance.now() - started
    } catch {
      // it does not answer yet
    }
  }
  throw new Error('no reading within 20 s')
}

/** User and system time of a process so far, seconds (proc(5), /proc/pid/stat; 100 ticks a second). */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
