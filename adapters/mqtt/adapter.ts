import { createHash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { Delivery, Marks, Source, SourceContext } from '../source.ts'
import { openLink } from './client.ts'
import { makeIntake } from './intake.ts'
import { makeMarkTable } from './marks.ts'
import { memoryOf } from './memory.ts'
import type { MqttSourceConfig } from './schema.ts'
import { compileTopic } from './topic-filter.ts'

/** Unacknowledged messages after which nothing more is read, whatever the broker's own window (some exceed it). */
const MOST_HELD = 1_000
/** Readings that wait for the runner after which nothing more is read. */
const MOST_WAITING = 20_000
/** In silence this often it is said that nothing older can come, for assets that are stamped on arrival. */
const SILENCE_MS = 15_000
/** How long `probe` waits for messages. */
const PROBE_MS = 3_000

/**
 * Connects to a broker and subscribes.
 * The runner disposes of a source whose link failed, and opens the next only after all its outstanding deliveries are
 * settled: the marks in the store then recognise every redelivery.
 * @throws Fault `source-…` where the broker cannot be reached or refuses
 */
export async function openMqttSource(config: MqttSourceConfig, context: SourceContext): Promise<Source> {
  const { name, clock } = context
  const clientId = config.client_id ?? defaultClientId(context)
  const session = `${clientId}@${new URL(config.url).host}#`
  const stored = context.dropMarks ? await context.marks(session) : []
  const marks = makeMarkTable(stored)
  const intake = makeIntake(config, context)
  const { counters } = memoryOf(context)
  const cap = Math.max(config.window, MOST_HELD)

  let wake = Promise.withResolvers<void>()
  let acks: number[] = []
  let seen: Marks['seen'][number][] = []
  let news = false
  let quiet = true
  let held = 0
  let resumed = true

  const link = await openLink(
    config,
    clientId,
    { source: name, at: config.url },
    {
      connected(sessionPresent) {
        resumed = sessionPresent
        if (!sessionPresent) marks.clear()
      },
      take({ topic, payload, qos, dup, retain, messageId, properties }) {
        const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
        const mark = qos > 0 ? marks.mark({ packet_id: messageId!, dup, topic, payload: bytes }) : undefined
        if (qos === 0 || mark) {
          const subscriptions = [properties?.subscriptionIdentifier ?? []].flat()
          intake.take({ topic, payload: bytes, retain, subscriptions }, clock.now())
        } else counters.redelivered++
        if (qos > 0) {
          held++
          acks.push(messageId!)
          if (mark) seen.push(mark)
        }
        news = true
        wake.resolve()
        return hasRoom()
      },
      failed: () => wake.resolve(),
    },
  )

  try {
    // Nothing comes before the first SUBSCRIBE of a new session, so no message can be taken for one of the old session.
    if (!resumed && stored.length > 0) await context.dropMarks?.(session, '')
  } catch (error) {
    await link[Symbol.asyncDispose]()
    throw error
  }
  counters.connections++
  link.subscribe(filtersOf(config))

  function hasRoom(): boolean {
    return held < cap && intake.waiting < MOST_WAITING
  }

  function deliver(): Delivery {
    const taken = intake.flush(clock.now())
    const delivered = acks
    const delivery: Delivery = {
      block: taken.block,
      outages: taken.outages,
      refused: taken.refused,
      ...(seen.length > 0 && { marks: { session, seen } }),
      // A broker that waits for acknowledgements sends nothing meanwhile.
      ...(acks.length > 0 && { within_ms: held * 2 >= config.window ? 0 : config.ack_within }),
      committed() {
        held -= delivered.length
        link.acknowledge(delivered)
        if (hasRoom()) link.resume()
      },
    }
    acks = []
    seen = []
    news = false
    quiet = false
    if (hasRoom()) link.resume()
    return delivery
  }

  /** Makes an empty delivery due after each span of silence, until `signal` aborts. */
  async function watchSilence(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(SILENCE_MS, signal)
      if (quiet && intake.stampsArrival) {
        news = true
        wake.resolve()
      }
      quiet = true
    }
  }

  return {
    signals: intake.signals,
    async *readings(signal) {
      const stop = new AbortController()
      const stopped = () => {
        stop.abort()
        wake.resolve()
      }
      signal.addEventListener('abort', stopped, { once: true })
      const silence = watchSilence(stop.signal)
      try {
        while (!signal.aborted) {
          // What the socket brought in this turn of the event loop goes into one delivery.
          await turn()
          if (news) yield deliver()
          else {
            const fault = link.fault()
            if (fault) throw fault
            await wake.promise
            wake = Promise.withResolvers()
          }
        }
      } finally {
        signal.removeEventListener('abort', stopped)
        stop.abort()
        await silence
      }
    },
    async probe(signal) {
      const until = clock.monotonic() + PROBE_MS
      while (!intake.complete() || intake.signals.length === 0) {
        const fault = link.fault()
        if (fault) throw fault
        if (signal.aborted || clock.monotonic() >= until) break
        await clock.sleep(50, signal)
      }
      return intake.lastSeen()
    },
    counters: () => ({ ...counters, held }),
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  }
}

/** What the broker is asked for: each filter once, at the highest QoS that a subscription wants. */
function filtersOf(config: MqttSourceConfig): ReadonlyMap<string, 0 | 1> {
  const filters = new Map<string, 0 | 1>()
  for (const { topic, qos } of config.subscriptions) {
    const compiled = compileTopic(topic)
    if ('message' in compiled) continue
    const { filter } = compiled.pattern
    filters.set(filter, filters.get(filter) === 1 ? 1 : qos)
  }
  return filters
}

/** The same after each start of one data folder, another for each gateway and source. */
function defaultClientId(context: SourceContext): string {
  const digest = createHash('sha256')
    .update(`${context.instance ?? ''}\0${context.name}`)
    .digest('hex')
  return `sluice-${digest.slice(0, 12)}`
}
