/** Steps from the root of a JSON document to one value: member names, or array indexes (negative: from the end). */
export type JsonPath = readonly (string | number)[]

const STEP =
  /\.([\p{L}_][\p{L}\p{M}\p{N}_]*)|\[\s*(?:(-?(?:0|[1-9]\d{0,9}))|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\]/uy

/**
 * Compiles the singular queries of RFC 9535 §2.3.5.1: `$`, `$.a.b[0].c`, `$['x y']`, `$[-1]`; undefined for anything
 * else. Member names without brackets are letters, digits and `_`, not starting with a digit (§2.5.1.1).
 */
export function compileJsonPath(text: string): JsonPath | undefined {
  if (!text.startsWith('$')) return undefined
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

/** The value at the path, or undefined where the document has none there. */
export function valueAtPath(document: unknown, path: JsonPath): unknown {
  let here: unknown = document
  for (const step of path) {
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
