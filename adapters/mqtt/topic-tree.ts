import { assetName } from './plan.ts'

/** Topics that one subscription can take. */
export interface TopicGroup {
  /** as in the configuration, with `{asset}` where the topics name assets */
  readonly topic: string
  /** the asset where the topic has no `{asset}` */
  readonly asset: string | undefined
  readonly members: readonly string[]
}

/**
 * Puts topics with payloads of one shape together: where one level tells them apart, that level is the asset; where several do, the
 * deepest that is different in each, the others become `+`. What cannot be told apart so is split at its least varied level.
 * @param topics distinct, with equally many levels
 * @param isLeaf true: the last level names the quantity, not the asset (the payload is a single value)
 */
export function groupTopics(topics: readonly string[], isLeaf: boolean): readonly TopicGroup[] {
  if (topics.length === 1) return [{ topic: topics[0]!, asset: assetOf(topics[0]!, isLeaf), members: topics }]
  const split = topics.map((topic) => topic.split('/'))
  const levels = split[0]!.map((_, i) => new Set(split.map((parts) => parts[i]!)))
  const varying = levels.flatMap((texts, i) => (texts.size > 1 ? [{ i, texts }] : []))
  const last = levels.length - 1

  const telling = varying.filter(
    ({ i, texts }) =>
      texts.size === topics.length &&
      !(isLeaf && i === last) &&
      texts.values().every((text) => assetName(text) !== undefined),
  )
  const asset = telling.at(-1)
  const leafVaries = isLeaf && levels[last]!.size > 1
  if (asset && !leafVaries) {
    const pattern = split[0]!.map((text, i) => (i === asset.i ? '{asset}' : levels[i]!.size > 1 ? '+' : text))
    return [{ topic: pattern.join('/'), asset: undefined, members: topics }]
  }
  const at = leafVaries ? last : varying.toSorted((a, b) => a.texts.size - b.texts.size || a.i - b.i)[0]!.i
  return Map.groupBy(topics, (topic) => topic.split('/')[at])
    .values()
    .flatMap((part) => groupTopics(part, isLeaf))
    .toArray()
}

/** The deepest level of a topic that can be an asset's name. */
function assetOf(topic: string, isLeaf: boolean): string {
  const levels = topic.split('/')
  const places = isLeaf && levels.length > 1 ? levels.slice(0, -1) : levels
  return places.toReversed().find((level) => assetName(level) === level) ?? toName(topic)
}

/** The text as a name of the configuration: what a name may not have becomes `_`. */
export function toName(text: string): string {
  const name = text
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, '_')
    .replace(/^[^\p{L}\p{N}]+/u, '')
    .slice(0, 100)
  return assetName(name) ?? 'value'
}
