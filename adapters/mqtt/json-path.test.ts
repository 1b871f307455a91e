import fc from 'fast-check'
import { JSONPathEnvironment } from 'json-p3'
import { expect, it } from 'vitest'
import { compileJsonPath } from './json-path.ts'

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
  expect(compileJsonPath(path)!.first(document)).toEqual(expected)
  expect(compileJsonPath(path)!.singular).toBe(true)
})

it.each([
  '',
  't',
  '.t',
  '$t',
  '$.',
  '$.1a',
  '$[',
  '$[a]',
  '$[01]',
  '$[1.5]',
  "$['a]",
  "$['\\q']",
  '$.a b',
  'x@.v',
  "$.d[?match(@.a, 'x')]",
  "$[?search(@.a, '(a+)+$')]",
  '$..a..b',
  '$[?@..x]',
  '$[?$.a == @.b]',
  '$[?@.a == ]',
  '$[?count(@.*)]',
])('refuses %j', (path) => {
  expect(compileJsonPath(path)).toBeUndefined()
})

const machines = JSON.parse(
  `{"ts":1,"d":[{"tag":"T1","value":1.5,"q":true},{"tag":"T2","value":"x"},{"tag":"T1","value":null},{"tag":"it's"},5]}`,
)

it.each([
  ["$.d[?(@.tag=='T1')].value", [1.5, null]],
  ["$.d[?@.tag == 'T2'].value", ['x']],
  ['$.d[?@.tag=="it\'s"].tag', ["it's"]],
  ["$.d[?@.tag=='T1' && @.q==true].value", [1.5]],
  ['$.d[?(@.value > 1)].tag', ['T1']],
  ['$.d[?@.q].tag', ['T1']],
  ['$.d[?length(@.tag) == 4].tag', ["it's"]],
  ['$.d[*].tag', ['T1', 'T2', 'T1', "it's"]],
  ['$.d[0:2].tag', ['T1', 'T2']],
  ["$.d[0]['tag','value']", ['T1', 1.5]],
  ['$..q', [true]],
  ["$.d[?(@.tag=='T9')].value", []],
  ["$['d'][?@.tag=='a..b?$']", []],
])('finds the values of %s', (path, expected) => {
  const query = compileJsonPath(path)!
  expect(query.singular).toBe(false)
  expect(query.all(machines)).toEqual(expected)
  expect(query.first(machines)).toEqual(expected[0])
})

it('starts at the item where it is written with @', () => {
  expect(compileJsonPath('@.tag')!.first(machines, machines.d[1])).toBe('T2')
  expect(compileJsonPath("@['tag']")!.relative).toBe(true)
  expect(compileJsonPath('@')!.first(machines, 7)).toBe(7)
  expect(compileJsonPath('@.*')!.all(machines, { a: 1 })).toEqual([1])
})

it('gives what the library gives, for every singular path', () => {
  const library = new JSONPathEnvironment()
  const names = fc.constantFrom('a', 'b', '__proto__', 'toString', 'length', '0', "it's", '온도', '')
  const step = fc.oneof(
    names.map((name) => `[${JSON.stringify(name)}]`),
    fc.integer({ min: -2, max: 2 }).map((i) => `[${i}]`),
    fc.constantFrom('.a', '.b', '.length', '.온도', ".['x']").filter((s) => !s.startsWith('.[')),
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, 1, 'x', true),
      fc.array(tie('tree'), { maxLength: 3 }),
      tie('object'),
    ),
    object: fc.dictionary(names, tie('tree'), { maxKeys: 4 }),
  }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 4 }), tree, (steps, value) => {
      const document = JSON.parse(JSON.stringify(value))
      const path = `$${steps.join('')}`
      const ours = compileJsonPath(path)!
      expect(ours.singular).toBe(true)
      expect(ours.all(document)).toEqual(library.query(path, document).values())
    }),
    { numRuns: 500 },
  )
})

it('gives up on what is nested too deeply, without ending the process', () => {
  const deep = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000))
  expect(() => compileJsonPath('$..a')!.all(deep)).toThrow(RangeError)
})
