import { setTimeout as delay } from 'node:timers/promises'
import { connectAsync } from 'mqtt'
import { planModbusSource } from '../../adapters/modbus/plan.ts'
import { modbusSourceSchema } from '../../adapters/modbus/schema.ts'
import { openModbusSimulator } from '../../adapters/modbus/simulator.ts'
import { mqttSourceSchema } from '../../adapters/mqtt/schema.ts'
import { startCollector } from '../../agent/daemon/collect.ts'
import { makeClock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'
import { openAgentStore } from '../support/agent-store.ts'
import { findMosquitto, openMosquitto } from '../support/mosquitto.ts'
import { openFlappingProxy } from './flapping-proxy.ts'
import { memory, round1, settled } from './memory.ts'
import { makeRandom } from './random.ts'

export interface FlapResult {
  /** of the source that reconnected less often, Modbus or MQTT */
  readonly reconnects: number
  /** resident set of agent, devices and store at the end against that after the warm-up */
  readonly rss_growth_mb: number
  /** the same of live objects in the main thread, which holds all connections */
  readonly heap_growth_mb: number
}

/**
 * Above this the memory counts as growing. The resident set also moves with the garbage of the store's thread, which
 * nobody collects here, by some 10 MB; live objects do not, so they show what half a kB a reconnect would come to.
 */
const MOST_GROWTH_MB = { rss: 20, heap: 5 }
/** Part of the reconnects, and how many at least, before the memory is measured first: caches fill until then. */
const WARM_UP = { part: 0.2, least: 700 }
/** The agent's time runs so much faster, so that its pauses of up to a minute take 10 ms. */
const SPEED = 6_000
/** ms; a source opens again when its last readings are durable, so a longer one makes fewer reconnects, not other ones. */
const FLUSH = 10_000
/** ms in which both sources must be back once their links last, real time */
const PATIENCE = 20_000

/**
 * A Modbus device and an MQTT broker whose connections last some milliseconds, with the agent's collectors, queue and store
 * before them: both must be back at the end, and memory must not have grown.
 * @throws Error where Mosquitto is not installed, or a source does not come back
 */
export async function proveFlap(options: {
  readonly reconnects: number
  readonly seed: number
  readonly say: (line: string) => void
}): Promise<FlapResult> {
  const { reconnects, say } = options
  const mosquitto = await findMosquitto()
  if (!mosquitto) throw new Error('this proof needs Mosquitto (apt-get install mosquitto)')
  say(`flap: ${reconnects} reconnects of each source, seed ${options.seed}`)
  const random = makeRandom(options.seed)
  // From before the handshake is over to well into steady work.
  const lifetime = (): number => 1 + random() * (random() < 0.2 ? 60 : 12)

  await using broker = await openMosquitto(mosquitto, { settings: ['autosave_interval 0'] })
  const brokerPort = Number(new URL(broker.url).port)
  await using plc = await openModbusSimulator({
    read: (_unit, _table, address, quantity) => Array.from({ length: quantity }, (_, i) => address + i),
  })
  await using plcProxy = await openFlappingProxy(plc.port, lifetime, random)
  await using brokerProxy = await openFlappingProxy(brokerPort, lifetime, random)
  await using agent = await openAgent(plcProxy.port, brokerProxy.port)
  await using _sender = await startSender(broker.url)

  const done = (): number => Math.min(plcProxy.connections, brokerProxy.connections) - 1
  const flapped = async (n: number): Promise<void> => {
    for (let next = done(); done() < n; await delay(20)) {
      if (done() < next) continue
      await settled()
      say(`flap: ${done()} reconnects, ${agent.summary()}`)
      next = done() + reconnects / 10
    }
  }
  await flapped(Math.max(reconnects * WARM_UP.part, WARM_UP.least))
  const before = await settled()
  await flapped(reconnects)
  const after = await settled()
  const result = {
    reconnects: done(),
    rss_growth_mb: round1(after.rss - before.rss),
    heap_growth_mb: round1(after.heap - before.heap),
  }
  plcProxy.settle()
  brokerProxy.settle()
  await agent.back()
  say(`flap: both sources are back, ${agent.summary()}`)
  return result
}

/** true: nothing of the connections that are gone was kept */
export function isFlat({ rss_growth_mb, heap_growth_mb }: FlapResult): boolean {
  return rss_growth_mb <= MOST_GROWTH_MB.rss && heap_growth_mb <= MOST_GROWTH_MB.heap
}

/** The agent's collectors of one Modbus and one MQTT source, with a store in a temporary folder. */
async function openAgent(plcPort: number, brokerPort: number) {
  const clock = makeClock(SPEED)
  const disk = await openAgentStore(clock, { max_age: 3_600_000, keep_raw: 3_600_000 })
  const { store, queue, liveness } = disk
  const modbus = modbusSourceSchema.parse({
    kind: 'modbus',
    host: '127.0.0.1',
    port: plcPort,
    timeout: '50ms',
    period: '20s',
    devices: { plc: { unit_id: 1, signals: { a: { holding: 0 }, b: { holding: 200, type: 'uint32' } } } },
  })
  const mqtt = mqttSourceSchema.parse({
    kind: 'mqtt',
    url: `mqtt://127.0.0.1:${brokerPort}`,
    client_id: 'flap',
    subscriptions: [{ topic: 'hall/{asset}', signals: { t: { path: '$.t', type: 'int64' } } }],
  })
  const stop = new AbortController()
  const common = { instance: 'flap', flush: FLUSH, store, queue, clock, log: silentLog, liveness, signal: stop.signal }
  const collectors = [
    startCollector({ ...common, name: 'plc', config: modbus, plan: planModbusSource('plc', modbus).plan }),
    startCollector({ ...common, name: 'hall', config: mqtt, plan: { signals: [], assets: [], polled: false } }),
  ]
  const readings = (): number[] => collectors.map((collector) => collector.state().readings)

  return {
    summary: () => `readings ${readings().join(' and ')}, ${memory()}`,
    /** Resolves when both are up and have given further readings. */
    async back(): Promise<void> {
      const until = performance.now() + PATIENCE
      const had = readings()
      while (!readings().every((n, i) => n > had[i]!)) {
        if (performance.now() > until)
          throw new Error(`not back: ${collectors.map((c) => JSON.stringify(c.state())).join(' ')}`)
        await delay(20)
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(collectors.map((collector) => collector.done))
      await disk[Symbol.asyncDispose]()
    },
  }
}

/** Publishes at QoS 1, past the proxy. */
async function startSender(url: string): Promise<AsyncDisposable> {
  const client = await connectAsync(url, { reconnectPeriod: 0 })
  let n = 0
  const timer = setInterval(() => client.publish(`hall/h-${n % 3}`, JSON.stringify({ t: n++ }), { qos: 1 }), 10)
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await client.endAsync()
    },
  }
}
