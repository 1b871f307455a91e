import { compileSparkplugTopic } from './sparkplug-topic.ts'
import type { MqttSubscription } from './subscription-schema.ts'
import { compileTopic, type TopicPattern } from './topic-filter.ts'

/** The topic of a subscription that passed the schema; its filter is what the broker is asked for. */
export function patternOf(subscription: MqttSubscription): TopicPattern {
  const compiled = compileTopic(subscription.topic)
  if ('message' in compiled) throw new RangeError(compiled.message)
  const sparkplug = subscription.payload === 'sparkplug_b' ? compileSparkplugTopic(subscription.topic) : undefined
  return sparkplug && 'filter' in sparkplug ? { ...compiled.pattern, filter: sparkplug.filter } : compiled.pattern
}

/** true: its payloads may bring a time */
export function isTimed(s: MqttSubscription): boolean {
  return s.time !== undefined || s.map !== undefined || s.payload === 'sparkplug_b'
}
