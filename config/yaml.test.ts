import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderProblems } from './problem.ts'
import { readYaml } from './yaml.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

describe('readYaml', () => {
  it.each([
    // `# 유압` and `# 油圧` after a good first line
    ['CP949', '613a 310a 2320 c0af bed0 0a', '2:3: byte 0xC0 is not UTF-8; the file looks like CP949', '# 유압'],
    [
      'SHIFT_JIS',
      '613a 310a 2320 96fb 88b3 0a',
      '2:3: byte 0x96 is not UTF-8; the file looks like SHIFT_JIS',
      '# 油圧',
    ],
    ['SHIFT_JIS', '2383 7683 8c83 580d 0a', '1:2: byte 0x83 is not UTF-8; the file looks like SHIFT_JIS', '#プレス'],
  ])('names %s bytes, their place and the command that mends it', (encoding, bytes, said, shown) => {
    const { document, problems } = readYaml(hex(bytes), 'sluice.yaml')
    expect(document).toBeUndefined()
    expect(renderProblems(problems)).toContain(`sluice.yaml:${said}`)
    expect(problems[0]).toMatchObject({
      source: shown,
      hint: `save it as UTF-8: iconv -f ${encoding} -t UTF-8 sluice.yaml > sluice.yaml.utf8`,
    })
  })

  it.each([
    ['fffe 6100', 'the file is UTF-16, not UTF-8'],
    ['feff 0061', 'the file is UTF-16, not UTF-8'],
    ['61ff', 'byte 0xFF is not UTF-8'],
    ['6100', 'the file holds NUL bytes: it is not text'],
  ])('refuses the bytes %s', (bytes, message) => {
    expect(readYaml(hex(bytes), 'f').problems).toMatchObject([{ message }])
  })

  it('drops a byte order mark without moving columns', () => {
    const { document } = readYaml(utf8('\ufeffa: 1\n'), 'f')
    expect(document?.value).toEqual({ a: 1 })
    expect(document?.locate([{ path: ['a'], message: 'm' }])).toMatchObject([{ line: 1, column: 4 }])
  })

  it.each([
    ['a comment', '# 설명： １２　“x”\na: 1\n'],
    ['quoted text', 'a: "정지： （１２）　“x”"\nb: \'，\'\n'],
    ['text of a value', 'a: 油温：平均、最大\nb: 第１号機\nc: x　y\n'],
    ['a block of text', 'a: |\n  油温：\n  　１２\n'],
    ['a name', 'プレス１号: 1\n'],
  ])('leaves full-width characters alone in %s', (_, text) => {
    expect(readYaml(utf8(text), 'f').problems).toEqual([])
  })

  it('counts columns in characters and sets the caret by display width', () => {
    const { document } = readYaml(utf8('{ 프레스: 가나, é: 1 }\n'), 'f')
    const problems = document!.locate([{ path: ['é'], message: 'm' }])
    expect(problems).toMatchObject([{ line: 1, column: 15 }])
    const [, line, caret] = renderProblems(problems).split('\n')
    expect(line).toBe('    1 | { 프레스: 가나, é: 1 }')
    expect(caret).toBe(`${' '.repeat('    1 | { ......: ...., e: '.length)}^`)
  })

  it('points at the key of what is empty, a mapping or missing', () => {
    const { document } = readYaml(utf8('a:\n  b:\n  c: { d: 1 }\n  e: [1, 2]\n'), 'f')
    const at = (...path: (string | number)[]) => {
      const [p] = document!.locate([{ path, message: 'm' }])
      return `${p?.line}:${p?.column}`
    }
    expect([at(), at('a'), at('a', 'b'), at('a', 'c'), at('a', 'c', 'd'), at('a', 'c', 'x'), at('a', 'e', 1)]).toEqual([
      '1:1',
      '1:1',
      '2:3',
      '3:3',
      '3:11',
      '3:3',
      '4:10',
    ])
  })

  it('repeats an anchor where its alias stands', () => {
    const { document } = readYaml(utf8('a: &x { b: 1 }\nc: *x\n'), 'f')
    expect(document?.value).toEqual({ a: { b: 1 }, c: { b: 1 } })
    expect(document?.locate([{ path: ['c', 'b'], message: 'm' }])).toMatchObject([{ line: 1, column: 12 }])
  })

  it('never throws, and places every problem within the text', () => {
    const bits = [
      'a',
      '：',
      ' ',
      '\n',
      '\t',
      '- ',
      ': ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '#',
      '&x',
      '*x',
      '　',
      '１',
      '|',
      '\r\n',
      '?',
      '!',
      '%',
      ',',
      '가',
    ]
    const text = fc.array(fc.constantFrom(...bits), { maxLength: 30 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, (t) => {
        const { problems } = readYaml(utf8(t), 'f')
        for (const p of problems) {
          expect(p.line).toBeLessThanOrEqual(t.split('\n').length)
          expect(p.column).toBeLessThanOrEqual([...(p.source ?? '')].length + 1)
        }
        renderProblems(problems)
      }),
      { numRuns: 2000 },
    )
  })
})
