import { execFile } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')

/** How a run of `sluice` ended. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs `sluice` with these arguments in a process of its own, until it ends. @param node which Node runs it */
export function sluice(args: readonly string[], node = process.execPath): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(node, [join(ROOT, 'agent/main.ts'), ...args], (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })
}
