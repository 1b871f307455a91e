import { z } from 'zod'
import { decimal, duration, unit } from '../../core/option.ts'
import { addressOf, parseReference, registersOf, SIGNAL_TYPES, TABLES } from './address.ts'

/** The four orders of the bytes ABCD of a 32-bit value on the wire; 64-bit values follow the same scheme. */
export const BYTE_ORDERS = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const
export type ByteOrder = (typeof BYTE_ORDERS)[number]

/** Time between two reads. */
export const period = duration({ min: '50ms', max: '1d' })
export const byteOrder = z.enum(BYTE_ORDERS)
const address = z.number().int().min(0).max(65_535)

/** Options of one signal of a device. */
export const signalSchema = z
  .strictObject({
    holding: address.optional().describe('address of the first holding register on the wire, from 0'),
    input: address.optional().describe('address of the first input register on the wire, from 0'),
    coil: address.optional().describe('address of the coil on the wire, from 0'),
    discrete: address.optional().describe('address of the discrete input on the wire, from 0'),
    reference: z
      .string({ error: 'expected a Modicon reference of 5 or 6 digits' })
      .optional()
      .meta({ source_text: true, pattern: '^[0134][0-9]{4,5}$' })
      .describe(
        "the vendor's 1-based Modicon notation instead of a table and address: 40101 or 400101 is holding 100, 030001 is coil 30000",
      ),
    type: z
      .enum(SIGNAL_TYPES)
      .optional()
      .describe('type of the value; uint16 for registers, bool for coils and discrete inputs'),
    bit: z
      .number()
      .int()
      .min(0)
      .max(15)
      .optional()
      .describe('one bit of a register as a bool; bit 0 is the least significant, after byte order'),
    length: z.number().int().min(1).max(125).optional().describe('registers that a string takes, two bytes each'),
    unit: unit.optional().describe('UCUM unit of the value after scale and offset; "1" for a bare number'),
    scale: decimal.optional().describe('value = raw × scale + offset, in decimal arithmetic'),
    offset: decimal.optional().describe('value = raw × scale + offset, in decimal arithmetic'),
    labels: z
      .record(z.string().regex(/^-?\d+$/, 'a label belongs to a whole number'), z.string().min(1))
      .optional()
      .describe('names of whole numbers, such as { 0: idle, 1: run }'),
    byte_order: byteOrder.optional().describe("order of the bytes; the device's where absent"),
    period: period.optional().describe("time between two reads; the device's where absent"),
  })
  .superRefine((s, ctx) => {
    const problem = (key: string | undefined, message: string, hint: string): void =>
      ctx.addIssue({ code: 'custom', path: key === undefined ? [] : [key], message, params: { hint } })

    const given = [...TABLES, 'reference' as const].filter((key) => s[key] !== undefined)
    if (given.length !== 1) {
      problem(
        given[1],
        given.length === 0 ? 'the signal has no address' : `\`${given[1]}\` beside \`${given[0]}\``,
        'write exactly one of holding, input, coil, discrete or reference, such as `holding: 100`',
      )
      return
    }
    if (s.reference !== undefined && parseReference(s.reference) === undefined) {
      problem(
        'reference',
        `"${s.reference}" is not a Modicon reference`,
        'write 5 digits (40001 to 49999) or 6 (400001 to 465536), the first one 0 coil, 1 discrete, 3 input, 4 holding; or write the address from 0 as `holding: 100`',
      )
      return
    }
    const at = addressOf(s)
    const isBit = at.table === 'coil' || at.table === 'discrete'

    if (isBit) {
      if (s.type !== undefined && s.type !== 'bool')
        problem('type', `a ${at.table} has no type ${s.type}`, 'leave `type` out: a coil or discrete input is a bool')
      if (s.bit !== undefined) problem('bit', `a ${at.table} has no bits`, 'leave `bit` out')
    }
    if (!isBit && s.bit !== undefined && s.type !== undefined && s.type !== 'bool')
      problem('bit', `\`bit\` beside type ${s.type}`, 'leave `type` out: one bit of a register is a bool')
    if (s.type === 'string' && s.length === undefined)
      problem(
        'type',
        'a string needs its length',
        'add `length`, in registers of two bytes: 20 characters are `length: 10`',
      )
    if (s.type !== 'string' && s.length !== undefined)
      problem('length', '`length` is for strings', 'leave it out, or write `type: string`')

    const type = isBit || s.bit !== undefined ? 'bool' : (s.type ?? 'uint16')
    const numeric = type !== 'bool' && type !== 'string'
    for (const key of ['scale', 'offset', 'unit'] as const)
      if (s[key] !== undefined && !numeric)
        problem(key, `\`${key}\` on a ${type}`, 'leave it out, or give the signal a numeric type')
    if (s.labels !== undefined && (!numeric || type.startsWith('float')))
      problem('labels', `\`labels\` on a ${type}`, 'labels name whole numbers: leave them out, or use an integer type')
    if (s.scale !== undefined && Number(s.scale) === 0)
      problem('scale', 'scale 0 makes every value the same', 'write the factor, such as 0.1')

    const size = registersOf(type, s.length)
    if (at.address <= 65_535 && at.address + size > 65_536)
      problem(
        given[0],
        `${at.table} ${at.address} with ${size} registers goes beyond 65535`,
        'check the address and the type or length',
      )
  })
