import { expect, it } from 'vitest'
import { makeCopies } from './copies.ts'

/** Messages as `topic=payload`, with `!` for DUP and `@` for retained; gives those that are not copies. */
function read(filters: readonly string[], messages: readonly string[], stored = false, inForce = true) {
  const copies = makeCopies(filters, inForce)
  return messages.filter((text) => {
    if (text === 'SUBACK') return void copies.subscribed()
    if (text.startsWith('UNSUBACK ')) return void copies.unsubscribed([text.slice('UNSUBACK '.length)])
    const [topic = '', payload = ''] = text.replace(/[!@]$/, '').split('=')
    const message = { topic, payload: Buffer.from(payload), dup: text.endsWith('!'), retain: text.endsWith('@') }
    return !copies.isCopy(message, () => stored)
  })
}

const TWO = ['a/+/c', 'a/b/+']

it.each([
  ['one of two copies', TWO, ['a/b/c=1', 'a/b/c=1', 'a/b/c=2', 'a/b/c=2'], ['a/b/c=1', 'a/b/c=2']],
  ['one of three', [...TWO, '+/b/c'], ['a/b/c=1', 'a/b/c=1', 'a/b/c=1'], ['a/b/c=1']],
  [
    'a value that is sent twice, in two copies',
    TWO,
    ['a/b/c=1', 'a/b/c=1', 'a/b/c=1', 'a/b/c=1'],
    ['a/b/c=1', 'a/b/c=1'],
  ],
  ['copies among messages of other topics', TWO, ['a/b/c=1', 'a/x/c=1', 'a/b/c=1'], ['a/b/c=1', 'a/x/c=1']],
  ['everything of a topic that one filter matches', TWO, ['a/x/c=1', 'a/x/c=1'], ['a/x/c=1', 'a/x/c=1']],
  [
    'everything that a shared subscription brings, or does not',
    ['$share/g/a/#', 'a/b/+'],
    ['a/b/c=1', 'a/b/c=1', 'a/b/c=2', 'a/b/c=2'],
    ['a/b/c=1', 'a/b/c=1', 'a/b/c=2', 'a/b/c=2'],
  ],
  [
    'everything, once the broker has shown that it sends one',
    TWO,
    ['a/b/c=1', 'a/b/c=2', 'a/b/c=2', 'a/b/c=2'],
    ['a/b/c=1', 'a/b/c=2', 'a/b/c=2', 'a/b/c=2'],
  ],
  [
    'retained messages once a connection, which say nothing about copies',
    TWO,
    ['a/b/c=1@', 'a/b/c=2', 'a/b/c=1@', 'a/b/c=2'],
    ['a/b/c=1@', 'a/b/c=2'],
  ],
])('reads %s', (_, filters, messages, expected) => {
  expect(read(filters, messages)).toEqual(expected)
})

it('expects no copies of a filter that is gone', () => {
  const messages = ['a/b/c=1', 'a/b/c=1', 'a/b/c=1', 'UNSUBACK +/b/c', 'a/b/c=2', 'a/b/c=2', 'a/b/c=2', 'a/b/c=2']
  expect(read([...TWO, '+/b/c'], messages)).toEqual(['a/b/c=1', 'a/b/c=2', 'a/b/c=2'])
  expect(read(TWO, ['UNSUBACK a/b/+', 'a/b/c=1', 'a/b/c=1'])).toEqual(['a/b/c=1', 'a/b/c=1'])
})

it('drops after a crash the copy whose like is stored', () => {
  expect(read(TWO, ['a/b/c=1!', 'a/b/c=2', 'a/b/c=2'], true)).toEqual(['a/b/c=2'])
  expect(read(TWO, ['a/b/c=1!', 'a/b/c=2', 'a/b/c=2'], false)).toEqual(['a/b/c=1!', 'a/b/c=2'])
})

it('judges the broker only when all filters are in force', () => {
  const messages = ['a/b/c=1', 'a/b/c=2', 'SUBACK', 'a/b/c=3', 'a/b/c=3']
  expect(read(TWO, messages, false, false)).toEqual(['a/b/c=1', 'a/b/c=2', 'a/b/c=3'])
  // One copy of the first came before the second filter was in force; which of the others belong together is unknown.
  const alike = ['a/b/c=1', 'SUBACK', 'a/b/c=1', 'a/b/c=1', 'a/b/c=2', 'a/b/c=2', 'a/b/c=3', 'a/b/c=3']
  expect(read(TWO, alike, false, false).slice(-2)).toEqual(['a/b/c=2', 'a/b/c=3'])
})
