import type { Claimed } from '../../buffer/port.ts'
import type { Clock } from '../../core/clock.ts'
import { makeRate } from './rate.ts'

/** When the buffer will be full if what waits in it goes on growing as it did over the last hours. */
export type Forecast =
  | { readonly kind: 'fills'; readonly hours: number }
  /** it drains, keeps even, or would take longer than any plant runs */
  | { readonly kind: 'never' }
  /** too little was seen in this run */
  | { readonly kind: 'unknown' }

/** Hours (ms) that the rate is taken over, and the least that must have been seen. */
const SPAN = 3 * 3_600_000
const LEAST = 10 * 60_000
/** Ten years. */
const NEVER = 87_600

/** Takes a sample now and then, each minute or so, and says what follows. */
export function makeForecast(clock: Clock): { sample(claimed: Claimed): void; forecast(): Forecast } {
  const growth = makeRate(clock, SPAN)
  let first: number | undefined
  let latest: Claimed | undefined
  return {
    sample(claimed) {
      growth.sample(claimed.bytes)
      first ??= clock.monotonic()
      latest = claimed
    },
    forecast() {
      if (!latest || first === undefined) return { kind: 'unknown' }
      if (latest.bytes >= latest.capacity) return { kind: 'fills', hours: 0 }
      if (clock.monotonic() - first < LEAST) return { kind: 'unknown' }
      const hours = (latest.capacity - latest.bytes) / growth.perSecond() / 3_600
      return hours > 0 && hours < NEVER ? { kind: 'fills', hours } : { kind: 'never' }
    },
  }
}
