import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { main } from '../../agent/cli/main.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** How a run of `sluice` ended. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/**
 * Runs `sluice` with these arguments in a process of its own, until it ends: for what only a process shows, such as that
 * nothing is left open and that a signal ends it. @param node which Node runs it
 */
export function sluiceProcess(args: readonly string[], node = process.execPath): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(node, [join(ROOT, 'agent/main.ts'), ...args], (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })
}

/** What `sluice` with these arguments says and how it ends; see `runHere`. Not for `run` and `demo`, which end the process. */
export function sluice(args: readonly string[]): Promise<Ran> {
  return runHere(main, args)
}

let before: Promise<unknown> = Promise.resolve()

/**
 * Runs a command line in this process: what it says and how it ends, without the time that a process takes to start. One
 * runs after the other, because they share streams and exit code.
 */
export function runHere(program: (argv: readonly string[]) => Promise<void>, args: readonly string[]): Promise<Ran> {
  const ran = before.then(() => capture(() => program([process.execPath, 'program', ...args])))
  before = ran.catch(() => undefined) // whoever called gets the error
  return ran
}

async function capture(act: () => Promise<void>): Promise<Ran> {
  const { exitCode } = process
  process.exitCode = 0
  using out = listen(process.stdout)
  using err = listen(process.stderr)
  const { log, error } = console
  // The test runner's console does not write to these streams.
  console.log = (...line) => void process.stdout.write(`${line.join(' ')}\n`)
  console.error = (...line) => void process.stderr.write(`${line.join(' ')}\n`)
  try {
    await act()
    return { code: Number(process.exitCode), out: out.text(), err: err.text() }
  } finally {
    Object.assign(console, { log, error })
    process.exitCode = exitCode
  }
}

/** Keeps what is written to a stream instead of passing it on, until disposed. */
function listen(stream: NodeJS.WriteStream): Disposable & { text(): string } {
  const { write } = stream
  const written: string[] = []
  stream.write = (text: string | Uint8Array) => {
    written.push(String(text))
    return true
  }
  return {
    text: () => written.join(''),
    [Symbol.dispose]() {
      stream.write = write
    },
  }
}
