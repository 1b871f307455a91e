import { compareDecimal, formatDecimal, parseDecimal } from '../../core/decimal.ts'
import { type CellError, decimalOf, wholeOf } from './csv-columns.ts'

/** Columns that say what a raw value is multiplied with, each in its own way. */
export const SCALES = ['scale', 'gain', 'divisor', 'decimals'] as const
type ScaleColumn = (typeof SCALES)[number]

/**
 * The factor that a row's cells say, as decimal text; undefined where there is none. Cells that say the same are one.
 * `gain` multiplies in some manuals and divides in others (inverters: value = raw / gain), so only fractions are taken.
 * @param comma see `decimalOf`
 */
export function scaleIn(
  cell: (key: ScaleColumn) => string,
  comma: boolean,
): string | undefined | (CellError & { readonly column: ScaleColumn }) {
  const filled = SCALES.filter((key) => cell(key) !== '')
  let first: { readonly column: ScaleColumn; readonly factor: string } | undefined
  for (const column of filled) {
    const factor = factorOf(column, cell(column), comma)
    if (typeof factor !== 'string') return { ...factor, column }
    if (first !== undefined && compareDecimal(parseDecimal(first.factor)!, parseDecimal(factor)!) !== 0)
      return {
        error: `${column} "${cell(column)}" is × ${factor}, but ${first.column} "${cell(first.column)}" is × ${first.factor}`,
        hint: 'leave empty the one that does not scale the value',
        column,
      }
    first ??= { column, factor }
  }
  return first === undefined || Number(first.factor) === 1 ? undefined : first.factor
}

function factorOf(column: ScaleColumn, cell: string, comma: boolean): string | CellError {
  if (column === 'decimals') return ofPlaces(cell)
  const value = decimalOf(cell, comma)
  if (typeof value !== 'string' || column === 'scale') return value
  return column === 'gain' ? ofGain(value, cell) : inverse(value, cell)
}

function ofGain(value: string, cell: string): string | CellError {
  if (Number(value) > 0 && Number(value) <= 1) return value
  return {
    error: `gain "${cell}" may multiply or divide`,
    hint: 'rename the column: `scale` where value = raw × gain, `divisor` where value = raw / gain (most inverters)',
  }
}

/** 2 → 0.01 */
function ofPlaces(cell: string): string | CellError {
  const places = wholeOf(cell)
  if (places !== undefined && places <= 18) return formatDecimal({ units: 1n, places })
  return {
    error: `"${cell}" is no number of decimal places`,
    hint: 'write how many digits stand behind the point, such as 2 for raw / 100; or use a column `scale`',
  }
}

/** 1 / value, where that is a decimal number that ends. */
function inverse(value: string, cell: string): string | CellError {
  const divisor = parseDecimal(value)
  if (divisor === undefined || divisor.units === 0n)
    return { error: `"${cell}" divides nothing`, hint: 'write the divisor, such as 10 for raw / 10' }
  const top = 10n ** BigInt(divisor.places)
  for (let places = 0; places <= 40; places++) {
    const units = top * 10n ** BigInt(places)
    if (units % divisor.units === 0n) return formatDecimal({ units: units / divisor.units, places })
  }
  return {
    error: `1/${cell} is no decimal number that ends`,
    hint: `write a column \`scale\` with the digits that matter, such as ${(1 / Number(value)).toPrecision(6)}`,
  }
}
