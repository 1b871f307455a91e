import { describe, expect, it, vi } from 'vitest'
import { formatBytes, printJson, table, version } from './common.ts'

describe('a table', () => {
  it.each([
    { name: 'nothing', rows: [], text: '' },
    {
      name: 'columns as wide as their widest cell',
      rows: [
        ['a', 'bb'],
        ['ccc', 'd'],
      ],
      text: 'a    bb\nccc  d',
    },
    { name: 'rows of different lengths', rows: [['a'], ['bb', 'c', 'd'], ['e', 'ff']], text: 'a\nbb  c   d\ne   ff' },
    {
      name: 'no space at the end of a line',
      rows: [
        ['a', ''],
        ['b', 'c'],
      ],
      text: 'a\nb  c',
    },
  ])('shows $name', ({ rows, text }) => {
    expect(table(rows)).toBe(text)
  })
})

describe('an amount of bytes', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [999, '999 B'],
    [1_000, '1.0 KB'],
    [1_536_000, '1.5 MB'],
    [999_949, '999.9 KB'],
    [2e9, '2.0 GB'],
    [5e12, '5.0 TB'],
    [5e15, '5000.0 TB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })
})

describe('JSON output', () => {
  it('is one line, with 64-bit integers as decimal text', () => {
    const log = vi.spyOn(console, 'log').mockReturnValue()
    printJson([{ value: 2n ** 63n, text: 'a\nb' }])
    expect(log.mock.calls).toEqual([['[{"value":"9223372036854775808","text":"a\\nb"}]']])
    log.mockRestore()
  })
})

it('has a version', () => {
  expect(version()).toMatch(/^\d+\.\d+\.\d+/)
})
