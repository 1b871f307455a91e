import { existsSync, writeFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { csvMapText } from '../../adapters/modbus/csv-export.ts'
import { type CsvMap, readCsvMap } from '../../adapters/modbus/csv-import.ts'
import type { CellPlace } from '../../adapters/modbus/csv-rows.ts'
import { profileSchema } from '../../adapters/modbus/device-schema.ts'
import { profileText, signalLine } from '../../adapters/modbus/profile-text.ts'
import { type LocatedProblem, renderProblems, sortProblems } from '../../config/problem.ts'
import { type Profile, profileNames, readProfile } from '../../config/profiles.ts'
import { readBytes } from '../../config/read.ts'
import { decodeTable, TABLE_ENCODINGS, type TableEncoding } from '../../config/table-text.ts'
import { validate } from '../../config/validate.ts'
import { Fault } from '../../core/fault.ts'
import { EXIT_USAGE, printJson, table } from './common.ts'

/** `sluice profile list`: the register maps that come with Sluice. */
export function listProfiles(options: { readonly json?: boolean }): void {
  const rows = profileNames().map((name) => {
    const { about, signals } = open(name)
    return { name, signals: Object.keys(signals).length, about }
  })
  if (options.json) return printJson(rows)
  console.log(table([['profile', 'signals', 'for'], ...rows.map((r) => [r.name, String(r.signals), r.about])]))
  console.log('\nsunspec is found by `sluice probe` in devices that list their models themselves.')
}

/** `sluice profile show NAME`: what it is for, where it is from and its signals, each as it would be written. */
export function showProfile(named: string, options: { readonly json?: boolean }): void {
  const { about, sources, notes, device, signals, file } = open(named)
  if (options.json) return printJson({ name: named, file, about, sources, notes: notes ?? null, device, signals })
  console.log(about)
  for (const { title, revision, url } of sources) {
    console.log(`from: ${[title, revision].filter(Boolean).join(', ')}`)
    if (url !== undefined) console.log(`      ${url}`)
  }
  if (notes !== undefined) console.log(`note: ${notes.trimEnd()}`)
  const settings = Object.entries(device).map(([key, value]) => `${key}: ${value}`)
  if (settings.length > 0) console.log(settings.join('  '))
  for (const [name, signal] of Object.entries(signals)) console.log(`  ${signalLine(name, signal)}`)
}

export interface ImportOptions {
  readonly base?: string
  readonly encoding?: string
  readonly output?: string
}

/** `sluice profile import map.csv`: a profile from a register map; all of it is right, or nothing is written. */
export function importProfile(file: string, options: ImportOptions): void {
  const opened = readBytes(file)
  if (!('bytes' in opened)) throw new Fault('config-unreadable', { file }, opened.message)
  const decoded = decodeTable(opened.bytes, encodingOf(options.encoding))
  if (!('text' in decoded)) throw new Fault('usage', { file }, `${decoded.message}: ${decoded.hint}`)
  const map = readCsvMap(decoded.text, baseOf(options.base))
  const problems = problemsOf(map, file, decoded.text)
  if (problems.length > 0) {
    console.error(renderProblems(problems))
    process.exitCode = EXIT_USAGE
    return
  }
  const about = `register map of ${basename(file)}`
  const { signals, descriptions } = map
  write(profileText({ about, sources: [{ title: basename(file) }], device: {}, signals, descriptions }), options.output)
  if (decoded.encoding !== 'utf-8') console.error(`sluice: read as ${decoded.encoding}`)
  for (const note of map.notes) console.error(`sluice: ${note}`)
}

/** `sluice profile export NAME|FILE`: its signals as a CSV register map, which `import` reads back. */
export function exportProfile(named: string, options: { readonly output?: string; readonly separator: string }): void {
  const separator = options.separator === 'tab' ? '\t' : options.separator
  if (![',', ';', '\t'].includes(separator)) throw new Fault('usage', {}, 'the separator is , or ; or tab')
  const text = csvMapText(open(named).signals, separator)
  // Without the mark spreadsheets take UTF-8 for the encoding of their country.
  write(options.output === undefined ? text : `\uFEFF${text}`, options.output)
}

function open(named: string): Profile {
  const read = readProfile(named, resolve('sluice.yaml'))
  if (read.kind === 'ok') return read.profile
  if (read.kind === 'absent') throw new Fault('usage', {}, `${read.message}: ${read.hint}`)
  console.error(renderProblems(read.problems))
  throw new Fault('config-invalid', { file: named }, 'the profile is not valid')
}

function encodingOf(told: string | undefined): TableEncoding | undefined {
  const known = TABLE_ENCODINGS.find((encoding) => encoding === told?.toLowerCase())
  if (told !== undefined && !known)
    throw new Fault('usage', {}, `no encoding ${told}: one of ${TABLE_ENCODINGS.join(', ')}`)
  return known
}

function baseOf(told: string | undefined): 0 | 1 | undefined {
  if (told === undefined) return undefined
  if (told !== '0' && told !== '1') throw new Fault('usage', {}, '--base is 0 or 1')
  return told === '0' ? 0 : 1
}

/** What is wrong with the cells, and with what they say once they are put together. */
function problemsOf(map: CsvMap, file: string, text: string): readonly LocatedProblem[] {
  const lines = text.split(/\r?\n/)
  const at = ({ line, column, header }: CellPlace, message: string, hint: string | undefined): LocatedProblem => ({
    file,
    line,
    column,
    path: header === '' ? '' : `column ${header}`,
    message,
    hint: hint ?? null,
    source: lines[line - 1] ?? null,
  })
  const unread = map.problems.map((p) => at(p, p.message, p.hint))
  const told = new Set(map.problems.flatMap((p) => [`${p.line}`, `${p.line}:${p.column}`]))
  if (Object.keys(map.signals).length === 0 && unread.length === 0)
    return [at({ line: 1, column: 1, header: '' }, 'the file has no rows', 'write one signal a line below the headers')]
  const checked = validate(profileSchema, { about: file, signals: map.signals })
  const found = checked.ok
    ? []
    : checked.problems.flatMap(({ path: [, signal, key], message, hint }) => {
        if (signal === undefined) return []
        const place = map.place(String(signal), key === undefined ? undefined : String(key))
        // A cell that could not be read has been told; a row that lacks one cannot be judged as a whole.
        return told.has(key === undefined ? `${place.line}` : `${place.line}:${place.column}`)
          ? []
          : [at(place, message, hint)]
      })
  return sortProblems([...unread, ...found])
}

function write(text: string, output: string | undefined): void {
  if (output === undefined) {
    process.stdout.write(text)
    return
  }
  if (existsSync(output)) throw new Fault('file-exists', { file: output }, 'exists already')
  writeFileSync(output, text)
}
