import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { compileC } from './compile-c.ts'

const run = promisify(execFile)

/** A Modbus/TCP server of libmodbus in a process of its own, on the loopback interface. */
export interface LibmodbusServer extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly pid: number
}

/** Flags to compile against libmodbus; undefined (or an error where REQUIRE_SERVICES=1) where it is not installed. */
export async function findLibmodbus(): Promise<readonly string[] | undefined> {
  try {
    await run('gcc', ['--version'])
    const { stdout } = await run('pkg-config', ['--cflags', '--libs', 'libmodbus'])
    return stdout.trim().split(/\s+/)
  } catch (cause) {
    const missing = 'libmodbus is not installed (apt-get install gcc pkg-config libmodbus-dev)'
    if (process.env.REQUIRE_SERVICES === '1') throw new Error(missing, { cause })
    console.warn(`${missing}: its tests are skipped`)
    return undefined
  }
}

/** Starts a Modbus/TCP server, one that answers `as` a unit id if told to; `flags` are what `findLibmodbus` found. */
export async function openLibmodbus(
  flags: readonly string[],
  { as }: { readonly as?: number } = {},
): Promise<LibmodbusServer> {
  const { said, ...server } = await start(flags, as === undefined ? [] : ['as', String(as)])
  const port = Number(said)
  if (!Number.isInteger(port)) throw new Error('the libmodbus server did not start')
  return { host: '127.0.0.1', port, ...server }
}

/** An RTU device of libmodbus at the other end of a serial line. */
export interface LibmodbusLine extends AsyncDisposable {
  /** path of this end */
  readonly path: string
  readonly pid: number
}

/** Starts an RTU device; with `echo` its line gives every request back, as two-wire adapters do. */
export async function openLibmodbusRtu(
  flags: readonly string[],
  { unit_id, echo = false }: { readonly unit_id: number; readonly echo?: boolean },
): Promise<LibmodbusLine> {
  const { said, ...server } = await start(flags, ['rtu', String(unit_id), ...(echo ? ['echo'] : [])])
  return { path: said, ...server }
}

async function start(
  flags: readonly string[],
  args: readonly string[],
): Promise<AsyncDisposable & { readonly said: string; readonly pid: number }> {
  // It ends by itself when its standard input closes, so nothing is left behind when a test is killed.
  const child = spawn(await compileC('libmodbus-server.c', [...flags, '-lutil']), args, {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const first = await Promise.race([once(createInterface(child.stdout), 'line'), ended])
  if (child.exitCode !== null || typeof first[0] !== 'string') throw new Error('the libmodbus server did not start')
  return {
    said: first[0],
    pid: child.pid!,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
