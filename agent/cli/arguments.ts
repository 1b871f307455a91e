import { InvalidArgumentError } from 'commander'
import { durationMs } from '../../core/option.ts'

/** Parsers of what stands on the command line. All throw InvalidArgumentError. */

/** A whole number from 1 on. */
export function whole(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Write a whole number from 1 on.')
  return Number(text)
}

/** UnixMs of an RFC 3339 time. */
export function instant(text: string): number {
  // Without a zone it would be another time on another machine.
  const ms = /(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isFinite(ms)) throw new InvalidArgumentError('Write a time with its zone: 2026-06-01T06:00:00Z.')
  return ms
}

/** ms of a duration above zero. */
export function duration(text: string): number {
  const ms = durationMs(text)
  if (ms === undefined || ms === 0) throw new InvalidArgumentError('Write a number and a unit: 30s, 5m or 1h.')
  return ms
}
