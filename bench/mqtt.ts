import { connectAsync, type MqttClient } from 'mqtt'
import { mqttSourceSchema } from '../adapters/mqtt/schema.ts'
import { startCollector } from '../agent/daemon/collect.ts'
import { makeClock } from '../core/clock.ts'
import { silentLog } from '../core/log.ts'
import { makeBlockBuilder } from '../core/reading-block.ts'
import { type AgentStore, openAgentStore } from '../test/support/agent-store.ts'
import { findMosquitto, type Mosquitto, openMosquitto } from '../test/support/mosquitto.ts'

/** Messages a second, each way measured on the same broker in the same run. */
export interface MqttRates {
  /** a bare client of the `mqtt` library: acknowledges at once, stores nothing */
  readonly plain: number
  /** the agent's collector and its store on a disk: acknowledges what is durable, many at once */
  readonly durable: number
  /** the same library and store, one commit a message */
  readonly per_commit: number
  readonly share_of_plain: number
  readonly times_per_commit: number
}

export interface MqttResult extends MqttRates {
  /** `max_inflight_messages` of the broker and `window` of the source for the figures above */
  readonly window: number
  /** the same where both are left at their default, 20 */
  readonly default_window: MqttRates
}

const clock = makeClock()
const SESSION = { clientId: 'bench', clean: false, reconnectPeriod: 0 }
const payload = (i: number): string => JSON.stringify({ ts: Date.UTC(2026, 10, 24) + i, t: 20 + (i % 100) / 10 })

/**
 * How fast a backlog of QoS 1 messages (Mosquitto, MQTT 3.1.1, 26 bytes of JSON) is drained: the time from the connection
 * until the last message is handled or durable. Each rate is over all rounds; the three ways take turns, so that other work on the machine meets all of them.
 * @throws Error where Mosquitto is not installed
 */
export async function benchMqtt(options: {
  readonly quick: boolean
  readonly say: (line: string) => void
}): Promise<MqttResult> {
  const mosquitto = await findMosquitto()
  if (!mosquitto) throw new Error('this benchmark needs Mosquitto (apt-get install mosquitto)')
  const size = options.quick
    ? { messages: 10_000, commits: 1_000, rounds: 4 }
    : { messages: 50_000, commits: 5_000, rounds: 6 }
  const measured = async (window: number): Promise<MqttRates> => {
    await using broker = await openMosquitto(mosquitto, {
      settings: [`max_inflight_messages ${window}`, 'max_queued_messages 0', 'autosave_interval 0'],
    })
    const rates = await measure(broker, window, size)
    options.say(
      `mqtt: window ${window}: plain ${rates.plain}/s, durable ${rates.durable}/s, one commit a message ${rates.per_commit}/s`,
    )
    return rates
  }
  const default_window = await measured(20)
  return { ...(await measured(1_000)), window: 1_000, default_window }
}

async function measure(
  broker: Mosquitto,
  window: number,
  size: { readonly messages: number; readonly commits: number; readonly rounds: number },
): Promise<MqttRates> {
  const ways = {
    plain: { n: size.messages, drain: (n: number) => drainPlain(broker.url, n) },
    durable: { n: size.messages, drain: (n: number) => drainDurable(broker.url, n, window) },
    per_commit: { n: size.commits, drain: (n: number) => drainPerCommit(broker.url, n) },
  }
  const spent: Record<keyof typeof ways, number[]> = { plain: [], durable: [], per_commit: [] }
  // Round 0 warms up.
  for (let round = 0; round <= size.rounds; round++)
    for (const name of ['plain', 'durable', 'per_commit'] as const) {
      const { n, drain } = ways[name]
      await fill(broker.url, n)
      const ms = await drain(n)
      if (round > 0) spent[name].push(ms)
    }
  const rate = (name: keyof typeof ways): number =>
    (ways[name].n * size.rounds * 1_000) / spent[name].reduce((sum, ms) => sum + ms, 0)
  const [plain, durable, per_commit] = [rate('plain'), rate('durable'), rate('per_commit')]
  return {
    plain: Math.round(plain),
    durable: Math.round(durable),
    per_commit: Math.round(per_commit),
    share_of_plain: round2(durable / plain),
    times_per_commit: round2(durable / per_commit),
  }
}

/** Leaves `n` messages in the session at the broker. */
async function fill(url: string, n: number): Promise<void> {
  const client = await connectAsync(url, SESSION)
  await client.subscribeAsync('hall/+', { qos: 1 })
  await client.endAsync()
  const sender = await connectAsync(url, { reconnectPeriod: 0 })
  const sent = Array.from({ length: n }, (_, i) => sender.publishAsync(`hall/h-${i % 3}`, payload(i), { qos: 1 }))
  await Promise.all(sent)
  await sender.endAsync()
}

async function drainPlain(url: string, n: number): Promise<number> {
  let seen = 0
  return timed(url, (client, done) => {
    client.on('message', () => {
      if (++seen === n) done()
    })
  })
}

async function drainPerCommit(url: string, n: number): Promise<number> {
  await using disk = await openDisk()
  const { store } = disk
  const [index] = await store.intern([
    { id: 'h/t', asset: 'h', name: 't', source: 'mqtt', type: 'float64', cadence: { kind: 'event' } },
  ])
  let seen = 0
  // `await`: the store must be open until it is over.
  return await timed(url, (client, done) => {
    client.handleMessage = (packet, handled) => {
      const { ts, t } = JSON.parse(String(packet.payload)) as { ts: number; t: number }
      const builder = makeBlockBuilder(1)
      builder.add(index!, ts, t, 0)
      const commit = {
        blocks: [{ source: 'mqtt', block: builder.take(clock.now(), {}) }],
        arrival: clock.now(),
        monotonic: clock.monotonic(),
        sane: true,
        marks: [],
        outages: [],
        counts: [],
      }
      store.append(commit).then(() => {
        handled()
        if (++seen === n) done()
      }, handled)
    }
  })
}

/** Connects, and gives the ms until `listen` called `done`. */
async function timed(url: string, listen: (client: MqttClient, done: () => void) => void): Promise<number> {
  const finished = Promise.withResolvers<void>()
  const { connect } = await import('mqtt')
  const client = connect(url, { ...SESSION, manualConnect: true })
  listen(client, finished.resolve)
  client.on('error', finished.reject)
  const start = performance.now()
  client.connect()
  await finished.promise
  const ms = performance.now() - start
  await client.endAsync()
  return ms
}

async function drainDurable(url: string, n: number, window: number): Promise<number> {
  const config = mqttSourceSchema.parse({
    kind: 'mqtt',
    url,
    protocol: '3.1.1',
    client_id: SESSION.clientId,
    window,
    subscriptions: [
      {
        topic: 'hall/{asset}',
        time: { path: '$.ts', format: 'unix_ms' },
        signals: { t: { path: '$.t', unit: 'Cel' } },
      },
    ],
  })
  await using disk = await openDisk()
  const { store, queue, liveness } = disk
  const stop = new AbortController()
  const finished = Promise.withResolvers<number>()
  let durable = 0
  const start = performance.now()
  const collector = startCollector({
    name: 'mqtt',
    config,
    plan: { signals: [], assets: [], polled: false },
    instance: 'bench',
    flush: 1_000,
    store,
    queue: {
      ...queue,
      append: (entry) =>
        queue.append(entry).then(() => {
          durable += entry.block.times.length
          if (durable >= n) finished.resolve(performance.now() - start)
        }),
    },
    clock,
    log: silentLog,
    liveness,
    signal: stop.signal,
  })
  const ms = await finished.promise
  while (collector.state().counters.held !== 0) await clock.sleep(1)
  stop.abort()
  await collector.done
  return ms
}

const openDisk = (): Promise<AgentStore> => openAgentStore(clock, { max_age: 2_592_000_000, keep_raw: 86_400_000 })

function round2(x: number): number {
  return Math.round(x * 100) / 100
}
