import { parse as parseYaml } from 'yaml'
import { isUnit, ucumOf } from '../../core/unit.ts'
import { addressIn, unmarkedHex } from './csv-address.ts'
import { type CellError, COLUMNS, type Column, decimalOf, labelsOf, typeOf, wholeOf } from './csv-columns.ts'
import { byteOrderIn } from './csv-order.ts'
import { type CellPlace, type CellProblem, type Row, readRows } from './csv-rows.ts'
import { SCALES, scaleIn } from './csv-scale.ts'
import { registersOf, SIGNAL_TYPES } from './signal-type.ts'

/** Signals of a CSV register map, not yet checked against the schema, and where each option of them stands. */
export interface CsvMap {
  readonly signals: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** what the file says of a signal beside its options */
  readonly descriptions: Readonly<Record<string, string>>
  readonly problems: readonly CellProblem[]
  /** what was left out or read in another way than it was written, one sentence each */
  readonly notes: readonly string[]
  /** place of an option; the signal's name where the option has no cell of its own */
  place(signal: string, key: string | undefined): CellPlace
}

/**
 * Reads a register map: a line of headers, then one signal a line; separated by commas, semicolons or tabs.
 * @param base number of the first register in columns of addresses; 0 (as on the wire) where not given, but then what
 * looks like a Modicon reference beside a table is a problem
 */
export function readCsvMap(text: string, base?: 0 | 1): CsvMap {
  const problems: CellProblem[] = []
  const notes = new Set<string>()
  const { rows, decimalComma } = readRows(text, problems, notes)
  const signals: Record<string, Record<string, unknown>> = {}
  const descriptions: Record<string, string> = {}
  const found = new Map<string, Row>()
  const bitsOf: string[] = []
  const hexBeside = unmarkedHex(rows.map(({ cells }) => cells.get('address')?.text ?? ''))
  for (const row of rows) {
    const cell = (key: string): string => row.cells.get(key)?.text ?? ''
    if (/^(w|wo|write|writeonly|write only)$/i.test(cell('access'))) {
      notes.add('rows that can only be written are left out')
      continue
    }
    const name = signalName(cell('name') || cell('description'), notes)
    const before = found.get(name)
    const problem = (key: string, error: CellError): void => {
      const place = row.cells.get(key)?.place ?? row.name
      problems.push({ ...place, message: error.error, hint: error.hint })
    }
    if (name === '') problem('name', { error: 'the row has no name', hint: 'name each signal in a column `name`' })
    else if (before)
      problem('name', {
        error: `"${name}" is in line ${before.name.line} already`,
        hint: 'give one of them another name',
      })
    else {
      found.set(name, row)
      problems.push(...row.doubled)
      signals[name] = readSignal(row, problem, { base, hexBeside, decimalComma, notes, bitsOf })
      const words = cell('description')
      if (words !== '' && words !== name) descriptions[name] = words
    }
  }
  if (bitsOf[0] !== undefined)
    notes.add(
      `addresses with a point are taken for bits of registers: ${bitsOf[0]}${bitsOf.length > 1 ? `, and ${bitsOf.length - 1} more` : ''}`,
    )
  const place = (signal: string, key: string | undefined): CellPlace => {
    const row = found.get(signal)
    return (
      [key ?? 'name', ...(COLUMNS_OF[key ?? ''] ?? []), 'name'].map((c) => row?.cells.get(c)?.place).find(Boolean) ??
      row?.name ?? { line: 1, column: 1, header: '' }
    )
  }
  return { signals, descriptions, problems, notes: [...notes], place }
}

/** Columns beside its own that an option may come from. */
const COLUMNS_OF: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(['holding', 'input', 'coil', 'discrete', 'reference'].map((key) => [key, ['address']])),
  scale: SCALES,
  byte_order: ['word_order'],
}

function signalName(text: string, notes: Set<string>): string {
  const name = text
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, '_')
    .replace(/^[^\p{L}\p{N}]+|_+$/gu, '')
    .slice(0, 100)
  if (name !== text) notes.add('in names, what is neither letter nor digit is written "_"')
  return name
}

interface Reading {
  readonly base: 0 | 1 | undefined
  readonly hexBeside: string | undefined
  readonly decimalComma: boolean
  readonly bitsOf: string[]
  readonly notes: Set<string>
}

function readSignal(
  row: Row,
  problem: (key: string, error: CellError) => void,
  { base, hexBeside, decimalComma, notes, bitsOf }: Reading,
): Record<string, unknown> {
  const signal: Record<string, unknown> = {}
  const cell = (key: Column): string => row.cells.get(key)?.text ?? ''
  const at = addressIn(cell, base, hexBeside)
  if ('error' in at) problem(at.column, at)
  else {
    Object.assign(signal, at.options)
    if (at.bitOf !== undefined) bitsOf.push(at.bitOf)
  }
  const isBit = signal.coil !== undefined || signal.discrete !== undefined
  const type = cell('type') === '' ? undefined : typeOf(cell('type'))
  if (type !== undefined && !(isBit && type === 'bool') && signal.bit === undefined) signal.type = type
  const length = cell('length') === '' ? undefined : wholeOf(cell('length'))
  if (type === 'string' || type === 'mod10k') {
    if (cell('length') !== '') signal.length = length ?? cell('length')
  } else if (length !== undefined && !isBit) fits(type, length, (error) => problem('length', error))
  if (cell('bit') !== '') signal.bit = wholeOf(cell('bit')) ?? cell('bit')
  if (signal.bit !== undefined && (signal.type === 'bool' || type === 'uint16')) delete signal.type
  const scale = scaleIn(cell, decimalComma)
  if (typeof scale === 'object') problem(scale.column, scale)
  else if (scale !== undefined) signal.scale = scale
  const offset = cell('offset') === '' ? '0' : decimalOf(cell('offset'), decimalComma)
  if (typeof offset === 'object') problem('offset', offset)
  else if (Number(offset) !== 0) signal.offset = offset
  if (cell('unit') !== '' && !isBit && type !== 'string') signal.unit = unitOf(cell('unit'), notes)
  const order = byteOrderIn(cell('byte_order'), cell('word_order'))
  if (typeof order === 'object') problem(order.column, order)
  else if (order !== undefined) signal.byte_order = order
  if (cell('labels') !== '') signal.labels = labelsOf(cell('labels')) ?? yamlOf(cell('labels'))
  if (cell('period') !== '') signal.period = cell('period')
  for (const [key, { text }] of row.cells) if (!NAMED.has(key)) signal[key] = yamlOf(text)
  return signal
}

const NAMED: ReadonlySet<string> = new Set(COLUMNS)

/** An option that has no notation of its own in tables is written as in YAML: `[0x8000, 0xFFFF]`. */
function yamlOf(text: string): unknown {
  try {
    return parseYaml(text, { logLevel: 'error' })
  } catch {
    return text // the schema says what it wants
  }
}

function unitOf(text: string, notes: Set<string>): string {
  const meant = isUnit(text) ? text : (ucumOf(text.normalize('NFKC')) ?? ucumOf(text))
  if (meant !== undefined && meant !== text) notes.add(`unit ${text} is written ${JSON.stringify(meant)} (UCUM)`)
  return meant ?? text
}

/** Vendors list how many registers a value takes; where that does not fit the type, one of the two is wrong. */
function fits(type: string | undefined, length: number, problem: (error: CellError) => void): void {
  const known = SIGNAL_TYPES.find((name) => name === (type ?? 'uint16'))
  if (known !== undefined && registersOf(known) !== length)
    problem({
      error: `${known} takes ${registersOf(known)} registers, not ${length}`,
      hint: 'check the type and the number of registers',
    })
}
