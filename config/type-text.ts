import { z } from 'zod'
import { marksOf, unwrap } from './schema-walk.ts'

/** The type of a value in an operator's words, such as `whole number 0 to 255`; for hints and the reference. */
export function typeText(schema: z.core.$ZodType): string {
  const marks = marksOf(schema)
  if (marks.secret) return 'secret'
  if (marks.as !== undefined) return marks.as
  const bare = unwrap(schema)
  const { def } = bare._zod
  switch (def.type) {
    case 'string':
      return 'text'
    case 'number':
      return numberText(z.toJSONSchema(bare))
    case 'boolean':
      return 'true or false'
    case 'enum':
      return Object.values(def.entries).join(' | ')
    case 'literal':
      return def.values.map(String).join(' | ')
    case 'array':
      return `list of ${typeText(def.element)}`
    case 'tuple':
      return `[${def.items.map(typeText).join(', ')}]`
    case 'record':
    case 'object':
      return 'mapping'
    case 'union':
      return [...new Set(def.options.map(typeText))].join(' or ')
    default:
      return 'value'
  }
}

/** `whole number 0 to 255`, `number above 0`, `number`. */
function numberText(json: z.core.JSONSchema.BaseSchema): string {
  const low = json.minimum === Number.MIN_SAFE_INTEGER ? undefined : (json.minimum ?? json.exclusiveMinimum)
  const high = json.maximum === Number.MAX_SAFE_INTEGER ? undefined : (json.maximum ?? json.exclusiveMaximum)
  const above = json.exclusiveMinimum === undefined ? '' : 'above '
  const kind = json.type === 'integer' ? 'whole number' : 'number'
  if (low === undefined) return high === undefined ? kind : `${kind} up to ${high}`
  if (high === undefined) return `${kind} ${above || 'from '}${low}`
  return `${kind} ${above}${low} to ${high}`
}
