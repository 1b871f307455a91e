import { makeClock } from '../core/clock.ts'

/** Holds a sender to a rate: the bucket of tokens holds what is sent in a tenth of a second. */
export interface Pace {
  /** bytes to send at a time */
  readonly piece: number
  /** Waits until a piece may be sent; ends at once when `signal` aborts. */
  turn(bytes: number, signal: AbortSignal): Promise<void>
  /** How much longer (ms) so many bytes take because of the pace. */
  delay(bytes: number): number
}

const SMALLEST = 64
const LARGEST = 16_384

/** @param rate bytes a second; undefined: as fast as may be */
export function makePace(rate: number | undefined): Pace {
  if (rate === undefined) return { piece: Number.POSITIVE_INFINITY, turn: async () => undefined, delay: () => 0 }
  // The network's time, whatever clock the agent runs by.
  const clock = makeClock()
  let free = clock.monotonic()
  return {
    piece: Math.min(LARGEST, Math.max(SMALLEST, Math.floor(rate / 10))),
    async turn(bytes, signal) {
      const now = clock.monotonic()
      await clock.sleep(free - now, signal)
      free = Math.max(free, now) + (bytes / rate) * 1_000
    },
    delay: (bytes) => Math.ceil((bytes / rate) * 1_000) + 1_000,
  }
}
