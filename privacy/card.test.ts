import { describe, expect, it } from 'vitest'
import { exampleFacts } from '../test/support/policy-facts.ts'
import { makeCard } from './card.ts'
import { CARD_LANGUAGES, CARD_TEXTS, say } from './card-text.ts'

const placeholders = (text: string): readonly string[] => (text.match(/\{\w+\}/g) ?? []).toSorted()
const everyText = Object.entries(CARD_TEXTS).flatMap(([key, texts]) =>
  CARD_LANGUAGES.map((language) => ({ key, language, text: texts[language], english: texts.en })),
)

describe('the texts of the policy card', () => {
  it('are there in every language, with the same placeholders', () => {
    const uneven = everyText.filter(
      ({ text, english }) => text.trim() === '' || `${placeholders(text)}` !== `${placeholders(english)}`,
    )
    expect(uneven).toEqual([])
  })

  it('are written in the script of their language', () => {
    const script = {
      en: /^[\x20-\x7e]+$/,
      ko: /\p{Script=Hangul}/u,
      ja: /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u,
    }
    expect(everyText.filter(({ text, language }) => !script[language].test(text))).toEqual([])
    expect(everyText.filter(({ text, language }) => language === 'ja' && /\p{Script=Hangul}/u.test(text))).toEqual([])
  })

  it('promise nobody that he cannot be recognised', () => {
    expect(everyText.filter(({ text }) => /anonym|익명|匿名/i.test(text))).toEqual([])
  })

  it('need all their placeholders', () => {
    expect(say('en', 'more', { names: 'a, b', n: 3 })).toBe('a, b and 3 more')
    // @ts-expect-error n is missing
    say('en', 'more', { names: 'a' })
    // @ts-expect-error there is no such placeholder
    say('en', 'raw', { names: 'a' })
  })
})

describe.each(CARD_LANGUAGES)('the policy card in %s', (language) => {
  const facts = exampleFacts()
  const withheld = ['press-7/state', '압착기/전력']
  const card = makeCard(facts, withheld, language, 'inside')
  const lines = card.sections.flatMap(({ items }) => items.flatMap(({ text, under }) => [text, ...under]))
  const text = [card.title, ...lines].join('\n')

  it('names every column with its figures, the risk with its reason, and what stays inside', () => {
    for (const { column, step, range } of facts.datasets.flatMap(({ columns }) => columns)) {
      const line = lines.find((one) => new RegExp(`[(（]${column}[)）]`).test(one)) ?? ''
      expect([column, line.includes(step ?? ''), line.includes(range?.[1] ?? '')]).toEqual([column, true, true])
    }
    for (const told of [
      'agreed on 2026-10-01',
      'press-7/state, 압착기/전력',
      facts.hash,
      facts.contract.sha256,
      '2028',
    ])
      expect(text).toContain(told)
  })

  it('names to outsiders neither signals nor the hash of the policy', () => {
    const shown = JSON.stringify(makeCard(facts, withheld, language))
    for (const local of [...withheld, facts.hash]) expect(shown).not.toContain(local)
    for (const told of [say(language, 'unlisted_count', { n: 2 }), facts.contract.sha256]) expect(shown).toContain(told)
  })

  it('says of every dataset that the moment of sending may tell something', () => {
    const said = { en: 'falls silent', ko: '침묵', ja: '沈黙' }[language]
    expect(lines.filter((line) => line.includes(said))).toHaveLength(facts.datasets.length)
  })

  it('leaves no placeholder', () => expect(text).not.toMatch(/[{}]|undefined|null|NaN/))

  it('has the same parts in every language', () =>
    expect(card.sections.map(({ items }) => items.length)).toEqual(
      makeCard(facts, withheld, 'en', 'inside').sections.map(({ items }) => items.length),
    ))
})
