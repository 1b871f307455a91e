import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Clock } from '../../core/clock.ts'

/** What the kernel said of its clock, and the monotonic time (ms) at which it was asked. */
export interface KernelAnswer {
  /** null: nothing here can ask it */
  readonly synchronized: boolean | null
  readonly asked: number
}

/** At most so often (ms) the kernel is asked. */
const EVERY = 15_000
/** A command that says nothing for so long (ms) is given up. */
const PATIENCE = 5_000
/** systemd-timesyncd touches `synchronized` in here each time it has set the clock (systemd-timesyncd.service(8)). */
const TIMESYNC = '/run/systemd/timesync'

/**
 * Whether the kernel's clock follows a time server: its STA_UNSYNC flag (adjtimex(2)), which every NTP daemon clears and
 * which setting the clock by hand raises. timedatectl(1) reads it; where that cannot, as in a container, the file of
 * systemd-timesyncd tells whether it has set the clock since the machine booted. Null where neither is there.
 */
export async function askKernel(command = 'timedatectl', folder = TIMESYNC): Promise<boolean | null> {
  const said = await new Promise<string>((resolve) => {
    const args = ['show', '--property=NTPSynchronized', '--value']
    execFile(command, args, { timeout: PATIENCE }, (error, out) => resolve(error ? '' : out.trim()))
  })
  if (said === 'yes' || said === 'no') return said === 'yes'
  return existsSync(folder) ? existsSync(`${folder}/synchronized`) : null
}

/** What the kernel said last. */
export interface KernelWatch {
  /** The latest answer; where it is old, the next is asked for meanwhile. */
  latest(): KernelAnswer
  /** Asks now. */
  ask(): Promise<void>
}

/** Asks the kernel when somebody wants to know, for that starts a process. */
export function makeKernelWatch(input: {
  readonly clock: Clock
  readonly ask: () => Promise<boolean | null>
}): KernelWatch {
  const { clock } = input
  let latest: KernelAnswer = { synchronized: null, asked: Number.NEGATIVE_INFINITY }
  /** monotonic ms */
  let dueAt = Number.NEGATIVE_INFINITY

  async function ask(): Promise<void> {
    const asked = clock.monotonic()
    dueAt = asked + EVERY
    latest = { synchronized: await input.ask(), asked }
  }
  return {
    latest() {
      if (clock.monotonic() >= dueAt) void ask()
      return latest
    },
    ask,
  }
}
