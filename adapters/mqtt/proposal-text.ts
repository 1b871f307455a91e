import type { Proposals } from './propose.ts'

/** Topics that are named in the comment over a subscription. */
const MOST_NAMED = 3
const WORDS = /^(?:true|false|null|yes|no|on|off|y|n|~)$/i

/**
 * Proposals as YAML to paste under `subscriptions` of the source, each signal with the value that was seen. What a name cannot
 * say (units, scales) is left to whoever knows the plant.
 */
export function proposalText({ proposals, unread }: Proposals): string {
  const lines = proposals.flatMap(({ subscription, samples, topics, messages }) => {
    const named = topics.slice(0, MOST_NAMED).map(oneLine).join(', ')
    const more = topics.length > MOST_NAMED ? ` and ${topics.length - MOST_NAMED} more topics` : ''
    const { topic, asset, time, signals } = subscription
    return [
      `      # ${messages} ${messages === 1 ? 'message' : 'messages'}: ${named}${more}`,
      `      - topic: ${scalar(topic)}`,
      ...(asset === undefined ? [] : [`        asset: ${scalar(asset)}`]),
      ...(time ? [`        time: ${flow(time)}${time.zone ? ' # the text says no zone: state yours' : ''}`] : []),
      '        signals:',
      ...Object.entries(signals).map(
        ([name, signal]) => `          ${scalar(name)}: ${flow(signal)} # ${shown(samples[name])}`,
      ),
    ]
  })
  const rest = unread.slice(0, 20).map(({ topic, why }) => `      # not read: ${oneLine(topic)}: ${why}`)
  if (unread.length > 20) rest.push(`      # not read: ${unread.length - 20} more topics`)
  return [...lines, ...rest].join('\n')
}

function flow(entries: Readonly<Record<string, string | undefined>>): string {
  const parts = Object.entries(entries).flatMap(([key, text]) =>
    text === undefined ? [] : [`${key}: ${scalar(text)}`],
  )
  return `{ ${parts.join(', ')} }`
}

/** Plain where YAML takes it for text in every place, else in quotes. */
function scalar(text: string): string {
  return /^[\p{L}$][\p{L}\p{M}\p{N}_.$/-]*$/u.test(text) && !WORDS.test(text) ? text : JSON.stringify(text)
}

function shown(sample: unknown): string {
  const text = oneLine(JSON.stringify(sample) ?? '')
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** Nothing that a sender wrote may end a comment or move the terminal's cursor. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD')
}
