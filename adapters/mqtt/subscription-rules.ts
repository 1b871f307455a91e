import type { Problem } from '../../core/problem.ts'
import { compileJsonPath } from './json-path.ts'
import { compileSparkplugTopic } from './sparkplug-topic.ts'
import type { MqttSubscription } from './subscription-schema.ts'
import { compileTopic } from './topic-filter.ts'

/** How a signal says where its value is. */
const PLACES = ['path', 'column', 'binary', 'tag', 'metric'] as const
type Place = (typeof PLACES)[number]

const EXAMPLES: Readonly<Record<Place, string>> = {
  path: 'path: $.temperature',
  column: 'column: 2',
  binary: 'binary: { byte: 0, as: uint16 }',
  tag: 'tag: Channel1.Device1.Tag1',
  metric: 'metric: Temperature',
}

const DOCUMENTS = ['json', 'cbor', 'msgpack']

/** Options that belong to some payloads only. */
const OWNERS = {
  map: ['json'],
  each: DOCUMENTS,
  tag_path: DOCUMENTS,
  quality: DOCUMENTS,
  text_numbers: [...DOCUMENTS, 'text', 'csv'],
  encoding: ['text', 'csv', 'binary'],
  separator: ['csv'],
  skip_lines: ['csv'],
} as const

/** The places a signal of this subscription must name, all of them. */
export function placesOf(s: Pick<MqttSubscription, 'payload' | 'map' | 'tag_path'>): readonly Place[] {
  if (s.map !== undefined) return ['tag']
  switch (s.payload) {
    case 'json':
    case 'cbor':
    case 'msgpack':
      return s.tag_path === undefined ? ['path'] : ['tag', 'path']
    case 'csv':
      return ['column']
    case 'binary':
      return ['binary']
    case 'sparkplug_b':
      return ['metric']
    case 'text':
      return []
  }
}

/** What does not fit together in a subscription whose options are each right; paths are relative to it. */
export function subscriptionProblems(s: MqttSubscription): readonly Problem[] {
  return [...topicProblems(s), ...strayOptions(s), ...placeProblems(s), ...pathProblems(s)]
}

function topicProblems(s: MqttSubscription): readonly Problem[] {
  const compiled = compileTopic(s.topic)
  if ('message' in compiled) return []
  if (s.payload === 'sparkplug_b') {
    const sparkplug = compileSparkplugTopic(s.topic)
    if ('message' in sparkplug) return [{ path: ['topic'], ...sparkplug }]
  }
  if (compiled.pattern.captures && s.asset !== undefined)
    return [
      {
        path: ['asset'],
        message: 'the topic already says the asset with {asset}',
        hint: 'remove asset, or write "+" for {asset} in the topic',
      },
    ]
  if (!compiled.pattern.captures && s.asset === undefined)
    return [
      {
        path: ['topic'],
        message: 'nothing says which asset the messages are about',
        hint: 'write {asset} for the level that names it, or add asset: NAME beside the topic',
      },
    ]
  return []
}

function strayOptions(s: MqttSubscription): readonly Problem[] {
  const problems: Problem[] = []
  for (const [key, owners] of Object.entries(OWNERS) as [keyof typeof OWNERS, readonly string[]][])
    if (s[key] !== undefined && !owners.includes(s.payload))
      problems.push({
        path: [key],
        message: `${key} has no meaning with payload: ${s.payload}`,
        hint: `remove it, or set payload: ${owners.join(', ')}`,
      })
  if (s.rebirth === 'request' && s.payload !== 'sparkplug_b')
    problems.push({ path: ['rebirth'], message: 'rebirth is for sparkplug_b', hint: 'remove it' })
  if (s.map !== undefined)
    for (const key of ['each', 'tag_path', 'quality', 'time'] as const)
      if (s[key] !== undefined)
        problems.push({ path: [key], message: `map: ${s.map} already says ${key}`, hint: `remove ${key}, or map` })
  if (s.payload === 'sparkplug_b' && s.time !== undefined)
    problems.push({ path: ['time'], message: 'Sparkplug metrics bring their own time', hint: 'remove time' })
  if (s.payload === 'text' && s.time !== undefined)
    problems.push({ path: ['time'], message: 'a plain value has no time', hint: 'remove time: arrival is used' })
  if (s.tag_path !== undefined && s.each === undefined)
    problems.push({ path: ['tag_path'], message: 'tag_path needs each', hint: 'add each, such as $.values[*]' })
  if (s.payload === 'text' && Object.keys(s.signals).length > 1)
    problems.push({
      path: ['signals'],
      message: 'a plain value is one signal',
      hint: 'keep one signal; a line of several values is payload: csv',
    })
  return problems
}

function placeProblems(s: MqttSubscription): readonly Problem[] {
  const wanted = placesOf(s)
  const what = s.map === undefined ? `payload: ${s.payload}` : `map: ${s.map}`
  const check = (at: readonly string[], given: Readonly<Partial<Record<Place, unknown>>>, places: readonly Place[]) => [
    ...PLACES.filter((key) => given[key] !== undefined && !places.includes(key)).map((key) => ({
      path: [...at, key],
      message: `${key} has no meaning with ${what}`,
      hint: places.every((p) => given[p] !== undefined)
        ? `remove ${key}`
        : `write ${places.map((p) => EXAMPLES[p]).join(' and ')} instead`,
    })),
    ...places
      .filter((key) => given[key] === undefined)
      .map((key) => ({
        path: at,
        message: `nothing says where the ${at[0] === 'time' ? 'time' : 'value'} is: ${key} is missing`,
        hint: `with ${what} write ${EXAMPLES[key]}`,
      })),
  ]
  const timed = s.time !== undefined && s.map === undefined && s.payload !== 'sparkplug_b' && s.payload !== 'text'
  return [
    ...Object.entries(s.signals).flatMap(([name, signal]) => check(['signals', name], signal, wanted)),
    ...(timed
      ? check(
          ['time'],
          s.time!,
          wanted.filter((p) => p !== 'tag'),
        )
      : []),
  ]
}

/** `@` stands for an item, so it needs `each`; one value is asked for where one is needed. */
function pathProblems(s: MqttSubscription): readonly Problem[] {
  const paths: [readonly string[], string | undefined, singular: boolean][] = [
    [['each'], s.each, false],
    [['tag_path'], s.tag_path, true],
    [['quality', 'path'], s.quality?.path, true],
    [['time', 'path'], s.time?.path, false],
    ...Object.entries(s.signals).map(([name, signal]): [readonly string[], string | undefined, boolean] => [
      ['signals', name, 'path'],
      signal.path,
      false,
    ]),
  ]
  return paths.flatMap(([path, text, singular]): Problem[] => {
    const compiled = text === undefined ? undefined : compileJsonPath(text)
    if (!compiled) return []
    if (compiled.relative && (s.each === undefined || path[0] === 'each'))
      return [
        {
          path,
          message: '"@" is the item of each',
          hint: path[0] === 'each' ? 'begin with $' : 'begin with $, or add each: $.values[*]',
        },
      ]
    if (singular && !compiled.singular)
      return [{ path, message: 'this path may give several values', hint: 'name one value, such as @.id' }]
    return []
  })
}
