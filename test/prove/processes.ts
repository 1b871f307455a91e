import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ProofFiles } from './proof-files.ts'

/** Starts the agent of a proof; plant time runs `speed` times as fast from `origin` (UnixMs) on. */
export function startAgentOf(plant: Pick<ProofFiles, 'config'>, speed: number, origin: number): Promise<ChildProcess> {
  return start(['test/prove/agent-process.ts', plant.config, String(speed), String(origin)])
}

/** Starts the pool of a proof. */
export function startPoolOf(plant: Pick<ProofFiles, 'poolConfig'>): Promise<ChildProcess> {
  return start(['pool/main.ts', 'serve', '--config', plant.poolConfig])
}

/** Starts a part and waits until it says that it is up. */
async function start(args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', args[0] === 'pool/main.ts' ? 'ignore' : 'inherit'],
  })
  const up = Promise.withResolvers<void>()
  let said = ''
  child.stdout!.on('data', (text: Buffer) => {
    if (said.length < 65_536) said += String(text)
    if (/^(up$|sluice-pool listens)/m.test(said)) up.resolve()
  })
  await Promise.race([up.promise, once(child, 'exit')])
  if (child.exitCode !== null) throw new Error(`${args[0]} ended at once with ${child.exitCode}`)
  return child
}

/** Kills a part in the midst of its work. @throws Error where it has ended by itself, which none may */
export async function kill(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) throw new Error(`${child.spawnargs[1]} ended by itself with ${child.exitCode}`)
  await end(child, 'SIGKILL')
}

/** Ends a part, unless it has ended already. */
export async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
  if (hasEnded(child)) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}
