import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { askAgent, socketPath } from '../agent/daemon/control.ts'
import type { AgentStatus } from '../agent/daemon/status.ts'
import { cpuSeconds, firstReading } from './agent-figures.ts'

export interface SignalsResult {
  readonly signals: number
  readonly period_ms: number
  /** of one core, over the steady part */
  readonly cpu_percent: number
  /** resident set of the agent at the end, MB */
  readonly rss_mb: number
  /** from the start of the process to the first reading that is durable */
  readonly first_reading_ms: number
  readonly readings_per_s: number
  readonly stop_ms: number
}

const SIGNALS = 1_000
const PERIOD = 1_000

/** The agent with the flags it is deployed with (deploy/sluice.service), against one Modbus TCP server in a process of its own: 1,000 float32 signals at 1 s. */
export async function benchSignals(options: {
  readonly seconds: number
  readonly say: (line: string) => void
}): Promise<SignalsResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const server = spawn(process.execPath, [join(import.meta.dirname, 'modbus-server.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const [line] = (await once(server.stdout, 'data')) as [Buffer]
    const config = join(folder, 'sluice.yaml')
    writeFileSync(config, configuration(folder, Number(String(line))))
    const started = performance.now()
    const agent = spawn(
      process.execPath,
      [
        '--max-semi-space-size=1',
        join(import.meta.dirname, '../agent/main.ts'),
        'run',
        '-c',
        config,
        '--log-level',
        'warn',
      ],
      {
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    )
    const first = await firstReading(folder, started)
    options.say(`signals: first durable reading after ${first.toFixed(0)} ms; measuring ${options.seconds} s`)
    await delay(3_000)
    const [before, at] = [cpuSeconds(agent.pid!), performance.now()]
    await delay(options.seconds * 1_000)
    const cpu = ((cpuSeconds(agent.pid!) - before) / (performance.now() - at)) * 100_000
    const status = (await askAgent(socketPath(folder), 'status')) as AgentStatus
    const stopping = performance.now()
    agent.kill('SIGTERM')
    await once(agent, 'exit')
    return {
      signals: SIGNALS,
      period_ms: PERIOD,
      cpu_percent: round(cpu),
      rss_mb: round(status.rss_mb),
      first_reading_ms: round(first),
      readings_per_s: round(status.readings_per_s),
      stop_ms: round(performance.now() - stopping),
    }
  } finally {
    server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

function configuration(folder: string, port: number): string {
  const signals = Array.from(
    { length: SIGNALS },
    (_, i) => `          s${i}: { holding: ${i * 2}, type: float32, unit: Cel }`,
  )
  return `version: 1
gateway: { name: bench, data_dir: ${folder} }
sources:
  plc:
    kind: modbus
    transport: tcp
    host: 127.0.0.1
    port: ${port}
    devices:
      plc:
        unit_id: 1
        period: ${PERIOD}ms
        signals:
${signals.join('\n')}
`
}

function round(x: number): number {
  return Math.round(x * 10) / 10
}
