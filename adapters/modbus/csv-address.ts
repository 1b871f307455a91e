import { parseReference } from './address.ts'
import { type CellError, type Column, tableOf, tableOfFunction, typeOf, wholeOf } from './csv-columns.ts'

/** Where a signal lies, as options of it; or what is wrong, and in which column. */
export type Address =
  | {
      readonly options: Readonly<Record<string, unknown>>
      /** what an address with a point was taken for */
      readonly bitOf?: string
    }
  | (CellError & { readonly column: Column })

/** `001A` and `1F`, also as the first of `001A-001B`: hexadecimal digits that do not say so; not `D100`, a PLC's own name. */
const UNMARKED_HEX = /^(?=[0-9]*[a-f])(?![a-f][0-9]+\b)([0-9a-f]{1,5})(?![0-9a-z])/i

/** The first cell of a column of addresses that can only be hexadecimal, though nothing marks it. */
export function unmarkedHex(addresses: readonly string[]): string | undefined {
  return addresses.find((text) => UNMARKED_HEX.test(text.normalize('NFKC')))
}

/**
 * An address that a column of hexadecimal ones makes doubtful: `001A` itself, and `0010` or `10` beside it. The digits 0
 * to 9 are the same either way.
 * @param hexBeside what `unmarkedHex` found in the column
 */
function doubtfulHex(address: string, hexBeside: string): CellError | undefined {
  const marked = (digits: string): string => `0x${digits.toUpperCase()}`
  const hex = UNMARKED_HEX.exec(address)?.[1]
  if (hex !== undefined)
    return { error: `"${address}" has hexadecimal digits without a mark`, hint: `hex: write ${marked(hex)}` }
  const digits = /^\d+(?!\w)/.exec(address)?.[0]
  if (digits === undefined || Number(digits) <= 9) return undefined
  const decimal = marked(Number(digits).toString(16).padStart(4, '0'))
  return {
    error: `"${address}" may be hexadecimal, as "${hexBeside}" in the same column is`,
    hint: `hex: write ${marked(digits)}; where it is decimal, ${decimal}`,
  }
}

/**
 * The address in a row's cells: a Modicon reference, or a table or function code and a number.
 * @param base number of the first register; 0 where not given, but then what looks like a reference is an error
 * @param hexBeside what `unmarkedHex` found in the column of addresses
 */
export function addressIn(cell: (key: Column) => string, base: 0 | 1 | undefined, hexBeside?: string): Address {
  const written = cell('reference')
  if (written !== '') return referenceIn(written, 'reference')
  const address = cell('address').normalize('NFKC')
  if (address === '')
    return {
      error: 'the row has no address',
      hint: 'write it in a column `address`, or `reference` for 40001 and the like',
      column: 'address',
    }
  const table = cell('table') === '' ? tableOfFunction(cell('function')) : tableOf(cell('table'))
  const column = cell('table') === '' ? 'function' : 'table'
  if (table === undefined && cell(column) !== '')
    return {
      error: `"${cell(column)}" is no table that can be read`,
      hint: 'write holding, input, coil or discrete; or function code 1, 2, 3 or 4',
      column,
    }
  const doubtful = table !== undefined && hexBeside !== undefined ? doubtfulHex(address, hexBeside) : undefined
  if (doubtful) return { ...doubtful, column: 'address' }
  const range = /^(\w+)\s*(?:[-–~]|to|\.\.)\s*\w+$/i.exec(address)
  const first = range ? range[1]! : address
  const withBit = /^(\d+)[.:]([0-9]|1[0-5])$/.exec(first)
  const isBit = withBit !== null && (typeOf(cell('type')) === 'bool' || withBit[2] !== '0')
  const bit = isBit ? { bit: Number(withBit[2]) } : {}
  const bitOf = isBit ? { bitOf: `${first} is bit ${withBit[2]} of ${withBit[1]}` } : {}
  const number = isBit ? withBit[1]! : first
  const reference =
    parseReference(number) ??
    parseReference(number.replace(/^([134])[xX]0*(\d+)$/, (_, t, n) => t + n.padStart(4, '0')))
  if (table === undefined || (base === 1 && reference?.table === table)) {
    const found = referenceIn(number, 'address')
    return 'error' in found ? found : { options: { ...found.options, ...bit }, ...bitOf }
  }
  const whole = wholeOf(number)
  if (whole === undefined)
    return {
      error: `"${cell('address')}" is not an address`,
      hint: 'write a whole number such as 100, 0x64 or 64h',
      column: 'address',
    }
  if (base === undefined && reference?.table === table)
    return {
      error: `${number} beside ${table} may be a Modicon reference (${table} ${reference.address}) or an address`,
      hint: 'say which: `--base 1` where the registers are counted from 1, `--base 0` for addresses on the wire',
      column: 'address',
    }
  return { options: { [table]: whole - (base ?? 0), ...bit }, ...bitOf }
}

function referenceIn(text: string, column: Column): Address {
  const digits = text
    .normalize('NFKC')
    .trim()
    .replace(/^([134])[xX]0*(\d+)$/, (_, t, n) => t + String(n).padStart(4, '0'))
  const whole = /^\d+[.,]0+$/.test(digits) ? digits.replace(/[.,]0+$/, '') : digits
  if (parseReference(whole)) return { options: { reference: whole } }
  return {
    error: `"${text}" is neither a Modicon reference nor beside a table`,
    hint: 'add a column `table` (holding, input, coil, discrete) or `function` (1 to 4); or write references such as 40101',
    column,
  }
}
