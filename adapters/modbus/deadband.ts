import { z } from 'zod'
import { duration } from '../../core/option.ts'
import type { Value } from '../../core/signal.ts'

const MINUTE = 60_000

/** Changes too small to be kept. `percent` is of the signal's declared `range`. */
export const deadbandSchema = z
  .strictObject({
    absolute: z.number().min(0).optional().describe("in the signal's unit; 0 keeps every change, of any type"),
    percent: z.number().positive().max(100).optional().describe("of the signal's `range`"),
    heartbeat: duration({ min: '1s', max: '1d' })
      .default(MINUTE)
      .describe('a reading is kept at least this often, however still the value is'),
  })
  .refine((d) => (d.absolute === undefined) !== (d.percent === undefined), {
    error: 'write one of `absolute` and `percent`',
    params: { hint: 'such as `deadband: { absolute: 0.5 }` or `deadband: { percent: 1 }`' },
  })
export type DeadbandOptions = z.infer<typeof deadbandSchema>

/** A deadband with its width in the signal's unit. */
export interface Deadband {
  readonly width: number
  /** ms */
  readonly heartbeat: number
}

/** Undefined where it is of a range that is not declared. */
export function deadbandOf(
  { absolute, percent, heartbeat }: DeadbandOptions,
  range: readonly [low: number, high: number] | undefined,
): Deadband | undefined {
  if (percent === undefined) return { width: absolute!, heartbeat }
  return range && { width: ((range[1] - range[0]) * percent) / 100, heartbeat }
}

/** Keeps the first value, each that differs from the last kept one by more than the width, and one a heartbeat. */
export interface ChangeFilter {
  /** @param now monotonic ms */
  keeps(value: Value, now: number): boolean
  /** Forgets the last value: the next one is kept. */
  reset(): void
}

export function makeChangeFilter({ width, heartbeat }: Deadband): ChangeFilter {
  let last: { readonly value: Value; readonly at: number } | undefined
  return {
    keeps(value, now) {
      if (last && now - last.at < heartbeat && !differs(value, last.value, width)) return false
      last = { value, at: now }
      return true
    },
    reset() {
      last = undefined
    },
  }
}

function differs(a: Value, b: Value, width: number): boolean {
  const isNumber = (v: Value): v is number | bigint => typeof v === 'number' || typeof v === 'bigint'
  // A difference of doubles is only rounded where it is far from 0, and never to 0 unless they are equal.
  return isNumber(a) && isNumber(b) && width > 0 ? Math.abs(Number(a) - Number(b)) > width : a !== b
}
