import { spawn } from 'node:child_process'
import { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import type { Liveness } from './liveness.ts'

/**
 * Tells systemd that the agent is ready, alive and stopping (sd_notify(3)). Does nothing without NOTIFY_SOCKET.
 * Node has no Unix datagram sockets, so `systemd-notify` speaks for us; it waits until systemd has read the message.
 */
export function startWatchdog(input: {
  readonly liveness: Liveness
  readonly log: Log
  /** settles while the store worker answers; that the disk refuses is an answer, which no restart would better */
  readonly ping: () => Promise<unknown>
}): AsyncDisposable {
  if (!process.env.NOTIFY_SOCKET) return { [Symbol.asyncDispose]: async () => undefined }
  const { liveness, log } = input
  let complained = false

  function notify(state: string): void {
    spawn('systemd-notify', [state], { stdio: 'ignore' }).on('error', (err) => {
      if (!complained) log.warn({ err }, 'systemd-notify cannot be run; the watchdog will restart the agent')
      complained = true
    })
  }

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
