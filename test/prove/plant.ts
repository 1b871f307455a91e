import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { type Clock, makeClock } from '../../core/clock.ts'
import { parseSigningKey } from '../../uplink/signature.ts'
import { findLibmodbus, openLibmodbus } from '../support/libmodbus.ts'
import { findMosquitto, openMosquitto } from '../support/mosquitto.ts'

/** The surroundings of a proof: Mosquitto, a libmodbus server, numbered messages, and the files of agent and pool. */
export interface Plant extends AsyncDisposable {
  readonly clock: Clock
  /** the agent's configuration */
  readonly config: string
  readonly poolConfig: string
  readonly dataDir: string
  readonly lake: string
  readonly pool: string
  /** length of a slot of every dataset, ms */
  readonly slot: number
  /** messages that the broker has taken so far, numbered from 1 */
  published(): number
  /** plant time of the last message */
  lastAt(): number
  /** Sends a message without a number, as often as asked; for telling whether the agent has subscribed. */
  publishIdle(): Promise<void>
  startPublishing(): void
  stopPublishing(): Promise<void>
}

const POOL = 'proof'
const SLOT = 10_000
/** Real time between two messages, ms. */
const PACE = 15

/** @throws Error where Mosquitto or libmodbus is not installed */
export async function openPlant(clock: Clock): Promise<Plant> {
  await using opened = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'sluice-proof-'))
  opened.defer(() => rmSync(folder, { recursive: true, force: true }))
  const program = await findMosquitto()
  const flags = await findLibmodbus()
  if (!program || !flags) throw new Error('this proof needs mosquitto and libmodbus')
  // A broker drops QoS 1 messages for a client that is away once its queue is full; that loss would not be ours.
  const broker = opened.use(await openMosquitto(program, { settings: ['max_queued_messages 0'] }))
  const modbus = opened.use(await openLibmodbus(flags))
  const poolPort = await freePort()
  const files = writeFiles(folder, { broker: broker.url, modbusPort: modbus.port, poolPort })

  const client = await connectAsync(broker.url, { clientId: 'line-counter' })
  opened.defer(() => client.endAsync())
  const stop = new AbortController()
  let n = 0
  let lastAt = 0
  async function publish(): Promise<void> {
    while (!stop.signal.aborted) {
      lastAt = clock.now()
      await client.publishAsync('line/press-7/count', JSON.stringify({ ts: lastAt, n: n + 1 }), { qos: 1 })
      n++
      await makeClock().sleep(PACE, stop.signal)
    }
    // Time goes on for a while after the last number, so that its slot and the next one can close.
    for (let i = 0; i < 3; i++) {
      await makeClock().sleep(300)
      await publishIdle()
    }
  }
  async function publishIdle(): Promise<void> {
    await client.publishAsync('line/press-7/count', JSON.stringify({ ts: clock.now(), idle: true }), { qos: 1 })
  }
  let publishing = Promise.resolve()
  const resources = opened.move()
  return {
    clock,
    ...files,
    pool: POOL,
    slot: SLOT,
    published: () => n,
    lastAt: () => lastAt,
    publishIdle,
    startPublishing() {
      publishing = publish()
    },
    async stopPublishing() {
      stop.abort()
      await publishing
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await publishing
      await resources.disposeAsync()
    },
  }
}

function writeFiles(
  folder: string,
  where: { readonly broker: string; readonly modbusPort: number; readonly poolPort: number },
): Pick<Plant, 'config' | 'poolConfig' | 'dataDir' | 'lake'> {
  const path = (name: string): string => join(folder, name)
  const key = (name: string): string => {
    const text = randomBytes(32).toString('base64')
    writeFileSync(path(name), `${text}\n`, { mode: 0o600 })
    return parseSigningKey(text).id
  }
  key('plant.key')
  const [contributor, receipts] = [key('signing.key'), key('receipt.key')]
  const contract = `version: 1
pool: ${POOL}
epochs: [2026-01-01]
asset_classes: [press]
datasets:
  counts:
    kind: stream
    grid: 10s
    cadence: 10s
    size_class: 8KiB
    columns:
      n: { meaning: last number seen, unit: "1", stat: last, range: [0, 10000000], step: 1, type: double }
      level: { meaning: a register, unit: "1", stat: mean, range: [0, 100000], step: 1 }
`
  writeFileSync(path('contract.yaml'), contract)
  const sha256 = createHash('sha256').update(contract).digest('hex')
  writeFileSync(
    path('policy.yaml'),
    `version: 1
pool: ${POOL}
contract: { file: contract.yaml, sha256: "${sha256}" }
profile: ml-stream
expires: 2040-12-31
plant_key: { file: plant.key }
assets: { press-7: { class: press } }
datasets:
  counts:
    n:     { from: "{asset}/n", range: [0, 10000000], step: 1, accept_risk: every number must be told apart }
    level: { from: "{asset}/level", range: [0, 100000], step: 500 }
`,
  )
  writeFileSync(
    path('sluice.yaml'),
    `version: 1
gateway: { name: proof, data_dir: data }
sources:
  plc:
    kind: modbus
    host: 127.0.0.1
    port: ${where.modbusPort}
    timeout: 40s
    devices:
      press-7: { unit_id: 1, period: 2s, signals: { level: { holding: 0, unit: "1" }, spare: { holding: 1 } } }
  line:
    kind: mqtt
    url: ${where.broker}
    keepalive: 1h
    connect_timeout: 5m
    ack_within: 1s
    subscriptions:
      - topic: line/{asset}/count
        time: { path: $.ts, format: unix_ms }
        signals: { n: { path: $.n, type: uint32, unit: "1" }, idle: { path: $.idle, type: bool } }
buffer: { flush: 2s, keep_raw: 30d, max_age: 60d }
pools:
  ${POOL}:
    url: http://127.0.0.1:${where.poolPort}
    policy: policy.yaml
    signing_key: { file: signing.key }
    receipt_key: "${receipts}"
    timeout: 5m
`,
  )
  writeFileSync(
    path('pool.yaml'),
    `version: 1
listen: { host: 127.0.0.1, port: ${where.poolPort} }
data_dir: pool
receipt_key: { file: receipt.key }
pools:
  ${POOL}: { contract: contract.yaml, contributors: { plant: "${contributor}" } }
`,
  )
  return { config: path('sluice.yaml'), poolConfig: path('pool.yaml'), dataDir: path('data'), lake: path('pool/lake') }
}

/** A port that was free a moment ago, for a server that is killed and started again on the same one. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  server.close()
  await once(server, 'close')
  return port
}
