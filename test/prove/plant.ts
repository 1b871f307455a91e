import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { type Clock, makeClock } from '../../core/clock.ts'
import { freePort } from '../support/free-port.ts'
import { findLibmodbus, openLibmodbus } from '../support/libmodbus.ts'
import { findMosquitto, openMosquitto } from '../support/mosquitto.ts'
import { type ProofFiles, writeProofFiles } from './proof-files.ts'

/** The surroundings of a proof: Mosquitto, a libmodbus server, numbered messages, and the files of agent and pool. */
export interface Plant extends AsyncDisposable, ProofFiles {
  readonly clock: Clock
  /** messages that the broker has taken so far, numbered from 1 */
  published(): number
  /** plant time of the last message */
  lastAt(): number
  /** Sends a message without a number, as often as asked; for telling whether the agent has subscribed. */
  publishIdle(): Promise<void>
  startPublishing(): void
  stopPublishing(): Promise<void>
}

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
  const pool = { port: await freePort() }
  const files = writeProofFiles(folder, { broker: broker.url, modbusPort: modbus.port, pool })

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
