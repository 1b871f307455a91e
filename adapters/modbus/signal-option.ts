import { z } from 'zod'
import { typeOf } from './csv-columns.ts'
import { SIGNAL_TYPES } from './signal-type.ts'

/** A type of this adapter; for the names of others the message says what they are here. */
export const typeName = z.enum(SIGNAL_TYPES, {
  error: ({ input }) => {
    const meant = typeof input === 'string' ? SIGNAL_TYPES.find((type) => type === typeOf(input)) : undefined
    return meant === undefined ? undefined : `"${input}" is written ${meant} here`
  },
})

/** `4-7`: a first and a last bit; becomes both numbers. */
export const bitRange = z
  .string({ error: 'expected a first and a last bit such as 4-7' })
  .transform((text, ctx): readonly [number, number] => {
    const m = /^(\d{1,2})-(\d{1,2})$/.exec(text)
    const [first, last] = [Number(m?.[1]), Number(m?.[2])]
    if (m && first <= last && last <= 63) return [first, last]
    ctx.addIssue({
      code: 'custom',
      message: `"${text}" is not a first and a last bit`,
      params: {
        hint:
          m && first > last
            ? `write ${last}-${first}: the least significant bit first`
            : 'write such as 4-7; bit 0 is the least significant',
      },
    })
    return z.NEVER
  })
  .meta({ as: 'bits such as 4-7', pattern: '^[0-9]{1,2}-[0-9]{1,2}$' })

/**
 * A raw value as an unsigned whole number, decimal or hexadecimal; becomes its decimal digits. It is taken as it was
 * written, since a double cannot tell 0xFFFFFFFFFFFFFFFF from its neighbours.
 */
export const rawValue = z
  .union([z.string(), z.number()], { error: 'expected a whole number such as 0x8000' })
  .transform((written, ctx) => {
    const text = String(written)
    const exact = typeof written === 'string' || Number.isSafeInteger(written)
    if (exact && /^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text)) return String(BigInt(text))
    const negative = /^-\d+$/.test(text)
    ctx.addIssue({
      code: 'custom',
      message: `"${text}" is not an unsigned whole number`,
      params: {
        hint: negative
          ? `write what the registers hold: -1 is 0xFFFF in one register, 0xFFFFFFFF in two`
          : 'write the raw value of the registers, such as 0x8000 or 65535',
      },
    })
    return z.NEVER
  })
  .meta({ source_text: true, as: 'whole number, such as 0x8000' })
