import { z } from 'zod'

type Path = readonly (string | number)[]

/** What schemas say about a value beside its type, by `.meta()`. */
export interface Marks {
  /** the text comes from `{ env }` or `{ file }` and is never shown */
  readonly secret?: boolean
  /** the schema wants the text as it was written: `040101`, not 40101 */
  readonly source_text?: boolean
  /** name of the scalar type in the reference, such as `duration` */
  readonly as?: string
  readonly description?: string | undefined
}

/** The marks of a schema or of what it wraps. */
export function marksOf(schema: z.core.$ZodType): Marks {
  const own = z.globalRegistry.get(schema)
  const inner = wrapped(schema)
  return { ...(inner ? marksOf(inner) : {}), ...own }
}

/** The schema inside optional, default, pipe and the like; undefined for a schema that wraps nothing. */
export function wrapped(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const { def } = asKnown(schema)._zod
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return def.innerType
    case 'pipe':
      return asKnown(def.in)._zod.def.type === 'transform' ? def.out : def.in
    case 'lazy':
      return def.getter()
    default:
      return undefined
  }
}

/** The innermost schema: object, record, number and so on. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodTypes {
  const inner = wrapped(schema)
  return inner ? unwrap(inner) : asKnown(schema)
}

/** The schemas that can apply to `value`: of a union those whose fixed keys (`kind`) fit. */
export function branches(schema: z.core.$ZodType, value: unknown): readonly z.core.$ZodTypes[] {
  const bare = unwrap(schema)
  const { def } = bare._zod
  if (def.type !== 'union') return [bare]
  const options = def.options.flatMap((option) => branches(option, value))
  const fitting = options.filter((option) => fits(option, value))
  return fitting.length > 0 ? fitting : options
}

function fits(schema: z.core.$ZodTypes, value: unknown): boolean {
  const { def } = schema._zod
  if (def.type !== 'object') return !isRecord(value)
  return (
    isRecord(value) &&
    Object.entries(def.shape).every(([key, s]) => {
      const inner = unwrap(s)._zod.def
      if (value[key] === undefined) return true
      if (inner.type === 'literal') return inner.values.some((v) => v === value[key])
      return inner.type !== 'enum' || Object.values(inner.entries).some((v) => v === value[key])
    })
  )
}

/** The schemas that apply one step further down; none where the schema knows no such key. */
export function step(schema: z.core.$ZodType, value: unknown, key: string | number): readonly z.core.$ZodType[] {
  return branches(schema, value).flatMap((branch): readonly z.core.$ZodType[] => {
    const { def } = branch._zod
    switch (def.type) {
      case 'object':
        return Object.hasOwn(def.shape, key) ? [def.shape[key]!] : []
      case 'record':
        return [def.valueType]
      case 'array':
        return [def.element]
      case 'tuple':
        return def.items[Number(key)] ? [def.items[Number(key)]!] : []
      default:
        return []
    }
  })
}

/** The schemas that apply to what lies at `path` in `value`. */
export function schemasAt(schema: z.core.$ZodType, value: unknown, path: Path): readonly z.core.$ZodType[] {
  let schemas: readonly z.core.$ZodType[] = [schema]
  let at = value
  for (const key of path) {
    const here = at
    schemas = schemas.flatMap((s) => step(s, here, key))
    at = childOf(at, key)
  }
  return schemas
}

/** Every place in `value` whose schema carries the mark. */
export function* marked(schema: z.core.$ZodType, value: unknown, mark: keyof Marks, path: Path = []): Generator<Path> {
  if (marksOf(schema)[mark]) return yield path
  const keys = Array.isArray(value) ? value.keys() : isRecord(value) ? Object.keys(value) : []
  for (const key of keys) {
    const next = step(schema, value, key)[0]
    if (next) yield* marked(next, childOf(value, key), mark, [...path, key])
  }
}

/** What lies under a key of a mapping or list; undefined where nothing does. */
export function childOf(value: unknown, key: string | number): unknown {
  if (Array.isArray(value)) return value[Number(key)]
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/** What lies at the path; undefined where nothing does. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(childOf, value)
}

/** `value` with `leaf` at the path, which must exist; what does not change is shared. */
export function withValueAt(value: unknown, path: Path, leaf: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return leaf
  const child = withValueAt(childOf(value, key), rest, leaf)
  return Array.isArray(value) ? value.with(Number(key), child) : { ...(value as object), [key]: child }
}

/** `value` without what lies at the paths. */
export function withoutPaths(value: unknown, paths: readonly Path[]): unknown {
  const at = (key: string): readonly Path[] => paths.filter((p) => String(p[0]) === key).map((p) => p.slice(1))
  const gone = (key: string): boolean => at(key).some((rest) => rest.length === 0)
  if (Array.isArray(value)) return value.flatMap((v, i) => (gone(`${i}`) ? [] : [withoutPaths(v, at(`${i}`))]))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, v]) => (gone(key) ? [] : [[key, withoutPaths(v, at(key))]])),
  )
}

/** A mapping, as opposed to a list or scalar. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** zod hands schemas out by their widest type; every one of them is in the union of known ones. */
function asKnown(schema: z.core.$ZodType): z.core.$ZodTypes {
  return schema as z.core.$ZodTypes
}
