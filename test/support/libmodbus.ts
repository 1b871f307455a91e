import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

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

/** Compiles and starts `libmodbus-server.c`; `flags` are what `findLibmodbus` found. */
export async function openLibmodbus(flags: readonly string[]): Promise<LibmodbusServer> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-libmodbus-'))
  const program = join(folder, 'server')
  await run('gcc', ['-O2', '-o', program, join(import.meta.dirname, 'libmodbus-server.c'), ...flags])
  // It ends by itself when its standard input closes, so nothing is left behind when a test is killed.
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const first = await Promise.race([once(createInterface(child.stdout), 'line'), ended])
  const port = Number(first[0])
  if (child.exitCode !== null || !Number.isInteger(port)) throw new Error('the libmodbus server did not start')
  return {
    host: '127.0.0.1',
    port,
    pid: child.pid!,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
