import { readFileSync } from 'node:fs'
import { type LoadedConfig, loadConfig } from '../../config/load.ts'
import { renderProblems } from '../../config/problem.ts'
import { displayWidth } from '../../config/width.ts'
import { Fault } from '../../core/fault.ts'

export const EXIT_FAILED = 1
export const EXIT_USAGE = 2

/** Options that most commands share. */
export interface CommonOptions {
  readonly config: string
  readonly json?: boolean
}

/** A configuration whose section `gateway` is right, so that it is known where the data folder is. */
export type LoadedGateway = LoadedConfig & { readonly gateway: NonNullable<LoadedConfig['gateway']> }

/** The configuration of a command that needs the data folder; without one, the problems are printed and it ends there. */
export function loadWithGateway(file: string): LoadedGateway | undefined {
  const loaded = loadConfig(file)
  const { gateway } = loaded
  if (gateway) return { ...loaded, gateway }
  console.error(renderProblems(loaded.problems))
  process.exitCode = EXIT_USAGE
  return undefined
}

/** What an agent said; undefined where none runs. @throws Fault as `askAgent`, but `agent-absent` */
export async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Fault && error.code === 'agent-absent') return undefined
    throw error
  }
}

/** The version in package.json. */
export function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

/** Prints a value as one line of JSON; a bigint as decimal text. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v)))
}

/** The first few of many names. */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(', ')
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown
}

/** Lines of a table: columns as wide as their widest cell, as a terminal shows it. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell))
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell + ' '.repeat(widths[i]! - displayWidth(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** 5400000 → `2 h`: how long ago, roughly. */
export function formatAge(ms: number): string {
  const s = Math.max(0, ms) / 1_000
  if (s < 120) return `${Math.round(s)} s`
  if (s < 7_200) return `${Math.round(s / 60)} min`
  return s < 172_800 ? `${Math.round(s / 3_600)} h` : `${Math.round(s / 86_400)} days`
}

/** A moment as text, to the second, in UTC. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** 1536000 → `1.5 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  return `${(bytes / 1_000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}
