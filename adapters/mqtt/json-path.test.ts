import { expect, it } from 'vitest'
import { compileJsonPath, valueAtPath } from './json-path.ts'

const document = JSON.parse(
  '{"t":1,"a":{"b":[{"c":2},[3,4]]},"x y":5,"it\'s":6,"q\\"q":7,"":8,"온도":9,"$":10,"__proto__":11,"n":null,"a.b":12}',
)

it.each([
  ['$', document],
  ['$.t', 1],
  ['$.a.b[0].c', 2],
  ['$.a.b[1][1]', 4],
  ['$.a.b[-1][0]', 3],
  ["$['x y']", 5],
  ['$["x y"]', 5],
  ["$['it\\'s']", 6],
  ['$["it\'s"]', 6],
  ["$['q\"q']", 7],
  ["$['']", 8],
  ['$.온도', 9],
  ["$['\\uc628\\ub3c4']", 9],
  ["$['$']", 10],
  ['$.__proto__', 11],
  ['$.n', null],
  ["$['a.b']", 12],
  ['$.a.b', document.a.b],
  ['$.missing', undefined],
  ['$.t.deeper', undefined],
  ['$.a[0]', undefined],
  ['$.a.b.length', undefined],
  ['$.a.b[2]', undefined],
  ['$.toString', undefined],
  ['$.n.x', undefined],
])('reads %s', (path, expected) => {
  expect(valueAtPath(document, compileJsonPath(path)!)).toEqual(expected)
})

it.each([
  '',
  't',
  '.t',
  '$t',
  '$.',
  '$..t',
  '$.1a',
  '$[',
  '$[a]',
  '$[01]',
  '$[1.5]',
  '$.*',
  '$[*]',
  "$['a]",
  "$['\\q']",
  '$.a b',
  '$[?(@.x)]',
])('refuses %j', (path) => {
  expect(compileJsonPath(path)).toBeUndefined()
})
