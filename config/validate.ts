import type { z } from 'zod'
import { nearest } from './nearest.ts'
import type { KeyProblem as Problem } from './problem.ts'
import { branches, isRecord, marksOf, schemasAt, unwrap, valueAt } from './schema-walk.ts'
import { typeText } from './type-text.ts'

type Path = readonly (string | number)[]
type Issue = z.core.$ZodIssue

/** What zod is told to say, so that any other text is one that a schema's author wrote. */
const UNSAID = ''

/** A value that the schema took, or everything that is wrong with it. */
export type Validated<T> =
  | { readonly ok: true; readonly data: T }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * Checks data against a schema and says what is wrong in the operator's words, never in zod's. Secrets are not shown.
 * @param base path of `value` in its document, put before every problem's path
 */
export function validate<T>(schema: z.ZodType<T>, value: unknown, base: Path = []): Validated<T> {
  const result = schema.safeParse(value, { error: () => UNSAID })
  if (result.success) return { ok: true, data: result.data }
  const problems = result.error.issues.flatMap((issue) => explain(issue, { schema, value }))
  return { ok: false, problems: problems.map((p) => ({ ...p, path: [...base, ...p.path] })) }
}

interface Context {
  readonly schema: z.core.$ZodType
  readonly value: unknown
}

function explain(issue: Issue, context: Context): readonly Problem[] {
  const path = issue.path.filter((key) => typeof key !== 'symbol')
  const at = valueAt(context.value, path)
  const schema = schemasAt(context.schema, context.value, path)[0]
  const said = issue.message === UNSAID ? undefined : issue.message
  const isMissing = at === undefined && path.length > 0 && issue.code !== 'custom'
  if (isMissing) return [missing(path, schemasAt(context.schema, context.value, path), said)]
  const secret = schema !== undefined && marksOf(schema).secret === true
  const problem = (message: string, hint?: string): readonly Problem[] => [
    { path, message, ...(hint === undefined ? {} : { hint }) },
  ]
  const got = secret && typeof at === 'string' ? 'text' : describe(at)

  switch (issue.code) {
    case 'invalid_type': {
      const wanted = said ?? `expected ${expected(issue)}`
      return problem(`${wanted}, got ${got}`, typeHint(schema, at))
    }
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey([...path, key], keysOf(context, path), at))
    case 'invalid_value':
      return problem(
        said ?? notAnOption(at, issue.values.map(String), got),
        // What the schema's author said already names the option that was meant.
        optionHint(said === undefined ? at : undefined, issue.values.map(String)),
      )
    case 'invalid_union':
      return union(issue, { path, said, got, at }, context)
    case 'too_small':
    case 'too_big':
      return problem(said ?? outOfRange(issue, got), sizeHint(issue, schema))
    case 'invalid_key':
      return [
        ...issue.issues.map((inner) => ({ path, at: 'key' as const, message: inner.message, ...hintOf(inner) })),
        ...belowBadKey(schema, at, path), // zod looks no further, the operator wants all at once
      ]
    case 'invalid_element':
      return issue.issues.flatMap((inner) => explain({ ...inner, path: [...path, ...inner.path] }, context))
    case 'not_multiple_of':
      return problem(said ?? `${got} is not a multiple of ${issue.divisor}`)
    case 'invalid_format':
      return problem(said ?? `${got} does not have the form it needs`, hintOf(issue).hint)
    case 'custom':
      return [{ path, message: said ?? `${got} is not valid`, ...hintOf(issue) }]
  }
}

function belowBadKey(schema: z.core.$ZodType | undefined, value: unknown, path: Path): readonly Problem[] {
  if (!schema) return []
  const below = validate(schema as z.ZodType, value, path)
  return below.ok ? [] : below.problems
}

function hintOf(issue: Issue): { readonly hint?: string } {
  const hint = issue.code === 'custom' ? issue.params?.hint : undefined
  return typeof hint === 'string' ? { hint } : {}
}

/** Points at the mapping that lacks the key and shows what to write. */
function missing(path: Path, schemas: readonly z.core.$ZodType[], said: string | undefined): Problem {
  const key = path.at(-1)
  const type = [...new Set(schemas.map(typeText))].join(' | ')
  const description = schemas.length === 1 ? marksOf(schemas[0]!).description : undefined
  const what = [said?.replace(/^expected (an? )?/, '') ?? type, description].filter((text) => text !== undefined)
  return { path: path.slice(0, -1), message: `"${key}" is missing`, hint: `add \`${key}: …\` (${what.join('; ')})` }
}

function unknownKey(path: Path, known: readonly string[], parent: unknown): Problem {
  const key = String(path.at(-1))
  const free = known.filter((k) => !isRecord(parent) || !Object.hasOwn(parent, k))
  const meant = nearest(key, free)
  const glued = /^([\w.-]+):\S/.exec(key)?.[1]
  const hint =
    glued !== undefined
      ? `write a space after the colon of "${glued}:"`
      : meant !== undefined
        ? `did you mean "${meant}"?`
        : `known here: ${known.join(', ')}`
  return { path, at: 'key', message: `unknown key "${key}"`, hint }
}

function keysOf({ schema, value }: Context, path: Path): readonly string[] {
  const at = valueAt(value, path)
  const objects = schemasAt(schema, value, path).flatMap((s) => branches(s, at))
  return [...new Set(objects.flatMap(({ _zod: { def } }) => (def.type === 'object' ? Object.keys(def.shape) : [])))]
}

interface At {
  readonly path: Path
  readonly said: string | undefined
  readonly got: string
  readonly at: unknown
}

/** Reports the branch the operator meant: the one `kind`, or the one that fits best. */
function union(issue: z.core.$ZodIssueInvalidUnion, { path, said, got, at }: At, context: Context): readonly Problem[] {
  if ('discriminator' in issue && issue.discriminator !== undefined) {
    const options = optionsOf(issue)
    return [{ path, message: notAnOption(at, options, got), hint: optionHint(at, options) }]
  }
  const deepest = issue.errors
    .filter((issues) => issues.some((i) => i.path.length > 0 || i.code !== 'invalid_type'))
    .toSorted((a, b) => cost(a) - cost(b))[0]
  if (said !== undefined || !deepest) {
    const wanted = issue.errors.flatMap((issues) => issues.map((i) => (i.code === 'invalid_type' ? expected(i) : '')))
    const words = [...new Set(wanted.filter((w) => w !== ''))].join(' or ')
    return [{ path, message: `${said ?? `expected ${words}`}, got ${got}` }]
  }
  return deepest.flatMap((inner) => explain({ ...inner, path: [...path, ...inner.path] }, context))
}

function optionsOf(issue: z.core.$ZodIssueInvalidUnion): readonly string[] {
  return 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : []
}

/** How badly a branch fits: a wrong fixed value (`type: category`) says most, then keys it lacks or does not know. */
function cost(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => {
    if (issue.code === 'unrecognized_keys') return sum + 2 * issue.keys.length
    return sum + (issue.code === 'invalid_value' ? 3 : 2)
  }, 0)
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  tuple: 'a list',
}

function expected(issue: z.core.$ZodIssueInvalidType): string {
  const word = 'format' in issue && issue.format === 'safeint' ? 'int' : issue.expected
  return TYPE_WORDS[word] ?? word
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return `text "${value.length > 60 ? `${value.slice(0, 57)}…` : value}"`
  if (typeof value === 'object') return 'a mapping'
  return typeof value === 'number' ? `the number ${value}` : String(value)
}

function bare(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value) : describe(value)
}

/** What to write instead of a value of another type. */
function typeHint(schema: z.core.$ZodType | undefined, value: unknown): string | undefined {
  if (!schema) return undefined
  if (value === null) return 'write a value after the colon, or remove the line'
  const { as, secret } = marksOf(schema)
  if (secret) return undefined
  if (as === 'duration') return typeof value === 'number' ? `add a unit, such as ${value}s` : undefined
  const { def } = unwrap(schema)._zod
  switch (def.type) {
    case 'string':
      return isRecord(value) || Array.isArray(value) ? undefined : `put it in quotes: "${value}"`
    case 'number':
      return typeof value === 'string' && Number.isFinite(Number(value || Number.NaN))
        ? `write ${value.trim()} without quotes`
        : `write a ${typeText(schema)}`
    case 'object':
    case 'record': {
      // `name:hall-2` is text, not a key with a value.
      const glued = typeof value === 'string' ? /^([\p{L}\p{N}_.-]+):\S/u.exec(value)?.[1] : undefined
      if (glued !== undefined) return `write a space after the colon of "${glued}:"`
      return def.type === 'object'
        ? `write \`key: value\` lines below it, or { key: value }; keys: ${Object.keys(def.shape).join(', ')}`
        : 'write `NAME: value` lines below it, with names of your own'
    }
    case 'boolean':
      return 'write true or false, without quotes'
    case 'array':
    case 'tuple':
      return 'write a list: [a, b], or lines that begin with "- "'
    default:
      return undefined
  }
}

function notAnOption(at: unknown, options: readonly string[], got: string): string {
  if (options.length === 1) return `expected ${options[0]}, got ${got}`
  return at === undefined || isRecord(at) || Array.isArray(at)
    ? `expected one of ${options.join(', ')}, got ${got}`
    : `${bare(at)} is not one of the options`
}

function optionHint(at: unknown, options: readonly string[]): string {
  if (options.length === 1) return `write ${options[0]}`
  const meant = typeof at === 'string' ? nearest(at, options) : undefined
  return meant === undefined ? `write one of ${options.join(', ')}` : `did you mean "${meant}"? (${options.join(', ')})`
}

type SizeIssue = z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig

function outOfRange(issue: SizeIssue, got: string): string {
  switch (issue.origin) {
    case 'number':
    case 'int':
      return `${got.replace('the number ', '')} is out of range`
    case 'string':
      if (issue.code === 'too_big') return 'the text is too long'
      return issue.minimum === 1 ? 'the text is empty' : 'the text is too short'
    default:
      return issue.code === 'too_small' ? 'too few entries' : 'too many entries'
  }
}

function sizeHint(issue: SizeIssue, schema: z.core.$ZodType | undefined): string {
  const limit = issue.code === 'too_small' ? issue.minimum : issue.maximum
  const bound = issue.code === 'too_small' ? 'at least' : 'at most'
  switch (issue.origin) {
    case 'number':
    case 'int':
      return `write a ${schema ? typeText(schema) : `number ${bound} ${limit}`}`
    case 'string':
      return `write ${bound} ${limit} ${limit === 1 ? 'character' : 'characters'}`
    default:
      return issue.exact ? `write exactly ${limit}` : `write ${bound} ${limit}`
  }
}
