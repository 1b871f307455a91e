import { readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import type { z } from 'zod'
import type { Problem } from '../core/problem.ts'
import { isRecord, marked, valueAt, withValueAt } from './schema-walk.ts'

type Path = readonly (string | number)[]

/** Secrets that are keys of the plant: their files must be readable by the agent alone. */
const KEYS: ReadonlySet<string | number> = new Set(['plant_key', 'signing_key'])
/** Base64 of 32 bytes; the last letter stands for four bits. */
const KEY_TEXT = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/

/** Shorter texts are not blotted out of messages: they would take half of the letters with them. */
const SHORTEST = 4

/** A document's data with its secrets in place. */
export interface Resolved {
  readonly value: unknown
  /** places of all secrets, resolved or written in place; never to be shown */
  readonly secrets: readonly Path[]
  /** their texts, for blotting out */
  readonly texts: readonly string[]
  readonly problems: readonly SecretProblem[]
}

/** A secret that cannot be had. */
export interface SecretProblem extends Problem {
  /** place of the secret; the problem's own path goes on to `env` or `file` */
  readonly secret: Path
  /** true: there is nothing; false: there is something that will not do */
  readonly absent: boolean
}

/**
 * Puts the text of `{ env: NAME }` and `{ file: path }` where the schema expects a secret; one trailing newline is
 * dropped. A secret that cannot be had keeps its mapping and is a problem. Messages never hold the secret.
 * @param file the file that names the secrets; their paths are relative to it
 */
export function resolveSecrets(
  schema: z.core.$ZodType,
  value: unknown,
  file: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Resolved {
  const secrets = [...marked(schema, value, 'secret')]
  const problems: SecretProblem[] = []
  let resolved = value
  for (const path of secrets) {
    const written = valueAt(value, path)
    const from = originOf(written)
    if (!from && typeof written !== 'string') continue
    const isKey = KEYS.has(path.at(-1) ?? '')
    const got = !from
      ? { text: String(written) }
      : from.kind === 'env'
        ? fromEnv(from.name, env)
        : fromFile(beside(file, from.name), isKey)
    const what = from?.kind === 'file' ? beside(file, from.name) : from?.name
    const will = isKey && 'text' in got && !KEY_TEXT.test(got.text) ? notAKey(what) : got
    if ('text' in will) resolved = withValueAt(resolved, path, will.text)
    else problems.push({ path: from ? [...path, from.kind] : path, secret: path, ...will })
  }
  const texts = secrets.flatMap((path) => {
    const text = valueAt(resolved, path)
    return typeof text === 'string' && text.length >= SHORTEST ? [text] : []
  })
  return { value: resolved, secrets, texts, problems }
}

/** A path as the file that names it means it: relative to that file's folder. */
export function beside(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path)
}

/** The file that a secret comes from, as a path from here, or undefined where it comes from elsewhere. */
export function fileOf(value: unknown, file: string): string | undefined {
  const from = originOf(value)
  return from?.kind === 'file' ? beside(file, from.name) : undefined
}

function originOf(value: unknown): { readonly kind: 'env' | 'file'; readonly name: string } | undefined {
  if (!isRecord(value)) return undefined
  const [entry, ...others] = Object.entries(value)
  if (!entry || others.length > 0 || typeof entry[1] !== 'string' || entry[1] === '') return undefined
  const [kind, name] = entry
  return kind === 'env' || kind === 'file' ? { kind, name } : undefined
}

type Got = { readonly text: string } | { readonly message: string; readonly hint: string; readonly absent: boolean }

function fromEnv(name: string, env: Readonly<Record<string, string | undefined>>): Got {
  const text = env[name]
  if (text === undefined)
    return bad(`the environment has no ${name}`, `set ${name} for the agent, or write { file: path }`, true)
  return text === '' ? bad(`${name} is empty`, `set ${name} to the secret`) : { text }
}

function fromFile(path: string, isKey: boolean): Got {
  try {
    const stat = statSync(path)
    if (stat.isDirectory()) return bad(`${path} is a folder`, 'name the file that holds the secret')
    if (isKey && (stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0')
      return bad(`others than its owner may use the key ${path} (mode ${mode})`, `chmod 600 ${path}`)
    }
    const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
    return text === '' ? bad(`${path} is empty`, 'put the secret into it, on one line') : { text }
  } catch (error) {
    const code = errorCode(error)
    if (code === undefined) throw error
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return bad(
        `${path} does not exist`,
        isKey ? 'make it with `sluice keys new`, or mend the path' : 'put the secret there, or mend the path',
        true,
      )
    if (code === 'EACCES' || code === 'EPERM')
      return bad(`${path} may not be read`, 'give it to the user that the agent runs as')
    return bad(`${path} cannot be read (${code})`, 'check the path and the disk')
  }
}

function notAKey(what: string | undefined): Got {
  const made = 'a key is one line, the base64 of 32 bytes: `sluice keys new` makes one'
  return what === undefined
    ? bad('what stands here is not a key', `write { file: path }; ${made}`)
    : bad(`${what} is not a key`, made)
}

function bad(message: string, hint: string, absent = false): Got {
  return { message, hint, absent }
}

/** The system's code of an I/O error, such as `ENOENT`; undefined for any other error. */
export function errorCode(error: unknown): string | undefined {
  return isRecord(error) && typeof error.code === 'string' ? error.code : undefined
}
