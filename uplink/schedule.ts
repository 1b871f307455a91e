import type { UnixMs } from '../core/brand.ts'
import { isWithin, makeLocalTime, nextMinute } from './local-time.ts'
import { costOf } from './plan.ts'
import type { PoolConfig } from './schema.ts'

/** When a pool may be sent to, and how much a day. Sees no clock. */
export interface Schedule {
  /** When sending may go on, or undefined where it may now. */
  closedUntil(now: UnixMs): UnixMs | undefined
  readonly budget: Budget | undefined
}

/** Bytes that may be sent on a calendar day. */
export interface Budget {
  readonly bytes: number
  day(now: UnixMs): string
  nextDay(now: UnixMs): UnixMs
  /** What a batch of this size is charged with, each time it is sent. */
  cost(size: number): number
}

/** @param config `zone` is there wherever `window` or `daily_budget` is */
export function makeSchedule({ window, daily_budget, zone = 'UTC' }: PoolConfig): Schedule {
  const local = makeLocalTime(zone)
  const isOpen = (at: UnixMs): boolean => !window || isWithin(window, local.minute(at))
  const opening = untilThen((now) => nextMinute(now, isOpen))
  const nextDay = untilThen((now) => {
    const today = local.day(now)
    return nextMinute(now, (at) => local.day(at) !== today)
  })
  return {
    closedUntil: (now) => (isOpen(now) ? undefined : opening(now)),
    budget: daily_budget === undefined ? undefined : { bytes: daily_budget, day: local.day, nextDay, cost: costOf },
  }
}

/** Looks for the next such moment only when the last one found has come, or the clock went back: it takes some thousand steps. */
function untilThen(next: (now: UnixMs) => UnixMs): (now: UnixMs) => UnixMs {
  let from = Number.POSITIVE_INFINITY
  let then: UnixMs | undefined
  return (now) => {
    if (then === undefined || now < from || now >= then) {
      from = now
      then = next(now)
    }
    return then
  }
}
