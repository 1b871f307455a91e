import { type UnixMs, unixMs } from '../../core/brand.ts'
import type { TimeFormat } from './signal-schema.ts'

/** Milliseconds in one unit of each format that counts from 1970. */
const UNIT_MS = { unix_s: 1_000, unix_ms: 1, unix_us: 1e-3, unix_ns: 1e-6 } as const

/** Ticks of 100 ns before 1970: from year 1 (.NET DateTime.Ticks), from 1601 (OPC UA Part 6 §5.2.2.5, Windows FILETIME). */
const TICKS_BEFORE_1970 = { dotnet_ticks: 621_355_968_000_000_000n, filetime: 116_444_736_000_000_000n } as const
/** .NET keeps the kind of a time (`ToBinary`) in the two bits above the ticks. */
const TICKS_MASK = 0x3fff_ffff_ffff_ffffn

/** Times outside are a wrong format or unit, not a time: 1990 to 2200. */
const EARLIEST = Date.UTC(1990, 0)
const LATEST = Date.UTC(2200, 0)

/** The largest offset from UTC that a zone has (XML Schema Part 2 §3.3.7). */
const MOST_OFFSET_MS = 14 * 3_600_000

/** Times are cut to the millisecond, not rounded, so that none moves into the next slot; this forgives binary fractions. */
const SLACK = 5e-4

const ISO =
  /^(\d{4})[-/]?(\d{2})[-/]?(\d{2})[T ](\d{2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d{2}(?::?\d{2})?)?$/

/**
 * Makes the reader of times in one format: gives UnixMs, or undefined for what is not such a time.
 * `zone` is for ISO 8601 texts that carry none. A local time that a change of clocks skips is read with the offset
 * before the change, one that happens twice as the first.
 */
export function makeTimeReader(format: TimeFormat, zone?: string): (raw: unknown) => UnixMs | undefined {
  if (format === 'iso8601') {
    const offsetAt = zone === undefined ? undefined : makeZone(zone)
    return (raw) => (typeof raw === 'string' ? inRange(isoMs(raw, offsetAt)) : undefined)
  }
  if (format === 'dotnet_ticks' || format === 'filetime') {
    const epoch = TICKS_BEFORE_1970[format]
    return (raw) => {
      const ticks = wholeNumber(raw)
      return ticks === undefined ? undefined : inRange(Number(((ticks & TICKS_MASK) - epoch) / 10_000n))
    }
  }
  const factor = UNIT_MS[format]
  return (raw) => {
    const count = typeof raw === 'string' && /^\d+(\.\d+)?$/.test(raw) ? Number(raw) : raw
    if (typeof count === 'number' || typeof count === 'bigint')
      return inRange(Math.floor(Number(count) * factor + SLACK))
    return undefined
  }
}

/** A whole number as number, bigint or digits; ticks are beyond 2^53, so documents with them are read exactly. */
function wholeNumber(raw: unknown): bigint | undefined {
  if (typeof raw === 'bigint') return raw >= 0n ? raw : undefined
  if (typeof raw === 'number') return Number.isInteger(raw) && raw >= 0 ? BigInt(raw) : undefined
  return typeof raw === 'string' && /^\d{1,20}$/.test(raw) ? BigInt(raw) : undefined
}

function inRange(ms: number | undefined): UnixMs | undefined {
  return ms !== undefined && ms >= EARLIEST && ms < LATEST ? unixMs(ms) : undefined
}

function isoMs(text: string, offsetAt: ((local: number) => number) | undefined): number | undefined {
  const m = ISO.exec(text)
  if (!m) return undefined
  const [year, month, day, hour, minute, second] = m.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const whole = Date.UTC(year, month - 1, day, hour, minute, second)
  const back = new Date(whole)
  // Date.UTC carries 31 April or 25:00 over into the next month or day.
  if (back.getUTCDate() !== day || back.getUTCMonth() !== month - 1 || hour > 23 || minute > 59 || second > 59)
    return undefined
  const local = whole + Number(`${m[7] ?? ''}000`.slice(0, 3))
  if (m[8] === undefined) return offsetAt === undefined ? undefined : local - offsetAt(local)
  if (/z/i.test(m[8])) return local
  const sign = m[8].startsWith('-') ? -1 : 1
  const [, hours, minutes = '0'] = /^.(\d{2}):?(\d{2})?$/.exec(m[8])!
  const offset = Number(hours) * 3_600_000 + Number(minutes) * 60_000
  return Number(minutes) > 59 || offset > MOST_OFFSET_MS ? undefined : local - sign * offset
}

/** Offset of the zone from UTC in ms at a local time, that time being given as if it were UTC. */
function makeZone(zone: string): (local: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const offsetAtUtc = (utc: number): number => {
    const part = Object.fromEntries(format.formatToParts(utc).map((p) => [p.type, Number(p.value)]))
    const local = Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!)
    return local - Math.floor(utc / 1_000) * 1_000
  }
  // Zones change at most at a quarter of an hour, so one answer serves all times of that quarter.
  let quarter = Number.NaN
  let offset = 0
  return (local) => {
    const q = Math.floor(local / 900_000)
    if (q !== quarter) {
      quarter = q
      const before = offsetAtUtc(local - 86_400_000)
      const after = offsetAtUtc(local + 86_400_000)
      offset = offsetAtUtc(local - before) === before || offsetAtUtc(local - after) !== after ? before : after
    }
    return offset
  }
}
