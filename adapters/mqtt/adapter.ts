import { createHash, randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { Delivery, Marks, Source, SourceContext } from '../source.ts'
import { openBirthKeeper } from './birth-keeper.ts'
import { openLink } from './client.ts'
import { loadFormats } from './formats/load.ts'
import { makeIntake } from './intake.ts'
import { makeMarkTable, readMarks } from './marks.ts'
import { firstProblems, memoryOf } from './memory.ts'
import type { MqttSourceConfig } from './schema.ts'
import { openSessionKeeper } from './session-keeper.ts'

/**
 * Unacknowledged messages after which nothing more is read, whatever the broker's own window (some exceed it): several
 * socket reads, so that reading goes on while a commit is under way.
 */
const MOST_HELD = 4_000
/** What brokers send ahead of acknowledgement where nobody configured it. */
const USUAL_WINDOW = 20
/** Readings that wait for the runner after which nothing more is read. */
const MOST_WAITING = 20_000
/** In silence this often it is said that nothing older can come, for assets that are stamped on arrival. */
const SILENCE_MS = 15_000
/** How long `probe` waits for messages where it is not told. */
const LISTEN_MS = 10_000

/**
 * Connects to a broker and subscribes.
 * The runner disposes of a source whose link failed, and opens the next only after all its outstanding deliveries are
 * settled: the marks in the store then recognise every redelivery.
 * @throws Fault `source-…` where the broker cannot be reached or refuses
 */
export async function openMqttSource(config: MqttSourceConfig, context: SourceContext): Promise<Source> {
  const { name, clock } = context
  const transient = context.transient === true
  const clientId = transient
    ? `sluice-${randomBytes(6).toString('hex')}`
    : (config.client_id ?? defaultClientId(context))
  const session = `${clientId}@${new URL(config.url).host}#`
  const memory = memoryOf(context)
  const { counters } = memory
  memory.marks ??= await readMarks(async (after) => (context.dropMarks ? context.marks(session, after) : []))
  const marks = makeMarkTable(memory.marks)
  const keeper = await openSessionKeeper(config, context, session)
  const intake = makeIntake(config, context, await loadFormats(config))
  const births = await openBirthKeeper(config, context, session, intake.sparkplug)
  const cap = Math.max(config.window, MOST_HELD)

  let wake = Promise.withResolvers<void>()
  let acks: number[] = []
  let seen: Marks['seen'][number][] = []
  let news = false
  let quiet = true
  let held = 0
  /** what the broker has shown that it sends ahead */
  let ahead = USUAL_WINDOW
  let resumed = true

  const link = await openLink(
    config,
    { client_id: clientId, transient },
    { source: name, at: config.url },
    {
      connected(accepted) {
        resumed = accepted.session_present
        if (!resumed) marks.clear()
        keeper.accepted(accepted)
        births?.accepted(accepted)
      },
      take({ topic, payload, qos, dup, retain, messageId, properties }) {
        const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
        const mark = qos > 0 ? marks.mark({ packet_id: messageId!, dup, topic, payload: bytes }) : undefined
        const isCopy = keeper.isCopy({ topic, payload: bytes, dup, retain }, marks.has)
        if (qos > 0 && !mark) counters.redelivered++
        else if (isCopy) counters.copies++
        else if (topic !== config.status_topic) {
          const origins = keeper.originsOf([properties?.subscriptionIdentifier ?? []].flat())
          intake.take({ topic, payload: bytes, retain, origins }, clock.now())
        }
        if (qos > 0) {
          held++
          ahead = Math.max(ahead, held)
          acks.push(messageId!)
          if (mark) seen.push(mark)
        }
        news = true
        wake.resolve()
        return hasRoom()
      },
      failed: () => wake.resolve(),
      warn: (message, fields) => context.log.warn({ source: name, ...fields }, message),
    },
  )

  try {
    if (keeper.isLost) {
      counters.sessions_lost++
      context.log.warn({ source: name }, 'the broker no longer has the session: what it held for the agent is lost')
    }
    // Nothing comes before the first SUBSCRIBE of a new session, so no message can be taken for one of the old session.
    if (!resumed) await context.dropMarks?.(session, '')
    await births?.settle()
    await keeper.agree(link)
  } catch (error) {
    await link[Symbol.asyncDispose]()
    throw error
  }
  counters.connections++

  function hasRoom(): boolean {
    return held < cap && intake.waiting < MOST_WAITING
  }

  function deliver(isLast = false): Delivery {
    const taken = intake.flush(clock.now())
    const delivered = acks
    const marked = seen
    if (!transient) for (const { topic, payload } of taken.requests) link.publish(topic, payload)
    const delivery: Delivery = {
      block: taken.block,
      outages: taken.outages,
      refused: taken.refused,
      ...births?.take(isLast),
      ...(marked.length > 0 && { marks: { session, seen: marked } }),
      // A broker that waits for acknowledgements sends nothing meanwhile.
      ...(acks.length > 0 && { within_ms: held * 2 >= Math.min(config.window, ahead) ? 0 : config.ack_within }),
      committed() {
        marks.committed(marked)
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
            if (fault) {
              if (births) yield deliver(true)
              throw fault
            }
            await wake.promise
            wake = Promise.withResolvers()
          }
        }
        if (births) yield deliver(true)
      } finally {
        signal.removeEventListener('abort', stopped)
        stop.abort()
        await silence
      }
    },
    async probe(signal, listen_ms = LISTEN_MS) {
      const until = clock.monotonic() + listen_ms
      while (!intake.complete() || intake.signals.length === 0) {
        const fault = link.fault()
        if (fault) throw fault
        if (signal.aborted || clock.monotonic() >= until) break
        await clock.sleep(50, signal)
        if (transient) intake.flush(clock.now()) // nobody collects
      }
      return intake.lastSeen()
    },
    counters: () => ({ ...counters, held }),
    lessons: () => firstProblems(memory),
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  }
}

/** The same after each start of one data folder, another for each gateway and source. */
function defaultClientId(context: SourceContext): string {
  const digest = createHash('sha256')
    .update(`${context.instance ?? ''}\0${context.name}`)
    .digest('hex')
  return `sluice-${digest.slice(0, 12)}`
}
