import { createRequire } from 'node:module'
import type { JSONValue } from 'json-p3'

/** A compiled path into a document. */
export interface JsonPath {
  /** true: gives one value at most (RFC 9535 §2.3.5.1) */
  readonly singular: boolean
  /** true: written with `@`, so it starts at the item and not at the root */
  readonly relative: boolean
  /** The first value, or undefined where there is none. */
  first(document: unknown, item?: unknown): unknown
  /** All values, in the order of the document. @throws RangeError where the document is nested too deeply */
  all(document: unknown, item?: unknown): readonly unknown[]
}

/** Steps to one value: member names, or array indexes (negative: from the end). */
type Steps = readonly (string | number)[]

const STEP =
  /\.([\p{L}_][\p{L}\p{M}\p{N}_]*)|\[\s*(?:(-?(?:0|[1-9]\d{0,9}))|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\]/uy

const QUOTED = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g

/** Levels below which `..` does not look. */
const MOST_LEVELS = 100

/**
 * Compiles an RFC 9535 query, from the root (`$.a[0].b`, `$.d[?@.tag=='T1'].value`) or from the item of `each` (`@.v`);
 * undefined for anything else. Singular queries, which nearly all are, are steps of our own; the library reads the rest
 * and is loaded only for it. Left out is what a sender's document could make slow: `match` and `search`, `..` more than
 * once or inside a filter, and `$` inside a filter.
 */
export function compileJsonPath(text: string): JsonPath | undefined {
  const relative = text.startsWith('@')
  if (!relative && !text.startsWith('$')) return undefined
  const steps = stepsOf(text)
  if (steps)
    return {
      singular: true,
      relative,
      first: (document, item) => valueAt(relative ? item : document, steps),
      all(document, item) {
        const value = valueAt(relative ? item : document, steps)
        return value === undefined ? [] : [value]
      },
    }
  const query = isBounded(text) ? libraryQuery(`$${text.slice(1)}`) : undefined
  if (!query) return undefined
  const all = (document: unknown, item?: unknown): readonly unknown[] => query(relative ? item : document)
  return { singular: false, relative, all, first: (document, item) => all(document, item)[0] }
}

/** One pass over the document at most for each nesting of filters, whatever the document. */
function isBounded(text: string): boolean {
  const bare = text.slice(1).replace(QUOTED, '""')
  const [outside = '', ...filters] = bare.split('?')
  const inside = filters.join('?')
  return outside.split('..').length <= 2 && !inside.includes('..') && !/\$|\b(match|search)\s*\(/.test(inside)
}

function libraryQuery(text: string): ((root: unknown) => readonly unknown[]) | undefined {
  const { JSONPathEnvironment } = createRequire(import.meta.url)('json-p3') as typeof import('json-p3')
  try {
    const query = new JSONPathEnvironment({ maxRecursionDepth: MOST_LEVELS }).compile(text)
    return (root) => {
      try {
        return query.query(root as JSONValue).values()
      } catch (error) {
        throw new RangeError('nested too deeply', { cause: error })
      }
    }
  } catch {
    return undefined // its messages speak of tokens; the caller says what a path looks like
  }
}

function stepsOf(text: string): Steps | undefined {
  const steps: (string | number)[] = []
  let at = 1
  while (at < text.length) {
    STEP.lastIndex = at
    const m = STEP.exec(text)
    if (!m) return undefined
    const [, shorthand, index, single, double] = m
    const step = shorthand ?? (index === undefined ? unquote(single, double) : Number(index))
    if (step === undefined) return undefined
    steps.push(step)
    at = STEP.lastIndex
  }
  return steps
}

function valueAt(from: unknown, steps: Steps): unknown {
  let here = from
  for (const step of steps) {
    if (typeof here !== 'object' || here === null) return undefined
    if (typeof step === 'number') {
      if (!Array.isArray(here)) return undefined
      here = here.at(step)
    } else {
      if (Array.isArray(here) || !Object.hasOwn(here, step)) return undefined
      here = (here as Readonly<Record<string, unknown>>)[step]
    }
  }
  return here
}

/** A quoted member name; both quotes have the escapes of a JSON string, plus `\'` between single ones. */
function unquote(single: string | undefined, double: string | undefined): string | undefined {
  const body = double ?? single!.replaceAll("\\'", "'").replaceAll('"', '\\"')
  try {
    return JSON.parse(`"${body}"`) as string
  } catch {
    return undefined // an escape that JSON does not know
  }
}
