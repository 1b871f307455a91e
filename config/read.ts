import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import type { KeyProblem, LocatedProblem } from './problem.ts'
import { marked, withValueAt } from './schema-walk.ts'
import { errorCode, resolveSecrets, type SecretProblem } from './secrets.ts'
import { type Validated, validate } from './validate.ts'
import type { Document } from './yaml.ts'

type Path = readonly (string | number)[]

/** What the loader takes from its surroundings; tests give their own. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** UnixMs, for what expires */
  readonly now: number
}

/** A document with its secrets in place, ready to be checked as a whole or part by part. */
export interface Prepared {
  readonly document: Document
  readonly value: unknown
  readonly secretProblems: readonly SecretProblem[]
  /** places of all secrets */
  readonly secrets: readonly Path[]
  /** The value at `path` under a schema; secrets that could not be had are not reported again. */
  check<T>(schema: z.ZodType<T>, value: unknown, path?: Path): Validated<T>
  locate(problems: readonly KeyProblem[]): readonly LocatedProblem[]
}

/** Why a file cannot be opened. */
export interface Unopened {
  readonly message: string
  readonly hint: string
  /** true: there is no such file */
  readonly absent: boolean
}

/** Bytes of a file, or why there are none. */
export function readBytes(file: string): { readonly bytes: Uint8Array } | Unopened {
  try {
    return { bytes: readFileSync(file) }
  } catch (error) {
    const code = errorCode(error)
    if (code === undefined) throw error
    const message = `${file} ${REASONS[code] ?? `cannot be read (${code})`}`
    return { message, hint: 'check the path and the rights of the file', absent: code === 'ENOENT' }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a folder, not a file',
  EACCES: 'may not be read',
}

/** Puts secrets in place, and texts as they were written where the schema wants them so. */
export function prepare(document: Document, schema: z.core.$ZodType, env: Surroundings['env']): Prepared {
  let written = document.value
  for (const path of marked(schema, document.value, 'source_text')) {
    const text = document.written(path)
    if (text !== undefined) written = withValueAt(written, path, text)
  }
  const { value, secrets, texts, problems } = resolveSecrets(schema, written, document.file, env)
  const hide = (text: string): string => texts.reduce((hidden, secret) => hidden.replaceAll(secret, '…'), text)
  return {
    document,
    value,
    secretProblems: problems,
    secrets,
    check: (part, at, path = []) => {
      const checked = validate(part, at, path)
      if (checked.ok) return checked
      return { ok: false, problems: checked.problems.filter((p) => !problems.some((s) => same(s.secret, p.path))) }
    },
    locate: (found) =>
      document.locate(
        found.map((p) => ({ ...p, message: hide(p.message), ...(p.hint === undefined ? {} : { hint: hide(p.hint) }) })),
        secrets,
      ),
  }
}

function same(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((key, i) => key === b[i])
}
