import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type ModbusSimulator, makeSimulatorMemory, openModbusSimulator } from '../../adapters/modbus/simulator.ts'
import { type Agent, startAgent } from '../../agent/daemon/agent.ts'
import type { AgentStatus } from '../../agent/daemon/status.ts'
import { loadConfig } from '../../config/load.ts'
import { type Clock, makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { writeKey } from './key-file.ts'

/** Two PLCs and a folder as the pool, in a temporary folder; minutes of plant time pass in a second. */
export interface SmallPlant {
  readonly folder: string
  readonly config: string
  readonly clock: Clock
  /** the PLCs of press-7 and press-8 */
  readonly plcs: ModbusSimulator[]
  path(name: string): string
  /** Starts the agent on the files as they are now; stopped with the test. */
  start(): Promise<Agent>
}

const SPEED = 60

/** Writes all files anew and starts both PLCs. */
export async function openSmallPlant(): Promise<SmallPlant> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-plant-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = (name: string): string => join(folder, name)
  const plcs = await Promise.all([0, 1].map(() => openPlc()))
  onTestFinished(async () => {
    for (const plc of plcs) await plc[Symbol.asyncDispose]()
  })
  for (const name of ['plant.key', 'signing.key']) writeKey(path(name))
  writeFileSync(path('contract.yaml'), CONTRACT)
  writePolicy(folder)
  writeFileSync(path('sluice.yaml'), configuration(plcs.map((plc) => plc.port)))
  const clock = makeClock(SPEED)
  return {
    folder,
    config: path('sluice.yaml'),
    clock,
    plcs,
    path,
    async start() {
      const agent = await startAgent({
        loaded: loadConfig(path('sluice.yaml')),
        clock,
        log: silentLog,
        version: 'test',
      })
      let running = true
      const stop = agent[Symbol.asyncDispose].bind(agent)
      const once = async (): Promise<void> => {
        if (running) await stop()
        running = false
      }
      onTestFinished(once)
      return { ...agent, [Symbol.asyncDispose]: once }
    },
  }
}

/** A PLC whose first two holding registers hold 25.0 as float32; `port` 0 is any free one. */
export function openPlc(port = 0): Promise<ModbusSimulator> {
  const memory = makeSimulatorMemory()
  memory.set(1, 'holding', 0, [0x41c8, 0])
  return openModbusSimulator({ read: memory.read, port })
}

/** The policy as it should be, with one text in it replaced. */
export function writePolicy(folder: string, change: readonly [from: string, to: string] = ['', '']): void {
  const sha256 = createHash('sha256').update(CONTRACT).digest('hex')
  writeFileSync(join(folder, 'policy.yaml'), policy(sha256).replace(...change))
}

/** Asks until the status is as wanted. */
export async function untilStatus(agent: Agent, wanted: (status: AgentStatus) => boolean): Promise<AgentStatus> {
  const until = performance.now() + 45_000
  for (;;) {
    const status = await agent.status()
    if (wanted(status)) return status
    if (performance.now() > until) throw new Error(`the status did not become as wanted: ${JSON.stringify(status)}`)
    await makeClock().sleep(25)
  }
}

const CONTRACT = `version: 1
pool: quality
epochs: [2026-01-01]
asset_classes: [press]
datasets:
  stream:
    kind: stream
    grid: 1m
    cadence: 1m
    size_class: 8KiB
    columns:
      oil_temperature: { meaning: oil, unit: Cel, stat: mean, range: [0, 200], step: 0.1 }
`

function policy(sha256: string): string {
  return `version: 1
pool: quality
contract: { file: contract.yaml, sha256: "${sha256}" }
expires: 2040-12-31
plant_key: { file: plant.key }
assets: { press-7: { class: press }, press-8: { class: press } }
datasets:
  stream:
    oil_temperature: { from: "{asset}/oil_temperature", range: [0, 120], step: 1.2 }
`
}

function configuration(ports: readonly number[]): string {
  const source = (press: string, port: number | undefined): string => `  ${press}-plc:
    kind: modbus
    host: 127.0.0.1
    port: ${port}
    timeout: 30s
    devices:
      ${press}: { unit_id: 1, period: 5s, signals: { oil_temperature: { holding: 0, type: float32, unit: Cel } } }
`
  return `version: 1
gateway: { name: hidden-gateway, data_dir: data }
sources:
${source('press-7', ports[0])}${source('press-8', ports[1])}buffer: { flush: 5s }
pools:
  quality: { dir: outgoing, policy: policy.yaml, signing_key: { file: signing.key } }
`
}
