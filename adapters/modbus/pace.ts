import { setTimeout as delay } from 'node:timers/promises'

/** Turns on one connection, first come first served. */
export interface Pace {
  /**
   * Waits for a turn; call what it returns when the exchange is over.
   * Rejects with the reason of `signal` when that aborts first.
   */
  turn(signal: AbortSignal): Promise<() => void>
  /** A turn where nobody waits and no pause is due; undefined where `turn` must be awaited. */
  turnNow(): (() => void) | undefined
}

/**
 * Never more than `max_in_flight` exchanges at once, at least `min_gap` ms from the end of one to the start of the
 * next, at most `max_requests_per_s` starts a second, evenly spaced. Real time: an agent's accelerated clock does not
 * make a device faster.
 */
export function makePace(limits: {
  readonly max_in_flight: number
  readonly min_gap: number
  readonly max_requests_per_s?: number | undefined
}): Pace {
  const spacing = limits.max_requests_per_s === undefined ? 0 : 1000 / limits.max_requests_per_s
  const waiting: (() => void)[] = []
  let free = limits.max_in_flight
  let notBefore = 0

  function release(): void {
    const next = waiting.shift()
    if (next) next()
    else free++
  }

  async function slot(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (free > 0) {
      free--
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const give = (): void => {
      const place = waiting.indexOf(resolve)
      if (place < 0) return // its turn has just come
      waiting.splice(place, 1)
      reject(signal.reason)
    }
    signal.addEventListener('abort', give, { once: true })
    waiting.push(resolve)
    await promise.finally(() => signal.removeEventListener('abort', give))
  }

  async function pause(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (spacing === 0 && limits.min_gap === 0) return
    const start = Math.max(performance.now(), notBefore)
    notBefore = start + spacing
    const wait = start - performance.now()
    if (wait > 0) await delay(wait, undefined, { signal }).catch(() => signal.throwIfAborted())
  }

  /** What ends a turn. */
  function taken(): () => void {
    let over = false
    return () => {
      if (over) return
      over = true
      if (limits.min_gap > 0) notBefore = Math.max(notBefore, performance.now() + limits.min_gap)
      release()
    }
  }

  return {
    async turn(signal) {
      await slot(signal)
      try {
        await pause(signal)
      } catch (error) {
        release()
        throw error
      }
      return taken()
    },
    turnNow() {
      if (free === 0 || spacing > 0 || limits.min_gap > 0) return undefined
      free--
      return taken()
    },
  }
}
