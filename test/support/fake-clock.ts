import { setImmediate as turn } from 'node:timers/promises'
import { unixMs } from '../../core/brand.ts'
import type { Clock } from '../../core/clock.ts'

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /** Moves both clocks by `ms`, waking each sleeper at its time, in order, and letting it act before time goes on. */
  advance(ms: number): Promise<void>
  /** Steps the wall clock alone, as an operator or NTP does. */
  step(ms: number): void
  /** The machine starts again: the monotonic clock begins anew and the wall clock stands at `start`. Nobody may sleep. */
  reboot(start: number): void
  /** How long the next sleeper still sleeps (ms), or undefined where none does. */
  readonly next: number | undefined
}

/** @param start the wall clock at first, UnixMs; the monotonic clock starts at 0 */
export function makeFakeClock(start = Date.UTC(2026, 5, 1, 12)): FakeClock {
  const sleepers = new Set<{ readonly due: number; readonly wake: () => void }>()
  let elapsed = 0
  let offset = start
  let boots = 1
  const due = (): number | undefined => {
    const times = [...sleepers].map((s) => s.due)
    return times.length > 0 ? Math.min(...times) : undefined
  }

  return {
    get boot() {
      return `boot ${boots}`
    },
    now: () => unixMs(offset + elapsed),
    monotonic: () => elapsed,
    sleep(ms, signal) {
      if (signal?.aborted || ms <= 0) return Promise.resolve()
      return new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { due: elapsed + ms, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake, { once: true })
      })
    },
    async advance(ms) {
      const end = elapsed + ms
      await turn()
      for (let at = due(); at !== undefined && at <= end; at = due()) {
        elapsed = at
        for (const sleeper of [...sleepers]) if (sleeper.due <= at) sleeper.wake()
        await turn()
      }
      elapsed = end
      await turn()
    },
    step(ms) {
      offset += ms
    },
    reboot(start) {
      boots++
      elapsed = 0
      offset = start
    },
    get next() {
      const at = due()
      return at === undefined ? undefined : at - elapsed
    },
  }
}
