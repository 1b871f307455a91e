import { stringify } from 'yaml'
import { z } from 'zod'
import { formatBytes, formatDuration } from '../core/option.ts'
import { marksOf, unwrap, wrapped } from './schema-walk.ts'
import { typeText } from './type-text.ts'

/** One mapping of a configuration file: where it stands and what may be written in it. */
export interface Section {
  /** such as `sources.NAME.devices.NAME` */
  readonly path: string
  /** the fixed key that chooses this form, such as `kind: modbus`, or '' */
  readonly form: string
  readonly meaning: string
  readonly rows: readonly Row[]
}

/** One option. */
export interface Row {
  readonly key: string
  readonly type: string
  /** `required`, the default as it would be written, or '' for an option that may be absent */
  readonly fallback: string
  readonly meaning: string
}

/** All mappings of a file, outermost first. */
export function sectionsOf(schema: z.core.$ZodType, path = '', form = ''): readonly Section[] {
  const bare = unwrap(schema)
  const { def } = bare._zod
  switch (def.type) {
    case 'object': {
      const entries = Object.entries(def.shape)
      const rows = entries.map(([key, s]) => ({
        key,
        type: typeText(s),
        fallback: fallbackOf(s),
        meaning: marksOf(s).description ?? '',
      }))
      const own = { path, form, meaning: marksOf(schema).description ?? '', rows }
      return [own, ...entries.flatMap(([key, s]) => sectionsOf(s, path === '' ? key : `${path}.${key}`))]
    }
    case 'record':
      return sectionsOf(def.valueType, `${path}.NAME`)
    case 'array':
      return sectionsOf(def.element, `${path}[]`)
    case 'union':
      return def.options.flatMap((option) => sectionsOf(option, path, formOf(option)))
    default:
      return []
  }
}

/** The fixed key that chooses this form. */
function formOf(option: z.core.$ZodType): string {
  const { def } = unwrap(option)._zod
  for (const [key, schema] of def.type === 'object' ? Object.entries(def.shape) : []) {
    const inner = unwrap(schema)._zod.def
    if (inner.type === 'literal' && inner.values.length === 1) return `${key}: ${String(inner.values[0])}`
  }
  return ''
}

function fallbackOf(schema: z.core.$ZodType): string {
  const written = defaultOf(schema)
  if (written !== undefined) return isEmptyMapping(written) ? '' : writtenText(schema, written)
  return z.safeParse(schema, undefined).success ? '' : 'required'
}

function isEmptyMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** The value that stands where nothing is written; undefined where there is none. */
export function defaultOf(schema: z.core.$ZodType): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'default' || def.type === 'prefault') return def.defaultValue
  const inner = wrapped(schema)
  return inner && defaultOf(inner)
}

/** A parsed value as an operator writes it: 5000 of a duration is `5s`. */
export function asWritten(schema: z.core.$ZodType, value: unknown): unknown {
  const { as } = marksOf(schema)
  if (typeof value !== 'number') return value
  return as === 'duration' ? formatDuration(value) : as === 'size' ? formatBytes(value) : value
}

function writtenText(schema: z.core.$ZodType, value: unknown): string {
  const written = asWritten(schema, value)
  return typeof written === 'object' ? stringify(written, { collectionStyle: 'flow' }).trim() : String(written)
}

/** Sections as Markdown, one table each. */
export function referenceText(sections: readonly Section[]): string {
  const distinct = new Map(sections.map((section) => [JSON.stringify(section), section]))
  return [...distinct.values()]
    .map(({ path, form, meaning, rows }) => {
      const title = path === '' ? 'The file' : `\`${path}\``
      const table = rows.map((r) => `| \`${r.key}\` | ${cell(r.type)} | ${cell(r.fallback)} | ${cell(r.meaning)} |`)
      return [
        `### ${title}${form === '' ? '' : ` with \`${form}\``}`,
        ...(meaning === '' ? [] : ['', `${meaning[0]?.toUpperCase()}${meaning.slice(1)}.`]),
        '',
        '| option | type | default | meaning |',
        '|---|---|---|---|',
        ...table,
        '',
      ].join('\n')
    })
    .join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
