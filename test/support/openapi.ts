import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'

const document = parse(readFileSync(join(import.meta.dirname, '../../pool/openapi.yaml'), 'utf8'))
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
ajv.addSchema(document, 'openapi')

interface Operation {
  readonly responses: Readonly<Record<string, ResponseObject | { readonly $ref: string }>>
}
interface ResponseObject {
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>
}

/** Operations of the document: `PUT /v1/…`. */
export const OPERATIONS: readonly string[] = Object.entries<Record<string, unknown>>(document.paths).flatMap(
  ([path, item]) =>
    Object.keys(item)
      .filter((key) => key !== 'parameters')
      .map((method) => `${method.toUpperCase()} ${path}`),
)

/** What in an answer is not as `pool/openapi.yaml` says; empty where all is. */
export function deviations(
  operation: string,
  answer: { status: number; contentType: string | null; body: string },
): readonly string[] {
  const [method, path] = operation.split(' ') as [string, string]
  const described = (document.paths[path]?.[method.toLowerCase()] as Operation | undefined)?.responses[answer.status]
  if (!described) return [`${operation} does not describe ${answer.status}`]
  const { content } = '$ref' in described ? resolve(described.$ref) : described
  if (!content) return answer.body === '' ? [] : ['there is a body where none is described']
  const media = content[answer.contentType?.split(';')[0] ?? '']
  if (!media) return [`${answer.contentType} is not described for ${answer.status}`]
  if (!media.schema || !/json/.test(answer.contentType!)) return []
  const pointer = schemaPointer(
    path,
    method.toLowerCase(),
    answer.status,
    answer.contentType!,
    '$ref' in described ? described.$ref : undefined,
  )
  const validate = ajv.getSchema(`openapi#${pointer}`)!
  return validate(JSON.parse(answer.body)) ? [] : validate.errors!.map((e) => `${e.instancePath} ${e.message}`)
}

function resolve(ref: string): ResponseObject {
  return ref
    .slice(2)
    .split('/')
    .reduce((node, key) => node[key], document)
}

function schemaPointer(path: string, method: string, status: number, type: string, ref: string | undefined): string {
  const token = (text: string): string => encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'))
  const response = ref?.slice(1) ?? `/paths/${token(path)}/${method}/responses/${status}`
  return `${response}/content/${token(type.split(';')[0]!)}/schema`
}
