import { globSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import modbusSerial from 'modbus-serial'
import { connectAsync } from 'mqtt'
import { askAgent, socketPath } from '../../../agent/daemon/control.ts'
import type { AgentStatus } from '../../../agent/daemon/status.ts'
import { makeClock } from '../../../core/clock.ts'
import { freePort } from '../../support/free-port.ts'
import { findLibmodbus, openLibmodbus } from '../../support/libmodbus.ts'
import { findMosquitto, openMosquitto } from '../../support/mosquitto.ts'
import { makeIdentity } from '../network.ts'
import { end, startAgentOf, startPoolOf } from '../processes.ts'
import { makeRandom } from '../random.ts'
import { type Canary, formsOf } from './forms.ts'
import { HOSTS, writeCanaryFiles } from './plant-files.ts'
import { openForwarder, openRecorder } from './recorder.ts'
import { findPlanted, type Part, partsOfFile, seek } from './seek.ts'

export interface CanaryResult {
  readonly canaries: number
  /** in which they were sought */
  readonly forms: number
  /** of requests, ciphertext, files and their unpacked content */
  readonly bytes_scanned: number
  readonly found: number
  /** Parquet files that left */
  readonly files: number
  /** leaks that were planted on purpose, and how many of them were found */
  readonly planted: number
  readonly planted_found: number
}

const SPEED = 40

/**
 * A plant of real parts in which every name, host, key, text and raw value is unique sends batches to a pool behind https
 * and to a folder, and gives one batch up; no byte that left may hold any of them in any form.
 * @param options.batches how many must have been delivered at least
 * @throws Error where Mosquitto or libmodbus is not installed, or nothing comes out
 */
export async function proveCanary(options: {
  readonly batches: number
  readonly seed: number
  readonly say: (line: string) => void
}): Promise<CanaryResult> {
  await using parts = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'sluice-canary-'))
  parts.defer(() => rmSync(folder, { recursive: true, force: true }))
  const program = await findMosquitto()
  const flags = await findLibmodbus()
  if (!program || !flags) throw new Error('this proof needs mosquitto and libmodbus')
  const broker = parts.use(await openMosquitto(program))
  const modbus = parts.use(await openLibmodbus(flags))
  const pool = await freePort()
  const identity = await makeIdentity(join(folder, 'tls'))
  const recorder = parts.use(await openRecorder(pool, identity))
  const toPlc = parts.use(await openForwarder({ target: modbus.port, host: HOSTS.plc }))
  const toBroker = parts.use(await openForwarder({ target: Number(new URL(broker.url).port), host: HOSTS.broker }))
  const files = writeCanaryFiles(folder, {
    plc: toPlc.port,
    broker: toBroker.port,
    pool,
    via: recorder.port,
    ca: identity.ca,
  })

  const origin = Date.now()
  const clock = makeClock(SPEED, origin)
  const random = makeRandom(options.seed)
  const seen: Canary[] = [...files.canaries]
  /** A raw value that lies on no grid of the contract; one of float32 where a PLC holds it. */
  function raw(what: string, low: number, high: number, rounded: (x: number) => number = Number): number {
    const value = rounded(low + (high - low) * random())
    seen.push({ what, text: String(value), value })
    return value
  }
  await writeFloats(modbus.port, 1200, [
    raw('oil of a PLC', 20, 90, Math.fround),
    raw('spare of a PLC', 1_000, 9_000, Math.fround),
  ])
  let server = await startPoolOf(files)
  parts.defer(() => end(server))
  const agent = await startAgentOf(files, SPEED, origin)
  parts.defer(() => end(agent))
  const client = await connectAsync(broker.url, { clientId: 'line', reconnectPeriod: 50 })
  parts.defer(() => client.endAsync())

  /** The line goes on publishing until what happened is enough. */
  async function produceUntil(enough: (pools: AgentStatus['store']['pools']) => boolean): Promise<void> {
    for (const limit = performance.now() + 60_000; performance.now() < limit; ) {
      const lot = `lot-${random().toString(36).slice(2)}-${random().toString(36).slice(2)}`
      const ts = clock.now()
      seen.push({ what: 'lot', text: lot }, { what: 'time of a message', text: String(ts), value: ts })
      const { heat, state, lot: lotField } = files.fields
      const message = { ts, [heat]: raw('heat', 100, 1_900), [state]: random() < 0.5 ? 'run' : lot, [lotField]: lot }
      await client.publishAsync(files.topic, JSON.stringify(message), { qos: 1 })
      await delay(250)
      const status = (await askAgent(socketPath(files.dataDir), 'status')) as AgentStatus
      if (enough(status.store.pools)) return
    }
    throw new Error('not enough happened in a minute')
  }
  await produceUntil(
    ({ lake, drawer }) => Math.min(lake!.batches.delivered, drawer!.batches.delivered) >= options.batches,
  )
  options.say('canary: batches are delivered; the pool goes away and one is given up')
  await end(server)
  await produceUntil(({ lake }) => lake!.batches.queued > 0)
  const message = `dropped-because-${random()}`
  seen.push({ what: 'why a batch was dropped', text: message })
  await askAgent(socketPath(files.dataDir), 'outbox', JSON.stringify(['drop', { pool: 'lake' }, message]))
  server = await startPoolOf(files)
  await produceUntil(() => recorder.requests().includes('/tombstone'))

  const sent = [
    { where: 'the requests', bytes: recorder.requests() },
    { where: 'the wire', bytes: recorder.wire() },
    ...(await filesUnder(files.lake)),
    ...(await filesUnder(files.outgoing)),
  ]
  const leaks = seek(seen, sent)
  for (const { what, form, where } of leaks) options.say(`canary: ${what}, ${form}, in ${where}`)
  const { planted, found } = await findPlanted(recorder.requests())
  return {
    canaries: seen.length,
    forms: new Set(seen.flatMap(formsOf).map((form) => form.name)).size,
    bytes_scanned: sent.reduce((n, { bytes }) => n + bytes.length, 0),
    found: leaks.length,
    files: sent.filter(({ where }) => where.endsWith('.parquet') && !where.startsWith('the ')).length,
    planted,
    planted_found: found,
  }
}

async function filesUnder(folder: string): Promise<readonly Part[]> {
  const names = globSync('**', { cwd: folder }).filter((name) => statSync(join(folder, name)).isFile())
  return (await Promise.all(names.map((name) => partsOfFile(join(folder, name), name)))).flat()
}

/** Writes float32 values into the registers of the libmodbus server, high word first. */
async function writeFloats(port: number, address: number, values: readonly number[]): Promise<void> {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [i, value] of values.entries()) bytes.writeFloatBE(value, 4 * i)
  const modbus = new modbusSerial.default()
  await modbus.connectTCP('127.0.0.1', { port })
  modbus.setID(1)
  await modbus.writeRegisters(
    address,
    Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(2 * i)),
  )
  await new Promise((resolve) => modbus.close(resolve))
}
