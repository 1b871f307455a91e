import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { covering, covers, filtersOf, meet, staleFilters } from './session.ts'

it.each([
  ['a/#', 'a/b/c', true],
  ['a/#', 'a', true],
  ['a/#', 'a/#', true],
  ['#', 'a/+', true],
  ['a/+/c', 'a/b/c', true],
  ['a/+', 'a/#', false],
  ['a/b', 'a/+', false],
  ['a/+/c', 'a/b/+', false],
  ['a/+', 'a', false],
  ['#', '$SYS/#', false],
  ['+/load', '$SYS/load', false],
  ['$share/g/a/#', '$share/g/a/b', true],
  ['$share/g/a/#', '$share/h/a/b', false],
  ['a/#', '$share/g/a/b', false],
])('%s covers %s: %s', (a, b, expected) => {
  expect(covers(a, b)).toBe(expected)
})

it.each([
  ['a/+/c', 'a/b/+', true],
  ['a/+', 'a/#', true],
  ['a/#', 'a', true],
  ['a/b', 'a/c', false],
  ['a/+', 'a/b/c', false],
  ['#', '$SYS/a', false],
  ['$share/g/a/+', 'a/b', true],
])('%s and %s have topics in common: %s', (a, b, expected) => {
  expect(meet(a, b)).toBe(expected)
  expect(meet(b, a)).toBe(expected)
})

it('covers two filters that have topics in common with one', () => {
  expect(covering('a/+/c', 'a/b/+')).toBe('a/+/+')
  expect(covering('a/+', 'a/#')).toBe('a/#')
  expect(covering('+/b/#', 'a/+')).toBe('+/+/#')
  const level = fc.constantFrom('a', 'b', '+')
  const filter = fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '/#'))
    .map(([levels, end]) => levels.join('/') + end)
  fc.assert(
    fc.property(filter, filter, (a, b) => {
      fc.pre(meet(a, b))
      for (const one of [a, b]) expect(covers(covering(a, b), one)).toBe(true)
    }),
  )
})

describe('the broker is asked for', () => {
  const list = (wanted: readonly (readonly [string, 0 | 1])[], identified: boolean) => [
    ...filtersOf(
      wanted.map(([topic, qos]) => ({ topic, qos })),
      identified,
    ),
  ]

  it('each filter once, at the highest QoS', () => {
    const wanted = [
      ['hall/{asset}', 0],
      ['hall/+', 1],
      ['gate', 0],
    ] as const
    for (const identified of [true, false])
      expect(list(wanted, identified)).toEqual([
        ['hall/+', 1],
        ['gate', 0],
      ])
  })

  it('what another filter covers, only where it says which filter a message is for', () => {
    const wanted = [
      ['hall/#', 0],
      ['hall/{asset}/climate', 1],
    ] as const
    expect(list(wanted, true)).toEqual([
      ['hall/#', 0],
      ['hall/+/climate', 1],
    ])
    expect(list(wanted, false)).toEqual([['hall/#', 1]])
  })

  it('one QoS for filters that overlap, where copies must keep their order', () => {
    const wanted = [
      ['a/+/c', 0],
      ['a/b/+', 1],
      ['x', 0],
      ['$share/g/a/+/d', 0],
    ] as const
    expect(list(wanted, false).map(([, qos]) => qos)).toEqual([1, 1, 0, 0])
  })
})

it('finds what an older configuration left in the session', () => {
  expect(staleFilters(['a', 'b/#'], new Map([['b/#', 1]]))).toEqual(['a'])
})
