import { createHash } from 'node:crypto'

/** What a topic of the configuration says. */
export interface TopicPattern {
  /** the filter that the broker is asked for: `{asset}` becomes `+` */
  readonly filter: string
  /** true: the asset is the level that `{asset}` stands for */
  readonly captures: boolean
  /** The captured level ('' where nothing is captured), or undefined where the topic does not match. */
  match(topic: string): string | undefined
}

const HINT = 'write levels between "/", "+" for any level, "#" at the end for all below, {asset} for the asset'

/**
 * Compiles a topic of the configuration: an MQTT filter in which one whole level may be `{asset}`. `$share/group/` in
 * front asks for a shared subscription. Rules: MQTT 5.0 §4.7 and §4.8.2.
 */
export function compileTopic(
  text: string,
): { readonly pattern: TopicPattern } | { readonly message: string; readonly hint: string } {
  const problem = topicProblem(text)
  if (problem) return problem
  const share = /^\$share\/[^/]+\//.exec(text)?.[0] ?? ''
  const levels = text.slice(share.length).split('/')
  const captureAt = levels.indexOf('{asset}')
  const wanted = levels.map((level) => (level === '{asset}' ? '+' : level))
  return {
    pattern: {
      filter: share + wanted.join('/'),
      captures: captureAt >= 0,
      match: (topic) => (matches(wanted, topic) ? (captureAt < 0 ? '' : topic.split('/')[captureAt]!) : undefined),
    },
  }
}

/**
 * The identifier that tells which filter brought a message, and which filters were in force together with it: made from
 * these alone, so that messages that were queued under an older configuration keep theirs. From 1 to 268,435,455
 * (MQTT 5.0 §3.8.2.1.2).
 * @param together filters that are surely in force together; none where that is not known
 */
export function subscriptionId(filter: string, together: readonly string[]): number {
  const text = [filter, ...together].join('\0')
  return 1 + (createHash('sha256').update(text).digest().readUInt32BE() % 268_435_455)
}

function topicProblem(text: string): { readonly message: string; readonly hint: string } | undefined {
  const say = (message: string, hint = HINT) => ({ message: `"${text}" ${message}`, hint })
  if (text === '' || text.includes('\0')) return { message: 'is not a topic', hint: HINT }
  if (Buffer.byteLength(text) > 65_535) return { message: 'the topic is longer than 65535 bytes', hint: HINT }
  if (text.startsWith('$share') && !/^\$share\/[^/+#{}]+\/./.test(text))
    return say('is not a shared subscription', 'write $share/GROUP/TOPIC')
  const levels = text.split('/')
  for (const [i, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || i < levels.length - 1))
      return say('has "#" where it may not be', '"#" stands alone, as the last level')
    if (level.includes('+') && level !== '+')
      return say('has "+" inside a level', '"+" stands for one whole level, between two "/"')
    if (/[{}]/.test(level) && level !== '{asset}')
      return say(`has "${level}"`, 'only {asset} as one whole level is known')
  }
  if (levels.filter((level) => level === '{asset}').length > 1)
    return say('has {asset} twice', 'keep one {asset} and write "+" for the other level')
  return undefined
}

/** MQTT 5.0 §4.7.1; a wildcard in front matches no topic that starts with `$` (§4.7.2). */
function matches(filter: readonly string[], topic: string): boolean {
  const levels = topic.split('/')
  if (topic.startsWith('$') && (filter[0] === '+' || filter[0] === '#')) return false
  for (const [i, wanted] of filter.entries()) {
    if (wanted === '#') return true
    if (i >= levels.length || (wanted !== '+' && wanted !== levels[i])) {
      return false
    }
  }
  return levels.length === filter.length
}
