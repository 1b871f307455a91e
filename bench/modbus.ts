import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import modbusSerial from 'modbus-serial'
import { openModbusSource } from '../adapters/modbus/adapter.ts'
import { modbusSourceSchema } from '../adapters/modbus/schema.ts'
import { askAgent, socketPath } from '../agent/daemon/control.ts'
import type { AgentStatus } from '../agent/daemon/status.ts'
import { makeClock } from '../core/clock.ts'
import { silentLog } from '../core/log.ts'
import { cpuSeconds, firstReading } from './agent-figures.ts'

export interface ModbusResult {
  readonly signals: number
  /** of one core, the whole agent with its store, over the steady part */
  readonly cpu_percent: number
  readonly rss_mb: number
  /** 99th percentile of how far the time between two reads of a place is from the period, seen by the server */
  readonly jitter_p99_ms: number
  /** through one connection, as fast as it goes, to decoded readings */
  readonly readings_per_s: number
  /** requests a second against a bare modbus-serial loop of the same reads, decoded by hand, in turns */
  readonly share_of_bare: number
}

const SIGNALS = 10_000
const PERIOD = 1_000
/** float32 signals in one read of 124 registers */
const A_READ = 62
const ROUNDS = 5

/** 10,000 float32 signals at 1 s from one Modbus TCP server in a process of its own, then how fast one connection reads. */
export async function benchModbus(options: {
  readonly seconds: number
  readonly say: (line: string) => void
}): Promise<ModbusResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const server = spawn(process.execPath, [join(import.meta.dirname, 'modbus-server.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const [line] = (await once(server.stdout, 'data')) as [Buffer]
    const port = Number(String(line))
    const jitter = async (): Promise<number> => {
      server.stdin.write(`${PERIOD}\n`)
      const [answer] = (await once(server.stdout, 'data')) as [Buffer]
      return Number(String(answer))
    }
    const steady = await measureAgent(folder, port, options.seconds, jitter)
    options.say(`modbus: steady ${JSON.stringify(steady)}`)
    return { signals: SIGNALS, ...steady, ...(await measureThroughput(port, options)) }
  } finally {
    server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureAgent(folder: string, port: number, seconds: number, jitter: () => Promise<number>) {
  const config = join(folder, 'sluice.yaml')
  // JSON is YAML.
  const sources = { plc: sourceOf(port) }
  writeFileSync(config, JSON.stringify({ version: 1, gateway: { name: 'bench', data_dir: folder }, sources }))
  const started = performance.now()
  const main = join(import.meta.dirname, '../agent/main.ts')
  // The flags it is deployed with (deploy/sluice.service).
  const agent = spawn(process.execPath, ['--max-semi-space-size=1', main, 'run', '-c', config, '--log-level', 'warn'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = once(agent, 'exit')
  try {
    await firstReading(folder, started)
    await delay(5_000)
    await jitter()
    const [before, at] = [cpuSeconds(agent.pid!), performance.now()]
    await delay(seconds * 1_000)
    const cpu = ((cpuSeconds(agent.pid!) - before) / (performance.now() - at)) * 100_000
    const jitter_p99_ms = await jitter()
    const { rss_mb } = (await askAgent(socketPath(folder), 'status')) as AgentStatus
    return { cpu_percent: round1(cpu), rss_mb: round1(rss_mb), jitter_p99_ms: round1(jitter_p99_ms) }
  } finally {
    agent.kill('SIGTERM')
    await ended
  }
}

/** Ours and a bare loop in turns; the share is the median of the rounds, because other work comes and goes. */
async function measureThroughput(
  port: number,
  { seconds, say }: { readonly seconds: number; readonly say: (line: string) => void },
): Promise<Pick<ModbusResult, 'readings_per_s' | 'share_of_bare'>> {
  const ms = seconds * 50
  const rounds: { readonly ours: number; readonly readings: number; readonly bare: number }[] = []
  // Round 0 warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    const [ours, bare] = [await readByAdapter(port, ms), await readBare(port, ms)]
    say(`modbus: ours ${ours.requests.toFixed(0)} requests/s, bare ${bare.toFixed(0)}`)
    if (round > 0) rounds.push({ ours: ours.requests, readings: ours.readings, bare })
  }
  return {
    readings_per_s: Math.round(median(rounds.map((r) => r.readings))),
    share_of_bare: Math.round(median(rounds.map((r) => r.ours / r.bare)) * 100) / 100,
  }
}

/** The adapter without pauses: its clock runs so fast that it is always late. */
async function readByAdapter(port: number, ms: number): Promise<{ requests: number; readings: number }> {
  const config = modbusSourceSchema.parse(sourceOf(port))
  const context = { name: 'plc', clock: makeClock(100_000), log: silentLog, marks: async () => [] }
  await using source = await openModbusSource(config, context)
  const stop = new AbortController()
  const start = performance.now()
  let readings = 0
  for await (const { block } of source.readings(stop.signal)) {
    readings += block.times.length
    if (performance.now() - start >= ms) stop.abort()
  }
  const s = (performance.now() - start) / 1_000
  return { requests: source.counters().requests! / s, readings: readings / s }
}

/** The library alone, with the same reads, and what it takes to have numbers. Requests a second. */
async function readBare(port: number, ms: number): Promise<number> {
  const client = new modbusSerial.default()
  await client.connectTCP('127.0.0.1', { port })
  client.setID(1)
  client.setTimeout(1_000)
  const values = new Float64Array(SIGNALS)
  const start = performance.now()
  let requests = 0
  while (performance.now() - start < ms) {
    const first = (requests % Math.floor(SIGNALS / A_READ)) * A_READ
    const { buffer } = await client.readHoldingRegisters(first * 2, A_READ * 2)
    for (let i = 0; i < A_READ; i++) values[first + i] = buffer.readFloatBE(i * 4)
    requests++
  }
  const s = (performance.now() - start) / 1_000
  await new Promise<void>((resolve) => client.close(() => resolve()))
  return requests / s
}

function sourceOf(port: number) {
  const signals = Object.fromEntries(
    Array.from({ length: SIGNALS }, (_, i) => [`s${i}`, { holding: i * 2, type: 'float32', unit: 'Cel' }]),
  )
  const plc = { unit_id: 1, period: `${PERIOD}ms`, signals }
  return { kind: 'modbus', host: '127.0.0.1', port, devices: { plc } }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function round1(x: number): number {
  return Math.round(x * 10) / 10
}
