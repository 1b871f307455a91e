import type { Problem } from '../core/problem.ts'
import { displayWidth } from './width.ts'

/** A problem that lies in the key at its path, not in the value. */
export interface KeyProblem extends Problem {
  readonly at?: 'key'
}

/** One thing wrong with a configuration file, and where. `line` and `column` count from 1; `column` counts characters. */
export interface LocatedProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** keys and indexes from the root, joined by "."; '' for the file as a whole */
  readonly path: string
  /** what is wrong, in the operator's words */
  readonly message: string
  /** what to write instead */
  readonly hint: string | null
  /** the source line with its secrets blotted out, or null where there is none to show */
  readonly source: string | null
}

/** A `LocatedProblem` as `sluice check --json` prints it. */
export type ProblemJson = Omit<LocatedProblem, 'source'>

/** What `--json` shows of a problem. */
export function problemJson({ file, line, column, path, message, hint }: LocatedProblem): ProblemJson {
  return { file, line, column, path, message, hint }
}

/** Problems of one file in the order of their lines; what is said twice at one place is said once. */
export function sortProblems(problems: readonly LocatedProblem[]): readonly LocatedProblem[] {
  const seen = new Set<string>()
  return problems
    .filter((p) => {
      const key = `${p.line}:${p.column}:${p.message}`
      return !seen.has(key) && seen.add(key)
    })
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
}

/**
 * Problems as text for a terminal, each: `file:line:column: message`, the source line, a caret under the place, what to
 * write instead. The caret stands right under wide (Korean, Japanese) characters too.
 */
export function renderProblems(problems: readonly LocatedProblem[], word = ''): string {
  return problems.map((p) => renderProblem(p, word)).join('\n\n')
}

function renderProblem(p: LocatedProblem, word: string): string {
  const lines = [`${p.file}:${p.line}:${p.column}: ${word}${p.path === '' ? '' : `${p.path}: `}${p.message}`]
  if (p.source !== null) {
    const gutter = `${String(p.line).padStart(5)} | `
    const shown = p.source.replaceAll('\t', ' ')
    const before = [...shown].slice(0, p.column - 1).join('')
    lines.push(`${gutter}${shown}`.trimEnd(), `${' '.repeat(gutter.length + displayWidth(before))}^`)
  }
  if (p.hint !== null) lines.push(`      = ${p.hint}`)
  return lines.join('\n')
}
