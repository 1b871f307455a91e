import type { ProblemName } from '../../uplink/problem.ts'

/** Why a file is refused: never with a value from it. */
export interface Refusal {
  readonly problem: ProblemName
  readonly detail: string
}

export function refusal(problem: ProblemName, detail: string): Refusal {
  return { problem, detail }
}

/** The first thing wrong with any of the items. */
export function firstRefusal<T>(items: readonly T[], check: (item: T) => Refusal | undefined): Refusal | undefined {
  for (const item of items) {
    const found = check(item)
    if (found) return found
  }
  return undefined
}
