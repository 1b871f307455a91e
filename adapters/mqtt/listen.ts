import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { openLink } from './client.ts'
import type { Sighting } from './propose.ts'
import type { MqttSourceConfig } from './schema.ts'
import { subscriptionId } from './topic-filter.ts'

/** Topics that are remembered; of what comes on others only the number of messages is known. */
const MOST_TOPICS = 5_000

/** What came while somebody listened. */
export interface Heard {
  readonly sightings: readonly Sighting[]
  readonly messages: number
}

/**
 * Listens beside the agent with a session of its own that ends with it, at QoS 0.
 * @param filters MQTT filters, without captures
 * @throws Fault `source-…` where the broker cannot be reached, refuses, or goes away
 */
export async function listen(input: {
  readonly source: string
  readonly config: MqttSourceConfig
  readonly filters: readonly string[]
  readonly ms: number
  readonly clock: Clock
  readonly signal: AbortSignal
}): Promise<Heard> {
  const { source, config, clock, signal } = input
  const seen = new Map<string, { topic: string; messages: number; payload: Uint8Array }>()
  const gone = new AbortController()
  let messages = 0
  await using link = await openLink(
    config,
    { client_id: `sluice-${randomBytes(6).toString('hex')}`, transient: true },
    { source, at: config.url },
    {
      connected: () => undefined,
      take({ topic, payload }) {
        messages++
        const known = seen.get(topic)
        // The library's buffer is its own again after the call.
        const copy = Uint8Array.from(Buffer.from(payload).subarray(0, config.max_payload))
        if (known) {
          known.messages++
          known.payload = copy
        } else if (seen.size < MOST_TOPICS) seen.set(topic, { topic, messages: 1, payload: copy })
        return true
      },
      failed: () => gone.abort(),
      warn: () => undefined,
    },
  )
  link.subscribe(
    new Map(input.filters.map((filter) => [filter, 0])),
    (filter) => subscriptionId(filter, []),
    () => undefined,
  )
  await clock.sleep(input.ms, AbortSignal.any([signal, gone.signal]))
  const fault = link.fault()
  if (fault) throw fault
  return { sightings: [...seen.values()], messages }
}
