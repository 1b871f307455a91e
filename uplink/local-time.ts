import { type UnixMs, unixMs } from '../core/brand.ts'

/** What the wall clocks of a time zone show. */
export interface LocalTime {
  /** the calendar day, `2026-03-29` */
  day(at: UnixMs): string
  /** minutes since the clocks last showed 00:00 */
  minute(at: UnixMs): number
}

/** @param zone IANA name, such as `Asia/Seoul` */
export function makeLocalTime(zone: string): LocalTime {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  })
  const parts = (at: UnixMs): Readonly<Record<string, string>> =>
    Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
  return {
    day(at) {
      const { year, month, day } = parts(at)
      return `${year}-${month}-${day}`
    },
    minute(at) {
      const { hour, minute } = parts(at)
      return Number(hour) * 60 + Number(minute)
    },
  }
}

/** A span of every day by the wall clock, in minutes since 00:00; over midnight where `until` is not after `from`. */
export interface DailyWindow {
  readonly from: number
  /** first minute that is not in it, up to 1440 */
  readonly until: number
}

/** `22:00-06:00`; undefined where the text is not a window. */
export function parseWindow(text: string): DailyWindow | undefined {
  const m = /^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/.exec(text)
  if (!m) return undefined
  const from = Number(m[1]) * 60 + Number(m[2])
  const until = m[3] === undefined ? 1_440 : Number(m[3]) * 60 + Number(m[4])
  return from === until ? undefined : { from, until }
}

export function isWithin({ from, until }: DailyWindow, minute: number): boolean {
  return from < until ? from <= minute && minute < until : from <= minute || minute < until
}

const MINUTE = 60_000
/** A day of 25 hours and one more, should the window lie in the hour that a change of clocks skips. */
const LONGEST = 49 * 60

/**
 * The next full minute at which something holds. Looked for minute by minute, so that days on which clocks change need
 * no rule of their own.
 */
export function nextMinute(after: UnixMs, holds: (at: UnixMs) => boolean): UnixMs {
  const first = Math.floor(after / MINUTE) + 1
  for (let minute = first; minute < first + LONGEST; minute++) {
    const at = unixMs(minute * MINUTE)
    if (holds(at)) return at
  }
  return unixMs((first + LONGEST) * MINUTE)
}
