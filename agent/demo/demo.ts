import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../config/load.ts'
import { renderProblems } from '../../config/problem.ts'
import { makeClock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { printJson, version } from '../cli/common.ts'
import { type Agent, startAgent } from '../daemon/agent.ts'
import type { AgentStatus } from '../daemon/status.ts'
import { DEMO_POOL, TABLE_WINDOW, writeDemoFiles } from './files.ts'
import { makePlant } from './plant.ts'
import { openPlantServers } from './plant-servers.ts'
import { startPoolProcess } from './pool-process.ts'
import { renderSummary, summarize } from './report.ts'
import { openScreen, viewOf } from './screen.ts'
import { readLake, summarizeLake } from './summary.ts'
import { makeTruth } from './truth.ts'

/** Real time (ms) between two frames of the live view. */
const FRAME = 500
/** After the plant has stopped, batches have this long (real ms) to reach the pool. */
const DRAIN = 4_000
const SEED = 1

export interface DemoOptions {
  readonly seconds?: string
  readonly speed: string
  readonly keep?: string
  readonly json?: boolean
}

/**
 * `sluice demo`: two simulated presses behind Modbus TCP, hall climate and quality results over MQTT, the agent, and
 * the reference pool as a process of its own, on free loopback ports in a temporary folder. Plant and agent share one
 * accelerated clock; the policy and its floors are as in a real plant.
 */
export async function demo(options: DemoOptions): Promise<void> {
  const real = makeClock()
  const ends = options.seconds === undefined ? Number.POSITIVE_INFINITY : positive(options.seconds, '--seconds') * 1_000
  const speed = positive(options.speed, '--speed')
  const clock = makeClock(speed)
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())

  await using resources = new AsyncDisposableStack()
  const folder = options.keep ?? mkdtempSync(join(tmpdir(), 'sluice-demo-'))
  mkdirSync(folder, { recursive: true })
  if (options.keep === undefined) resources.defer(() => rmSync(folder, { recursive: true, force: true }))

  const plant = makePlant(SEED)
  const truth = makeTruth(plant, TABLE_WINDOW)
  const servers = resources.use(await openPlantServers(plant, truth, clock))
  const files = writeDemoFiles(folder, servers)
  const pool = resources.use(await startPoolProcess(files.pool))
  const loaded = loadConfig(files.configure(pool.url))
  if (loaded.problems.length > 0) throw new Error(renderProblems(loaded.problems))
  const agent = resources.use(await startAgent({ loaded, clock, log: silentLog, version: version() }))

  const screen = resources.use(openScreen(options.json === true))
  const started = performance.now()
  for (let elapsed = 0; elapsed < ends && !stop.signal.aborted; elapsed = performance.now() - started) {
    const [status, lake] = [await agent.status(), await readLake(files.lake)]
    screen.show(viewOf({ status, pool: DEMO_POOL, lake, elapsed_ms: elapsed, speed }))
    await real.sleep(Math.min(FRAME, ends - elapsed), stop.signal)
  }
  await servers.stop()
  const status = await drained(agent)
  screen[Symbol.dispose]()
  const lake = await summarizeLake(files.lake)
  const summary = summarize(status, DEMO_POOL, lake, truth.correlation().multiple)
  if (options.json) printJson(summary)
  else console.log(renderSummary(summary, lake, options.keep))
}

/** Waits until every sealed batch was delivered, as long as the demo may take for it. */
async function drained(agent: Agent): Promise<AgentStatus> {
  const until = performance.now() + DRAIN
  for (;;) {
    const status = await agent.status()
    if (status.store.pools[DEMO_POOL]!.batches.queued === 0 || performance.now() > until) return status
    await makeClock().sleep(50)
  }
}

function positive(text: string, option: string): number {
  const n = Number(text)
  if (Number.isFinite(n) && n > 0) return n
  throw new Fault('usage', {}, `${option} takes a number above 0, not "${text}"`)
}
