import { addressOf } from './address.ts'
import { signalSchema } from './signal-schema.ts'

const ADDRESS = ['holding', 'input', 'coil', 'discrete', 'reference']

/** Columns that are always there, so that a table that was exported can be filled in. */
const FIRST = ['name', 'table', 'address', 'type', 'unit', 'scale', 'offset']

/**
 * Signals as a CSV register map that `readCsvMap` reads back to the same: addresses on the wire from 0, lines ended by
 * CR LF as RFC 4180 and spreadsheets have it.
 */
export function csvMapText(signals: Readonly<Record<string, unknown>>, delimiter = ','): string {
  const rows = Object.entries(signals).map(([name, options]) => ({ name, options: options as Options }))
  const more = Object.keys(signalSchema.shape).filter(
    (key) => !ADDRESS.includes(key) && !FIRST.includes(key) && rows.some(({ options }) => options[key] !== undefined),
  )
  const columns = [...FIRST, ...more]
  const lines = rows.map(({ name, options }) => {
    const { table, address } = addressOf(options)
    const own: Options = { ...options, name, table, address: hasReferenceShape(address) ? hex(address) : address }
    return columns.map((column) => (column === 'bits' ? bitsCell(own.bits) : cell(own[column])))
  })
  const quoted = (text: string): string =>
    /["\r\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text
  return [columns, ...lines].map((line) => `${line.map(quoted).join(delimiter)}\r\n`).join('')
}

type Options = Readonly<Record<string, unknown>>

/** A whole number that a double cannot hold is read back as it was only in quotes. */
function exactly(value: unknown): string {
  return Number.isSafeInteger(Number(value)) ? String(value) : JSON.stringify(value)
}

/** An address such as 40001 would be taken for a Modicon reference: it is written in another way. */
function hasReferenceShape(address: number): boolean {
  return /^[0134]\d{4,5}$/.test(String(address))
}

function hex(address: number): string {
  return `0x${address.toString(16).toUpperCase().padStart(4, '0')}`
}

function bitsCell(bits: unknown): string {
  return Array.isArray(bits) ? bits.join('-') : cell(bits)
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) return `[${value.map(exactly).join(', ')}]`
  if (typeof value !== 'object') return String(value)
  // What would be taken for the end of a label is safe only in the notation of YAML.
  if (Object.values(value).some((label) => /[;|,=:"\n]|^\s|\s$/.test(String(label)))) return JSON.stringify(value)
  return Object.entries(value)
    .map(([key, label]) => `${key}=${label}`)
    .join('; ')
}
