import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { doubles, formsOf } from './forms.ts'

const canary = { what: 'gateway', text: 'Hall-2.qzx7' }
const has = (haystack: string | Buffer): readonly string[] =>
  formsOf(canary)
    .filter(({ bytes }) => Buffer.from(haystack as string).includes(bytes))
    .map(({ name }) => name)

describe('the forms of a canary', () => {
  it('are found in base64 and base64url of any text that holds it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.constantFrom('base64', 'base64url'), (before, after, encoding) => {
        const text = Buffer.from(before + canary.text + after).toString(encoding as 'base64')
        expect(has(text)).toEqual([expect.stringMatching(/^plain base64/)])
      }),
    )
  })

  it.each([
    ['plain', `say ${canary.text}!`],
    ['upper', canary.text.toUpperCase()],
    ['lower', canary.text.toLowerCase()],
    ['utf16', Buffer.from(canary.text, 'utf16le')],
    ['reversed', '7xzq.2-llaH'],
    ['plain hex', Buffer.from(canary.text).toString('hex')],
    ['sha256', createHash('sha256').update(canary.text).digest()],
    ['md5 hex', createHash('md5').update(canary.text).digest('hex')],
    ['sha1 base64+0', createHash('sha1').update(canary.text).digest('base64')],
  ])('%s', (name, haystack) => {
    expect(has(haystack)).toContain(name)
  })

  it('of a number are its double too', () => {
    const forms = formsOf({ what: 'value', text: '73.18462917', value: 73.18462917 })
    expect(forms.filter((form) => form.bytes.equals(doubles([73.18462917])))).toHaveLength(1)
  })

  it('are refused where one would be met by chance', () => {
    expect(() => formsOf({ what: 'unit id', text: '17' })).toThrow(/by chance/)
  })
})
