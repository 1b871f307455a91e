import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { askAgent, socketPath } from '../agent/daemon/control.ts'
import type { AgentStatus } from '../agent/daemon/status.ts'
import { openStore } from '../buffer/store.ts'
import { loadConfig } from '../config/load.ts'
import { type UnixMs, unixMs } from '../core/brand.ts'
import { silentLog } from '../core/log.ts'
import { configuredSignals, DATASET, POOL, writePlantFiles } from './plant-files.ts'
import { makePlantReadings } from './plant-readings.ts'

export interface DrainResult {
  /** readings of the slots that are sealed */
  readonly backlog: number
  /** from the start of the agent until the last batch lies in the pool's folder */
  readonly readings_per_s: number
  /** beside the 10,000 a second that such a plant makes */
  readonly times_real_time: number
  /** resident set of the agent, the most that was seen, MB */
  readonly rss_mb: number
  readonly batches: number
}

const ASSETS = 100
const NAMES = 100
const SIGNALS = ASSETS * NAMES
/** ms */
const CADENCE = 300_000
const CLOSING = 60_000

/**
 * A plant of 10,000 signals at 1 s was cut off from its pool; the agent with the flags it is deployed with starts on what
 * is stored, discloses nine of ten signals as means of a minute, seals, and delivers into a folder.
 */
export async function benchDrain(options: {
  readonly readings: number
  readonly say: (line: string) => void
}): Promise<DrainResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  try {
    mkdirSync(join(folder, 'outgoing'))
    const config = writePlantFiles(folder, {
      assets: ASSETS,
      names: NAMES,
      period: '1s',
      grid: '1m',
      cadence: `${CADENCE / 60_000}m`,
      size_class: '1MiB',
      buffer: 'keep_raw: 30d, max_age: 60d',
      pool: 'dir: outgoing',
    })
    const seconds = Math.round(options.readings / SIGNALS)
    const last = fill(folder, config, seconds)
    options.say(`drain: ${seconds * SIGNALS} readings stored; the agent starts`)
    return await drain(folder, config, { backlog: seconds * SIGNALS, last })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Stores a backlog up to the end of a cadence period, and a minute beyond it that closes the period.
 * @returns the end of that period: the last slot that can be sealed
 */
function fill(folder: string, config: string, seconds: number): UnixMs {
  const plant = makePlantReadings(SIGNALS, ASSETS)
  const last = Math.floor((Date.now() - CLOSING) / CADENCE) * CADENCE
  const start = last - seconds * 1_000
  using store = openStore({
    data_dir: join(folder, 'data'),
    boot: 'fill',
    now: unixMs(start),
    max_size: 2e9,
    max_age: 1e12,
    keep_raw: 1e12,
    log: silentLog,
  })
  const indexes = store.intern(configuredSignals(loadConfig(config), plant))
  store.openPool(POOL)
  for (let s = 0; s < seconds + CLOSING / 1_000; s++) {
    const block = plant.tick(unixMs(start + s * 1_000), indexes)
    store.append({
      blocks: [{ source: 'plc', block }],
      arrival: block.arrival,
      monotonic: s * 1_000,
      sane: true,
      marks: [],
      outages: [],
      counts: [],
    })
  }
  return unixMs(last)
}

async function drain(
  folder: string,
  config: string,
  { backlog, last }: { readonly backlog: number; readonly last: UnixMs },
): Promise<DrainResult> {
  const started = performance.now()
  const main = join(import.meta.dirname, '../agent/main.ts')
  const agent = spawn(
    process.execPath,
    ['--max-semi-space-size=1', main, 'run', '-c', config, '--log-level', 'error'],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  try {
    let rss_mb = 0
    while (performance.now() - started < 300_000) {
      await delay(50)
      const status = (await askAgent(socketPath(join(folder, 'data')), 'status').catch(() => undefined)) as
        | AgentStatus
        | undefined
      if (!status) continue // it does not answer yet
      rss_mb = Math.max(rss_mb, status.rss_mb)
      const { cursor, batches } = status.store.pools[POOL]!
      if ((cursor.sealed_until[DATASET] ?? 0) < last || batches.queued > 0) continue
      const readings_per_s = backlog / ((performance.now() - started) / 1_000)
      return {
        backlog,
        readings_per_s: Math.round(readings_per_s),
        times_real_time: Math.round(readings_per_s / SIGNALS),
        rss_mb: Math.round(rss_mb),
        batches: batches.sealed,
      }
    }
    throw new Error('the backlog was not drained within five minutes')
  } finally {
    agent.kill('SIGTERM')
    await once(agent, 'exit')
  }
}
