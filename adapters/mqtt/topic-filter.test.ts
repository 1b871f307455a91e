import { expect, it } from 'vitest'
import { compileTopic } from './topic-filter.ts'

function pattern(text: string) {
  const compiled = compileTopic(text)
  if ('message' in compiled) throw new Error(compiled.message)
  return compiled.pattern
}

it.each([
  ['hall/{asset}/climate', 'hall/+/climate', 'hall/h2/climate', 'h2'],
  ['{asset}', '+', 'press-7', 'press-7'],
  ['{asset}/#', '+/#', 'press-7/a/b', 'press-7'],
  ['{asset}/#', '+/#', 'press-7', 'press-7'],
  ['a/+/{asset}/#', 'a/+/+/#', 'a/b/c/d', 'c'],
  ['a/{asset}', 'a/+', 'a/', ''],
  ['a/+', 'a/+', 'a/b', ''],
  ['#', '#', 'a/b', ''],
  ['/{asset}', '/+', '/x', 'x'],
  ['$share/group/hall/{asset}', '$share/group/hall/+', 'hall/x', 'x'],
  ['$SYS/{asset}/load', '$SYS/+/load', '$SYS/broker/load', 'broker'],
  ['공장/{asset}/온도', '공장/+/온도', '공장/프레스-7/온도', '프레스-7'],
])('%s asks for %s and matches %s', (text, filter, topic, asset) => {
  expect(pattern(text).filter).toBe(filter)
  expect(pattern(text).match(topic)).toBe(asset)
})

it.each([
  ['hall/{asset}/climate', 'hall/h2'],
  ['hall/{asset}/climate', 'hall/h2/climate/x'],
  ['hall/{asset}', 'Hall/h2'],
  ['a/+', 'a'],
  ['a/#', 'b'],
  ['{asset}/load', '$SYS/load'],
  ['#', '$SYS/load'],
])('%s does not match %s', (text, topic) => {
  expect(pattern(text).match(topic)).toBeUndefined()
})

it.each([
  ['', 'is not a topic'],
  ['a\0b', 'is not a topic'],
  ['x'.repeat(65_536), 'longer than'],
  ['a/#/b', '"#"'],
  ['a/b#', '"#"'],
  ['a/b+/c', '"+"'],
  ['{asset}/{asset}', 'twice'],
  ['press-{asset}/t', 'press-{asset}'],
  ['{line}/t', '{line}'],
  ['$share/g', 'shared'],
  ['$share/+/a', 'shared'],
])('refuses %j', (text, word) => {
  const compiled = compileTopic(text)
  expect('message' in compiled && compiled.message).toContain(word)
})
