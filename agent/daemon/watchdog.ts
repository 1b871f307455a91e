import { spawn } from 'node:child_process'
import { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import type { Liveness } from './liveness.ts'

/** A start is put off by this much (ms), again and again, but for no longer than this. */
const EXTENSION = 60_000
const LONGEST_START = 3_600_000

/** Node has no Unix datagram sockets, so `systemd-notify` speaks for us; it waits until systemd has read the message. */
function makeNotify(log: Log): (state: string) => void {
  let complained = false
  return (state) => {
    spawn('systemd-notify', [state], { stdio: 'ignore' }).on('error', (err) => {
      if (!complained) log.warn({ err }, 'systemd-notify cannot be run; systemd will restart the agent')
      complained = true
    })
  }
}

/**
 * Puts systemd's start timeout off while something takes its time (salvage of a large file), so that it is not cut and
 * begun anew for ever; not for something that hangs. Does nothing without NOTIFY_SOCKET.
 */
export async function extendStart<T>(work: Promise<T>, log: Log, every = EXTENSION / 4): Promise<T> {
  if (!process.env.NOTIFY_SOCKET) return work
  const notify = makeNotify(log)
  const began = performance.now()
  const timer = setInterval(() => {
    if (performance.now() - began < LONGEST_START) notify(`EXTEND_TIMEOUT_USEC=${EXTENSION * 1_000}`)
  }, every)
  try {
    return await work
  } finally {
    clearInterval(timer)
  }
}

/** Tells systemd that the agent is ready, alive and stopping (sd_notify(3)). Does nothing without NOTIFY_SOCKET. */
export function startWatchdog(input: {
  readonly liveness: Liveness
  readonly log: Log
  /** settles while the store worker answers; that the disk refuses is an answer, which no restart would better */
  readonly ping: () => Promise<unknown>
}): AsyncDisposable {
  if (!process.env.NOTIFY_SOCKET) return { [Symbol.asyncDispose]: async () => undefined }
  const { liveness, log } = input
  const notify = makeNotify(log)

  async function beat(): Promise<void> {
    const stalled = liveness.stalled()
    if (stalled.length > 0) return log.error({ stalled }, 'loops do not turn; the watchdog is not fed')
    await input.ping().catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error
    })
    notify('WATCHDOG=1')
  }

  const period = Number(process.env.WATCHDOG_USEC ?? 0) / 1_000 / 3
  const timer =
    period > 0 ? setInterval(() => beat().catch((err) => log.error({ err }, 'watchdog')), period) : undefined
  notify('READY=1')
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      notify('STOPPING=1')
    },
  }
}
