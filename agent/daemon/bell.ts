import type { Clock } from '../../core/clock.ts'

/** Wakes a loop that sleeps. */
export interface Bell {
  ring(): void
  /** Resolves after `ms`, when rung (also when rung since the last wait), or when `signal` aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

export function makeBell(clock: Clock): Bell {
  let rung = false
  let wake = (): void => undefined
  return {
    ring() {
      rung = true
      wake()
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted) {
        const woken = new AbortController()
        wake = () => woken.abort()
        signal.addEventListener('abort', wake, { once: true })
        await clock.sleep(ms, woken.signal)
        signal.removeEventListener('abort', wake)
      }
      rung = false
    },
  }
}
