import { parse as parseCsv } from 'csv-parse/sync'
import { columnOf } from './csv-columns.ts'
import { signalSchema } from './signal-schema.ts'

/** A cell of the file: 1-based line and column, counted in characters, and what its column is called. */
export interface CellPlace {
  readonly line: number
  readonly column: number
  readonly header: string
}

/** What is wrong with a cell, in the operator's words. */
export interface CellProblem extends CellPlace {
  readonly message: string
  readonly hint: string
}

/** One row with the cells that say something, by column. */
export interface Row {
  readonly line: number
  readonly cells: ReadonlyMap<string, { readonly text: string; readonly place: CellPlace }>
  readonly name: CellPlace
  /** cells that say otherwise than another one of their meaning */
  readonly doubled: readonly CellProblem[]
}

/** Splits a file into rows. Quotes that do not fit and a missing column of names become problems. */
export function readRows(
  text: string,
  problems: CellProblem[],
  notes: Set<string>,
): { readonly rows: readonly Row[]; readonly decimalComma: boolean } {
  const told = /^sep=(.)\r?\n/i.exec(text)
  const body = told ? text.slice(told[0].length) : text
  const delimiter = told?.[1] ?? likeliestDelimiter(body)
  let records: readonly { readonly record: readonly string[]; readonly raw: string }[]
  try {
    records = parseCsv(body, { delimiter, raw: true, relax_column_count: true }) as never
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    const line = ('lines' in error ? Number(error.lines) : 1) + (told ? 1 : 0)
    const hint =
      'put cells that contain quotes, separators or line ends in double quotes, and double the quotes in them'
    problems.push({ line, column: 1, header: '', message: 'the quotes of this line do not fit', hint })
    return { rows: [], decimalComma: false }
  }
  const [head, ...rest] = records
  const headers = (head?.record ?? []).map((h) => h.trim())
  const columns = headers.map((header) => columnOf(header) ?? optionOf(header))
  if (!columns.includes('name') && !columns.includes('description')) {
    const hint = `begin with a line such as name${delimiter}table${delimiter}address${delimiter}type${delimiter}unit${delimiter}scale`
    problems.push({ line: told ? 2 : 1, column: 1, header: '', message: 'no column is called `name`', hint })
    return { rows: [], decimalComma: false }
  }
  const unknown = headers.filter((h, i) => columns[i] === undefined && h !== '')
  if (unknown.length > 0) notes.add(`columns that mean nothing here are left out: ${unknown.join(', ')}`)
  const rows: Row[] = []
  let line = (told ? 2 : 1) + lineEnds(head?.raw)
  for (const { record, raw } of rest) {
    const starts = cellStarts(raw, delimiter)
    if (record.slice(headers.length).some((value) => value.trim() !== '')) {
      const hint = 'a cell that contains the separator, such as a decimal comma, stands in double quotes: "0,1"'
      const column = (starts[headers.length] ?? 0) + 1
      problems.push({ line, column, header: '', message: 'more cells than headers', hint })
    }
    const cells = new Map<string, { readonly text: string; readonly place: CellPlace }>()
    const doubled: CellProblem[] = []
    for (const [i, column] of columns.entries()) {
      const value = record[i]?.trim() ?? ''
      const place = { line, column: (starts[i] ?? 0) + 1, header: headers[i]! }
      if (column === undefined || value === '') continue
      const before = cells.get(column)
      if (before === undefined) cells.set(column, { text: value, place })
      else if (before.text !== value && !WORDS.has(column)) doubled.push(doubledBy(place, column, before.place.header))
    }
    const name = { line, column: 1, header: headers[columns.indexOf('name')] ?? 'name' }
    if (cells.size > 0) rows.push({ line, cells, name: cells.get('name')?.place ?? name, doubled })
    line += lineEnds(raw)
  }
  return { rows, decimalComma: delimiter !== ',' }
}

/** Columns of which the first that says something is taken: number and name, description and remarks. */
const WORDS: ReadonlySet<string> = new Set(['name', 'description', 'access'])

function doubledBy(place: CellPlace, column: string, before: string): CellProblem {
  const both = before === place.header ? `two columns ${before}` : `${before} and ${place.header}`
  const hint = 'leave one of the two cells empty, or call the column that means something else otherwise'
  return { ...place, message: `${both} both say \`${column}\``, hint }
}

function lineEnds(text = ''): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0
}

function optionOf(header: string): string | undefined {
  const key = header.toLowerCase().replace(/[\s-]+/g, '_')
  return Object.hasOwn(signalSchema.shape, key) ? key : undefined
}

/** The separator that occurs most in the first line. */
function likeliestDelimiter(text: string): string {
  const line = text.slice(0, text.search(/\r?\n|$/))
  const count = (d: string): number => line.split(d).length
  return [',', ';', '\t'].toSorted((a, b) => count(b) - count(a))[0]!
}

/** Where each cell of a raw line begins. */
function cellStarts(raw: string, delimiter: string): readonly number[] {
  const starts = [0]
  let quoted = false
  for (const [i, char] of [...raw].entries()) {
    if (char === '"') quoted = !quoted
    else if (char === delimiter && !quoted) starts.push(i + 1)
  }
  return starts
}
