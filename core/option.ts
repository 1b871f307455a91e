import { z } from 'zod'
import { parseDecimal } from './decimal.ts'
import { unitProblem } from './unit.ts'

/**
 * The scalar types of every configuration file, each with one spelling. They parse text as an operator writes it and
 * say what to write instead. `meta` `as` is the type column of the generated reference.
 */

const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const BYTES = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const

/** A span of time such as `500ms`, `1s`, `10m`, `6h`, `30d`; becomes milliseconds. */
export function duration(limits: { readonly min?: string; readonly max?: string } = {}): z.ZodType<number, string> {
  const min = limits.min === undefined ? 0 : durationMs(limits.min)!
  const max = limits.max === undefined ? Number.POSITIVE_INFINITY : durationMs(limits.max)!
  return z
    .string({ error: 'expected a duration such as 500ms, 1s, 10m, 6h or 30d' })
    .transform((text, ctx) => {
      const ms = durationMs(text)
      if (ms === undefined) {
        ctx.addIssue({
          code: 'custom',
          message: `"${text}" is not a duration`,
          params: { hint: 'write a number and a unit: 500ms, 1s, 10m, 6h or 30d' },
        })
        return z.NEVER
      }
      if (ms < min || ms > max) {
        ctx.addIssue({
          code: 'custom',
          message: `${text} is out of range`,
          params: {
            hint: `write a duration ${limits.min ? `from ${limits.min}` : ''}${limits.min && limits.max ? ' ' : ''}${limits.max ? `up to ${limits.max}` : ''}`,
          },
        })
        return z.NEVER
      }
      return ms
    })
    .meta({ as: 'duration', pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$' })
}

/** `1.5s` → 1500; undefined where the text is not a duration. */
export function durationMs(text: string): number | undefined {
  const m = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  return m ? Number(m[1]) * MS[m[2] as keyof typeof MS] : undefined
}

/** 90000 → `90s`; the largest unit that stays whole. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const)
    if (ms >= MS[unit] && ms % MS[unit] === 0) return `${ms / MS[unit]}${unit}`
  return `${ms}ms`
}

/** A size such as `64KiB` or `2GB`; becomes bytes. */
export function byteSize(limits: { readonly min?: string } = {}): z.ZodType<number, string> {
  const min = limits.min === undefined ? 0 : byteCount(limits.min)!
  return z
    .string({ error: 'expected a size such as 64KiB, 500MB or 2GB' })
    .transform((text, ctx) => {
      const bytes = byteCount(text)
      if (bytes === undefined || bytes < min) {
        ctx.addIssue({
          code: 'custom',
          message: bytes === undefined ? `"${text}" is not a size` : `${text} is too small`,
          params: {
            hint:
              bytes === undefined ? 'write a number and a unit: 64KiB, 500MB or 2GB' : `write at least ${limits.min}`,
          },
        })
        return z.NEVER
      }
      return bytes
    })
    .meta({ as: 'size', pattern: '^[0-9]+(\\.[0-9]+)?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$' })
}

/** `64KiB` → 65536; undefined where the text is not a size. */
export function byteCount(text: string): number | undefined {
  const m = /^(\d+(?:\.\d+)?)\s?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/.exec(text)
  return m ? Math.round(Number(m[1]) * BYTES[m[2] as keyof typeof BYTES]) : undefined
}

/** 65536 → `64KiB`, 2e9 → `2GB`; the largest unit that stays whole. */
export function formatBytes(bytes: number): string {
  const units = Object.entries(BYTES).toSorted(([, a], [, b]) => b - a)
  const [unit, size] = units.find(([, size]) => bytes >= size && bytes % size === 0) ?? ['B', 1]
  return `${bytes / size}${unit}`
}

/** Names of sources, devices, assets, signals, pools, datasets: NFC, letters and digits of any script, `_ . -`. */
export const name = z
  .string()
  .transform((text) => text.normalize('NFC'))
  .superRefine((text, ctx) => {
    if (!/^[\p{L}\p{N}][\p{L}\p{M}\p{N}_.-]{0,99}$/u.test(text)) {
      ctx.addIssue({
        code: 'custom',
        message: `"${text}" is not a name`,
        params: { hint: 'use letters, digits, "_", "." and "-", starting with a letter or digit, at most 100' },
      })
    }
  })
  .meta({ as: 'name' })

/** A UCUM unit code. */
export const unit = z
  .string()
  .superRefine((text, ctx) => {
    const problem = unitProblem(text)
    if (problem) ctx.addIssue({ code: 'custom', message: problem.message, params: { hint: problem.hint } })
  })
  .meta({ as: 'unit (UCUM)' })

/** A decimal number, kept as the text that was written so that 0.1 stays a tenth. */
export const decimal = z
  .union([z.number(), z.string()], { error: 'expected a decimal number such as 0.1' })
  .transform((raw, ctx) => {
    if (parseDecimal(raw) === undefined) {
      ctx.addIssue({
        code: 'custom',
        message: `${JSON.stringify(raw)} is not a decimal number`,
        params: { hint: 'write digits with a point, such as 0.1' },
      })
      return z.NEVER
    }
    return String(raw)
  })
  .meta({ as: 'decimal number' })

/**
 * A secret that was resolved from `{ env: NAME }` or `{ file: path }` (or written in place). The loader replaces those
 * mappings before validation, so the schema only sees text.
 */
export const secret = z
  .string({ error: 'expected a secret: { file: path } or { env: NAME }' })
  .min(1, 'is empty')
  .meta({ secret: true })

/** A calendar day `2028-12-31`; becomes UnixMs of its first instant in UTC. */
export const utcDate = z
  .string()
  .transform((text, ctx) => {
    const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
    if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) {
      ctx.addIssue({
        code: 'custom',
        message: `"${text}" is not a date`,
        params: { hint: 'write year-month-day, such as 2028-12-31' },
      })
      return z.NEVER
    }
    return ms
  })
  .meta({ as: 'date' })

/** A time zone: an IANA name such as `Asia/Seoul`, or an offset. */
export const zone = z.string().superRefine((text, ctx) => {
  if (!isZone(text))
    ctx.addIssue({
      code: 'custom',
      message: `"${text}" is not a time zone`,
      params: { hint: 'write a name such as Asia/Seoul, Asia/Tokyo or UTC, or an offset such as +09:00' },
    })
})

function isZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false
  }
}
