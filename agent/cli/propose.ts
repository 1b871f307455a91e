import { type Heard, listen } from '../../adapters/mqtt/listen.ts'
import { proposalText } from '../../adapters/mqtt/proposal-text.ts'
import { propose } from '../../adapters/mqtt/propose.ts'
import type { MqttSourceConfig } from '../../adapters/mqtt/schema.ts'
import { compileTopic } from '../../adapters/mqtt/topic-filter.ts'
import { loadConfig } from '../../config/load.ts'
import { makeClock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { formatDuration } from '../../core/option.ts'
import { type CommonOptions, printJson } from './common.ts'

export interface ProposeOptions extends CommonOptions {
  /** ms */
  readonly listen: number
  /** filters to listen on instead of those configured */
  readonly topic: readonly string[]
}

/**
 * `sluice probe [SOURCE] --propose`: listens at the brokers, beside the agent, and prints subscriptions for what is not
 * configured yet, as YAML to paste. Ctrl-C ends the listening early.
 */
export async function proposeSignals(source: string | undefined, options: ProposeOptions): Promise<void> {
  const { sources } = loadConfig(options.config)
  const brokers = Object.entries(sources).flatMap(([name, entry]): [string, MqttSourceConfig][] =>
    entry.kind === 'ok' && entry.config.kind === 'mqtt' && (source === undefined || name === source)
      ? [[name, entry.config]]
      : [],
  )
  if (brokers.length === 0)
    throw new Fault('usage', source === undefined ? {} : { source }, 'there is no such MQTT source, or it is not valid')
  const stop = new AbortController()
  const end = (): void => stop.abort()
  process.once('SIGINT', end)
  const clock = makeClock()
  const results = await Promise.all(
    brokers.map(async ([name, config]) => {
      const filters = filtersOf(config, options.topic)
      console.error(`${name}: listening on ${filters.join(', ')} for ${formatDuration(options.listen)}`)
      const heard = await listen({ source: name, config, filters, ms: options.listen, clock, signal: stop.signal })
      return { name, heard, found: propose(config, heard.sightings, clock.now()) }
    }),
  )
  process.removeListener('SIGINT', end)
  if (options.json)
    return printJson(
      results.map(({ name, heard, found }) => ({
        source: name,
        messages: heard.messages,
        topics: heard.sightings.length,
        subscriptions: found.proposals.map(({ subscription }) => subscription),
        unread: found.unread,
      })),
    )
  for (const { name, heard, found } of results) {
    console.log(summary(name, heard, found.proposals.length))
    const text = proposalText(found)
    if (text !== '') console.log(text)
  }
}

function summary(name: string, heard: Heard, proposals: number): string {
  const seen = `# ${name}: ${heard.messages} messages on ${heard.sightings.length} topics`
  if (heard.messages === 0) return `${seen}: listen longer (--listen 60s), or on more (--topic '#')`
  if (proposals === 0) return `${seen}: nothing that is not configured yet`
  return `${seen}; paste what you need under sources.${name}.subscriptions, add units, and run \`sluice check\``
}

/** @throws Fault `usage` for a filter that is none */
function filtersOf(config: MqttSourceConfig, topics: readonly string[]): readonly string[] {
  const texts = topics.length > 0 ? topics : config.subscriptions.map(({ topic }) => topic)
  return [
    ...new Set(
      texts.map((text) => {
        const compiled = compileTopic(text)
        if ('message' in compiled) throw new Fault('usage', {}, `--topic: ${compiled.message}: ${compiled.hint}`)
        // A member of a group would take messages away from the agent.
        return compiled.pattern.filter.replace(/^\$share\/[^/]+\//, '')
      }),
    ),
  ]
}
