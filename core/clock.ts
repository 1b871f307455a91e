import { setTimeout as delay } from 'node:timers/promises'
import { type UnixMs, unixMs } from './brand.ts'

/**
 * The only way any part of Sluice learns the time or waits.
 * `now` is the wall clock and may step; `monotonic` (ms since an arbitrary origin) never does and is what schedules use.
 */
export interface Clock {
  /** While this is the same, `monotonic` counts from the same origin, also in another process. */
  readonly boot: string
  now(): UnixMs
  monotonic(): number
  /** Resolves after `ms` of monotonic time, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Monotonic time (ms) of the machine at which this process's own began; both count by CLOCK_MONOTONIC. */
const ORIGIN = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/**
 * A clock that runs `speed` times as fast as the machine's from `origin` (UnixMs) on, so that processes that share both
 * share the time. `speed` 1 is the machine's own clock; the demo and the proofs use more, so that an hour's table takes
 * seconds.
 * @param boot id of the machine's boot; default: this run of the process alone
 */
export function makeClock(speed = 1, origin = Date.now(), boot = `${process.pid}-${Date.now()}`): Clock {
  return {
    boot,
    now: () =>
      unixMs(
        speed === 1 ? Date.now() : Math.floor(origin + (performance.timeOrigin + performance.now() - origin) * speed),
      ),
    monotonic: () => (ORIGIN + performance.now()) * speed,
    async sleep(ms, signal) {
      if (signal?.aborted || ms <= 0) return
      // Node clamps timers above 2^31 - 1 ms to 1 ms, which would turn a long wait into a spin.
      const real = Math.min(ms / speed, 2_147_483_647)
      await delay(real, undefined, signal ? { signal } : {}).catch((e: unknown) => {
        if (!signal?.aborted) throw e
      })
    },
  }
}
