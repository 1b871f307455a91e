import { z } from 'zod'
import { decimal, duration, unit } from '../../core/option.ts'
import { addressOf, isBitTable, parseReference, TABLES } from './address.ts'
import { deadbandSchema } from './deadband.ts'
import { bitRange, rawValue, typeName } from './signal-option.ts'
import {
  BYTE_ORDERS,
  BYTES,
  isTime,
  rangeOf,
  rawBits,
  registersOf,
  type SignalType,
  TEXT_ENCODINGS,
  valueTypeOf,
  WORD_TYPES,
} from './signal-type.ts'

/** Time between two reads. */
export const period = duration({ min: '50ms', max: '1d' })
export const byteOrder = z.enum(BYTE_ORDERS)
/** An address on the wire. */
export const address = z.number().int().min(0).max(65_535)

const signalOptions = z.strictObject({
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
  type: typeName
    .optional()
    .describe(
      'type of the value; uint16 for registers, bool for coils and discrete inputs. bcd: a decimal digit a nibble; mod10k: 0 to 9999 a register; unix: time in seconds (or ms), read as milliseconds since 1970 UTC',
    ),
  bit: z
    .number()
    .int()
    .min(0)
    .max(63)
    .optional()
    .describe('one bit of a register as a bool; bit 0 is the least significant, after byte order'),
  bits: bitRange
    .optional()
    .describe(
      'first and last bit of a number within a register (of two or four with type uint32, uint64), such as 4-7',
    ),
  byte: z
    .enum(BYTES)
    .optional()
    .describe(
      'the byte of the register that an int8 or uint8 is, after byte order; of a string: the one byte a register holds',
    ),
  length: z
    .number()
    .int()
    .min(1)
    .max(125)
    .optional()
    .describe('registers that a string takes, two bytes each, or a mod10k (2 to 4, 2 where absent)'),
  encoding: z.enum(TEXT_ENCODINGS).optional().describe('encoding of a string; utf-8 where absent'),
  unit: unit.optional().describe('UCUM unit of the value after scale and offset; "1" for a bare number'),
  scale: decimal.optional().describe('value = raw × scale + offset, in decimal arithmetic'),
  offset: decimal.optional().describe('value = raw × scale + offset, in decimal arithmetic'),
  invalid: z
    .array(rawValue)
    .min(1)
    .optional()
    .describe('raw values that mean "no value", as unsigned numbers before bits and scale, such as [0x8000, 0xFFFF]'),
  labels: z
    .record(z.string().regex(/^-?\d+$/, 'a label belongs to a whole number'), z.string().min(1))
    .optional()
    .describe('names of all whole numbers it can have, such as { 0: idle, 1: run }; any other one is bad'),
  byte_order: byteOrder.optional().describe("order of the bytes; the device's where absent"),
  period: period.optional().describe("time between two reads; the device's where absent"),
  range: z
    .tuple([z.number(), z.number()], { error: 'expected the lowest and the highest value, such as [0, 120]' })
    .refine(([low, high]) => low < high, {
      error: 'the range is empty',
      params: { hint: 'write the lower end first, such as [0, 120]' },
    })
    .optional()
    .describe('lowest and highest value that are usual, in `unit`: what `deadband: { percent }` is of'),
  deadband: deadbandSchema
    .optional()
    .describe("changes too small to be kept; the device's where absent, for numbers without labels"),
})

type Options = z.infer<typeof signalOptions>
type Report = (path: string | undefined | readonly (string | number)[], message: string, hint: string) => void

/** Options of one signal of a device. */
export const signalSchema = signalOptions.superRefine((s, ctx) => {
  const report: Report = (path, message, hint) =>
    ctx.addIssue({
      code: 'custom',
      path: path === undefined ? [] : typeof path === 'string' ? [path] : [...path],
      message,
      params: { hint },
    })
  const key = addressKey(s, report)
  if (key === undefined) return
  const { table, address } = addressOf(s)
  checkDeadband(s, !isBitTable(table) && isPlainNumber(s), report)
  if (isBitTable(table)) return checkBit(table, s, report)
  checkParts(s, report)
  checkText(s, report)
  checkNumber(s, report)
  checkInvalid(s, report)
  const size = registersOf(s.type, s.length)
  if (address <= 65_535 && address + size > 65_536)
    report(
      key,
      `${table} ${address} with ${size} registers goes beyond 65535`,
      'check the address and the type or length',
    )
})

/** The one key that says where the signal lies; undefined where none or several do. */
function addressKey(s: Options, report: Report): string | undefined {
  const given = [...TABLES, 'reference' as const].filter((key) => s[key] !== undefined)
  const [key, second] = given
  if (key === undefined || second !== undefined) {
    report(
      second,
      key === undefined ? 'the signal has no address' : `\`${second}\` beside \`${key}\``,
      'write exactly one of holding, input, coil, discrete or reference, such as `holding: 100`',
    )
    return undefined
  }
  if (s.reference !== undefined && parseReference(s.reference) === undefined) {
    report(
      'reference',
      `"${s.reference}" is not a Modicon reference`,
      'write 5 digits (40001 to 49999) or 6 (400001 to 465536), the first one 0 coil, 1 discrete, 3 input, 4 holding; or write the address from 0 as `holding: 100`',
    )
    return undefined
  }
  return key
}

/** A coil or discrete input is a bool and nothing else. */
function checkBit(table: string, s: Options, report: Report): void {
  if (s.type !== undefined && s.type !== 'bool')
    report('type', `a ${table} has no type ${s.type}`, 'leave `type` out: a coil or discrete input is a bool')
  for (const key of ['bit', 'bits', 'byte', 'length', 'encoding', 'invalid'] as const)
    if (s[key] !== undefined)
      report(key, `a ${table} is one bit and has no \`${key}\``, `leave \`${key}\` out, or read a register`)
  for (const key of ['scale', 'offset', 'unit', 'labels'] as const)
    if (s[key] !== undefined) report(key, `\`${key}\` on a bool`, 'leave it out, or give the signal a numeric type')
}

/** Bits and bytes of registers. */
function checkParts(s: Options, report: Report): void {
  const isWord = (WORD_TYPES as readonly (SignalType | undefined)[]).includes(s.type ?? 'uint16')
  const last = registersOf(s.type) * 16 - 1
  const beyond = (bit: number): string => `bit ${bit} is beyond ${last}, the last of ${s.type ?? 'one register'}`
  const wider = 'registers have bits 0 to 15; `type: uint32` takes two of them with bits 0 to 31, uint64 four'

  if (s.bit !== undefined && !isWord && s.type !== 'bool')
    report('bit', `\`bit\` beside type ${s.type}`, 'leave `type` out: one bit of a register is a bool')
  else if (s.bit !== undefined && s.bit <= 63 && s.bit > last) report('bit', beyond(s.bit), wider)
  if (s.bits !== undefined && s.bit !== undefined)
    report('bits', '`bits` beside `bit`', 'write `bit` for one bit as a bool, `bits` for a number of several')
  else if (s.bits !== undefined && !isWord)
    report('bits', `\`bits\` beside type ${s.type}`, 'leave `type` out, or write uint16, uint32 or uint64')
  else if (s.bits !== undefined && s.bits[1] > last) report('bits', beyond(s.bits[1]), wider)

  const isByte = s.type === 'int8' || s.type === 'uint8'
  if (isByte && s.byte === undefined)
    report('type', `${s.type} does not say which byte of the register it is`, 'add `byte: high` or `byte: low`')
  if (s.byte !== undefined && !isByte && s.type !== 'string')
    report('byte', `\`byte\` on a ${s.type ?? 'uint16'}`, 'leave it out, or write `type: uint8`')
}

function checkText(s: Options, report: Report): void {
  if (s.type === 'string' && s.length === undefined)
    report(
      'type',
      'a string needs its length',
      'add `length`, in registers of two bytes: 20 characters are `length: 10`',
    )
  if (s.type === 'mod10k' && s.length !== undefined && (s.length < 2 || s.length > 4))
    report('length', `a mod10k of ${s.length} registers`, 'write 2, 3 or 4: each register holds four decimal digits')
  if (s.type !== 'string' && s.type !== 'mod10k' && s.length !== undefined)
    report('length', '`length` is for strings', 'leave it out, or write `type: string`')
  if (s.type !== 'string' && s.encoding !== undefined)
    report('encoding', '`encoding` is for strings', 'leave it out, or write `type: string`')
  if (s.encoding === 'utf-16' && s.byte !== undefined)
    report('byte', 'utf-16 takes both bytes of a register', 'leave `byte` out, or write another encoding')
}

/** Scale, unit and labels. */
function checkNumber(s: Options, report: Report): void {
  const type = s.type ?? 'uint16'
  const value = s.bit === undefined ? valueTypeOf(type) : 'bool'
  const isNumber = value !== 'bool' && value !== 'string' && !isTime(type)
  for (const key of ['scale', 'offset', 'unit'] as const)
    if (s[key] !== undefined && !isNumber)
      isTime(type)
        ? report(key, `\`${key}\` on a time`, 'leave it out: readings are milliseconds since 1970 UTC, unit ms')
        : report(key, `\`${key}\` on a ${value}`, 'leave it out, or give the signal a numeric type')
  if (s.scale !== undefined && Number(s.scale) === 0)
    report('scale', 'scale 0 makes every value the same', 'write the factor, such as 0.1')
  if (s.labels === undefined) return

  const range = s.bits
    ? ([0n, (1n << BigInt(s.bits[1] - s.bits[0] + 1)) - 1n] as const)
    : rangeOf(type, registersOf(type, s.length))
  if (value === 'bool' || range === undefined)
    return report(
      'labels',
      `\`labels\` on a ${value === 'bool' ? 'bool' : type}`,
      s.bit === undefined
        ? 'labels name whole numbers: leave them out, or use an integer type'
        : `labels name whole numbers: \`bits: ${s.bit}-${s.bit}\` is 0 or 1`,
    )
  if (Object.keys(s.labels).length === 0)
    report('labels', 'no labels: every reading would be bad', 'name each number, or leave `labels` out')
  for (const key of ['scale', 'offset'] as const)
    if (s[key] !== undefined)
      report(key, `\`${key}\` beside \`labels\``, 'labels name raw numbers: leave one of the two out')
  const [low, high] = range
  for (const label of Object.keys(s.labels))
    if (BigInt(label) < low || BigInt(label) > high)
      report(['labels', label], `${label} can never come`, `write numbers ${low} to ${high}, or another type`)
}

/** Whether the signal of a register table is a number that says how much, not which. */
export function isPlainNumber(s: Pick<Options, 'type' | 'bit' | 'labels'>): boolean {
  const value = s.bit === undefined ? valueTypeOf(s.type ?? 'uint16') : 'bool'
  return value !== 'bool' && value !== 'string' && s.labels === undefined
}

/** Only a number can change by little. */
function checkDeadband(s: Options, isNumber: boolean, report: Report): void {
  if (s.range !== undefined && !isNumber) report('range', '`range` is for numbers', 'leave it out')
  if (s.deadband === undefined) return
  if (!isNumber && s.deadband.absolute !== 0)
    report('deadband', 'only numbers have a deadband', 'write `deadband: { absolute: 0 }` to keep every change')
}

/** Sentinels that the raw value can have. */
function checkInvalid(s: Options, report: Report): void {
  if (s.invalid === undefined) return
  const type = s.type ?? 'uint16'
  if (type === 'string')
    return report('invalid', '`invalid` on a string', 'leave it out: bytes that are no text are bad by themselves')
  const bits = rawBits(type, registersOf(type, s.length))
  s.invalid.forEach((text, i) => {
    if (BigInt(text) >> BigInt(bits) !== 0n)
      report(
        ['invalid', i],
        `0x${BigInt(text).toString(16).toUpperCase()} has more than the ${bits} bits of ${s.type ?? 'one register'}`,
        `write an unsigned number up to 0x${'F'.repeat(bits / 4)}`,
      )
  })
}
