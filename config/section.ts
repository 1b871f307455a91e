import { z } from 'zod'
import { name as nameSchema } from '../core/option.ts'
import type { Problem } from '../core/problem.ts'
import type { Prepared } from './read.ts'
import { childOf, isRecord } from './schema-walk.ts'

/** One entry of a mapping such as `sources`, checked by itself. */
export interface Entry<T> {
  /** in NFC */
  readonly name: string
  /** where it stands, with its name as written */
  readonly path: readonly string[]
  /** undefined where it is wrong */
  readonly config: T | undefined
  readonly problems: readonly Problem[]
}

/** Checks one key of the root by itself. */
export function checkSection<T>(
  prepared: Prepared,
  key: string,
  schema: z.ZodType<T>,
): { readonly config: T | undefined; readonly problems: readonly Problem[] } {
  const value = childOf(prepared.value, key)
  const checked = prepared.check(z.strictObject({ [key]: schema }), value === undefined ? {} : { [key]: value })
  return checked.ok ? { config: checked.data[key], problems: [] } : { config: undefined, problems: checked.problems }
}

/** Checks each entry of a mapping by itself, so that one that is wrong spares the others. */
export function checkEntries<T>(
  prepared: Prepared,
  key: string,
  schema: z.ZodType<T>,
): { readonly entries: readonly Entry<T>[]; readonly problems: readonly Problem[] } {
  const value = childOf(prepared.value, key)
  if (!isRecord(value)) {
    const whole = checkSection(prepared, key, z.record(z.string(), z.unknown()).optional())
    return { entries: [], problems: whole.problems }
  }
  const entries = Object.entries(value).map(([written, at]): Entry<T> => {
    const path = [key, written]
    const named = prepared.check(nameSchema, written, path)
    const checked = prepared.check(schema, at, path)
    const problems = [
      ...prepared.secretProblems.filter((p) => p.path[0] === key && p.path[1] === written),
      ...(named.ok ? [] : named.problems),
      ...(checked.ok ? [] : checked.problems),
    ]
    return {
      name: written.normalize('NFC'),
      path,
      config: checked.ok && problems.length === 0 ? checked.data : undefined,
      problems,
    }
  })
  return { entries, problems: [] }
}
