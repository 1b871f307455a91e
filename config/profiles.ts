import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { profileSchema, SUNSPEC } from '../adapters/modbus/device-schema.ts'
import { nearest } from './nearest.ts'
import { type LocatedProblem, sortProblems } from './problem.ts'
import { prepare, readBytes } from './read.ts'
import { isRecord } from './schema-walk.ts'
import { beside } from './secrets.ts'
import { readYaml } from './yaml.ts'

/** A register map that passed its schema, with its options as they were written. */
export interface Profile {
  readonly file: string
  readonly about: string
  readonly sources: readonly { readonly title: string; readonly revision?: string; readonly url?: string }[]
  readonly notes: string | undefined
  /** options of a device, such as `max_registers` */
  readonly device: Readonly<Record<string, unknown>>
  readonly signals: Readonly<Record<string, unknown>>
}

/** What became of a profile's file. */
export type ProfileResult =
  | { readonly kind: 'ok'; readonly profile: Profile }
  /** the file is there but wrong */
  | { readonly kind: 'bad'; readonly problems: readonly LocatedProblem[] }
  /** there is no such profile */
  | { readonly kind: 'absent'; readonly message: string; readonly hint: string }

const FOLDER = join(import.meta.dirname, 'profiles')

/** Names of the profiles that come with Sluice, in alphabetical order. */
export function profileNames(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .toSorted()
}

/**
 * Reads a profile by its name, or by the path of its file, which may be relative to the file that names it.
 * @param from the file that names it
 */
export function readProfile(named: string, from: string): ProfileResult {
  const isPath = /[/\\]|\.ya?ml$/.test(named)
  if (!isPath && !profileNames().includes(named)) return { kind: 'absent', ...noSuch(named) }
  const file = isPath ? beside(from, named) : join(FOLDER, `${named}.yaml`)
  const opened = readBytes(file)
  return 'bytes' in opened ? checkProfile(opened.bytes, file) : { kind: 'absent', ...opened }
}

function noSuch(named: string): { readonly message: string; readonly hint: string } {
  const meant = nearest(named, [...profileNames(), SUNSPEC])
  return {
    message: `there is no profile "${named}"`,
    hint: meant
      ? `did you mean "${meant}"?`
      : '`sluice profile list` shows them; write a file of your own with its path, such as `./meter.yaml`',
  }
}

/** Checks the bytes of a profile. @param file its name for messages */
export function checkProfile(bytes: Uint8Array, file: string): ProfileResult {
  const read = readYaml(bytes, file)
  if (!read.document) return { kind: 'bad', problems: read.problems }
  const prepared = prepare(read.document, profileSchema, {})
  const checked = prepared.check(profileSchema, prepared.value)
  if (!checked.ok || !isRecord(prepared.value) || read.problems.length > 0) {
    const found = checked.ok ? [] : prepared.locate(checked.problems)
    return { kind: 'bad', problems: sortProblems([...read.problems, ...found]) }
  }
  const { about: _a, sources: _s, notes: _n, signals, ...device } = prepared.value
  const { about, sources, notes } = checked.data
  const named = sources.map(({ title, revision, url }) => ({
    title,
    ...(revision === undefined ? {} : { revision }),
    ...(url === undefined ? {} : { url }),
  }))
  return { kind: 'ok', profile: { file, about, sources: named, notes, device, signals: signals as Profile['signals'] } }
}
