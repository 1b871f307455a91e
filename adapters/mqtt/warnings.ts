import type { Problem } from '../../core/problem.ts'
import type { MqttSourceConfig } from './schema.ts'
import { covering, filtersOf, isShared, meet } from './session.ts'
import { isTimed, patternOf } from './subscription.ts'

/** What is right in a source that passed the schema and may not mean what the operator thinks; paths are relative to it. */
export function warningsOf(config: MqttSourceConfig): readonly Problem[] {
  return [
    ...config.subscriptions.flatMap((s, i) => [
      ...(isShared(s.topic) ? [sharedWarning(i)] : []),
      ...(s.payload === 'sparkplug_b' && s.rebirth === 'never' ? [birthWarning(i)] : []),
    ]),
    ...(config.protocol === '3.1.1' ? overlapWarnings(config) : []),
  ]
}

function sharedWarning(subscription: number): Problem {
  return {
    path: ['subscriptions', subscription, 'topic'],
    message: 'with $share the broker gives each message to one member of the group, whichever it likes',
    hint: 'for several gateways that share one load; a gateway that shall see every message writes the topic without $share/GROUP/',
  }
}

function birthWarning(subscription: number): Problem {
  return {
    path: ['subscriptions', subscription, 'payload'],
    message:
      'values that a node sends by alias alone mean nothing before the first birth that is heard, and are uncertain from lost messages until the next',
    hint: 'rebirth: request asks the node for it (the one thing that is ever written to it); or let the node send names with its data',
  }
}

/** One filter that the broker is asked for, and the subscriptions it is of. */
interface Asked {
  readonly filter: string
  /** index of the first */
  readonly at: number
  /** true: some of their payloads have a time of their own, so that equal ones are of one moment */
  readonly timed: boolean
}

/**
 * Filters that overlap in part, with MQTT 3.1.1: a broker may send a copy for each, and nothing tells what a copy is of
 * (`copies.ts`).
 */
function overlapWarnings(config: MqttSourceConfig): readonly Problem[] {
  const wanted = config.subscriptions.map((s) => ({ topic: patternOf(s).filter, qos: s.qos, timed: isTimed(s) }))
  const asked = [...filtersOf(wanted, false).keys()].map((filter): Asked => {
    const own = wanted.filter(({ topic }) => topic === filter)
    return { filter, at: wanted.indexOf(own[0]!), timed: own.some(({ timed }) => timed) }
  })
  return asked.flatMap((one, i) => {
    const others = asked.slice(0, i).filter(({ filter }) => meet(filter, one.filter))
    const shared = others.filter(({ filter }) => isShared(filter) || isShared(one.filter))
    const plain = others.filter((other) => !shared.includes(other) && !other.timed && !one.timed)
    return [
      ...(plain.length > 0
        ? [
            overlap(one, plain, 'of equal values that come one after the other there, one may be left out as a copy', [
              'add a time to the payload',
              `let one topic cover them: ${plain.reduce((wide, { filter }) => covering(wide, filter), one.filter)}`,
            ]),
          ]
        : []),
      ...(shared.length > 0
        ? [
            overlap(one, shared, 'what comes for both may be read twice', [
              'give them topics that have nothing in common',
            ]),
          ]
        : []),
    ]
  })
}

function overlap(one: Asked, others: readonly Asked[], cost: string, ways: readonly string[]): Problem {
  const names = others.map(({ filter, at }) => `${filter} (subscription ${at + 1})`)
  const most = names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '')
  return {
    path: ['subscriptions', one.at, 'topic'],
    message: `${one.filter} has topics in common with ${most}; MQTT 3.1.1 does not say which of them a message is for: ${cost}`,
    hint: ['speak MQTT 5 where the broker can (protocol: "5")', ...ways].join(', or '),
  }
}
