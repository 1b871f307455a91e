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
  /** Kills the broker once it has saved what it took, and starts it again. */
  killBroker(): Promise<void>
  stopPublishing(): Promise<void>
}

/** Real time between two messages, ms. */
const PACE = 15

/** What stands between the agent and its pool. */
export interface Between {
  readonly proxy: AsyncDisposable
  readonly url: string
  /** path of the authority's PEM */
  readonly ca: string
}

/**
 * @param stand puts something between the agent and the pool that will listen on `poolPort`
 * @throws Error where Mosquitto or libmodbus is not installed
 */
export async function openPlant(
  clock: Clock,
  stand?: (poolPort: number, folder: string) => Promise<Between>,
): Promise<Plant> {
  await using opened = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'sluice-proof-'))
  opened.defer(() => rmSync(folder, { recursive: true, force: true }))
  const program = await findMosquitto()
  const flags = await findLibmodbus()
  if (!program || !flags) throw new Error('this proof needs mosquitto and libmodbus')
  // A broker drops QoS 1 messages for a client that is away once its queue is full; that loss would not be ours.
  // What it took it saves before it is killed, so that a kill can only take what nobody relies on.
  const settings = ['max_queued_messages 0', 'autosave_on_changes true', 'autosave_interval 1']
  const broker = opened.use(await openMosquitto(program, { settings }))
  const modbus = opened.use(await openLibmodbus(flags))
  const port = await freePort()
  const between = await stand?.(port, folder)
  if (between) opened.use(between.proxy)
  const pool = { port, ...(between && { via: between }) }
  const files = writeProofFiles(folder, { broker: broker.url, modbusPort: modbus.port, pool })

  const client = await connectAsync(broker.url, { clientId: 'line-counter', reconnectPeriod: 50 })
  opened.defer(() => client.endAsync())
  const stop = new AbortController()
  let n = 0
  let lastAt = 0
  async function publish(): Promise<void> {
    while (!stop.signal.aborted) {
      lastAt = clock.now()
      sending = client.publishAsync('line/press-7/count', JSON.stringify({ ts: lastAt, n: n + 1 }), { qos: 1 })
      await sending
      n++
      await makeClock().sleep(PACE, stop.signal)
      await paused
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
  let paused = Promise.resolve()
  let sending: Promise<unknown> = Promise.resolve()
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
    async killBroker() {
      const gap = Promise.withResolvers<void>()
      paused = gap.promise
      await makeClock().sleep(PACE)
      await sending
      await broker.save()
      await broker.restart('SIGKILL')
      if (!client.connected) await new Promise<void>((resolve) => client.once('connect', () => resolve()))
      gap.resolve()
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
