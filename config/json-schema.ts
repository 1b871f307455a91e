import { z } from 'zod'
import { asWritten, defaultOf } from './reference.ts'
import { marksOf } from './schema-walk.ts'

/** JSON Schema (draft 2020-12) of what may be written in a file, for editors. */
export function jsonSchemaOf(schema: z.core.$ZodType, title: string): object {
  return z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema, path }) {
      if (path.length === 0) jsonSchema.title = title
      const marks = marksOf(zodSchema)
      const fallback = marks.as === undefined ? undefined : defaultOf(zodSchema)
      if (fallback !== undefined) jsonSchema.default = asWritten(zodSchema, fallback) as string
      for (const mark of ['secret', 'source_text', 'as'] as const) delete jsonSchema[mark]
      if (marks.secret) asSecret(jsonSchema)
      // `reference: 40101` is a number to an editor; the loader takes its digits as they are written.
      if (marks.source_text) jsonSchema.type = ['string', 'integer']
    },
  })
}

/** What is validated is the secret itself; what is written says where it is. */
function asSecret(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  delete jsonSchema.type
  delete jsonSchema.minLength
  const origin = (key: string): z.core.JSONSchema.BaseSchema => ({
    type: 'object',
    properties: { [key]: { type: 'string', minLength: 1 } },
    required: [key],
    additionalProperties: false,
  })
  jsonSchema.anyOf = [origin('file'), origin('env'), { type: 'string', minLength: 1 }]
}
