import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** The reference pool as a process of its own, as it is in the real world. */
export interface PoolProcess extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string
}

/** How long (ms) the pool may take to stop before it is cut. */
const STOP = 3_000

/**
 * Starts `sluice-pool serve` and waits until it listens.
 * @throws Error with what it printed where it ends instead
 */
export async function startPoolProcess(config: string): Promise<PoolProcess> {
  const program = join(import.meta.dirname, '../../pool/main.ts')
  const child = spawn(process.execPath, [program, 'serve', '--config', config, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // Ctrl-C reaches the demo alone, which stops the pool when it has taken the last batch
  })
  const said: string[] = []
  child.stderr.on('data', (text: Buffer) => said.push(String(text)))
  const ended = once(child, 'exit')
  const [line] = await Promise.race([once(child.stdout, 'data'), ended])
  if (child.exitCode !== null) throw new Error(`the pool did not start: ${said.join('')}`)
  child.stdout.resume()
  const { listening } = JSON.parse(String(line).split('\n')[0]!) as { readonly listening: string }
  return {
    url: listening,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      const cut = setTimeout(() => child.kill('SIGKILL'), STOP)
      await ended
      clearTimeout(cut)
    },
  }
}
