import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { makeCard } from '../../privacy/card.ts'
import { CARD_LANGUAGES } from '../../privacy/card-text.ts'
import { exampleFacts } from '../../test/support/policy-facts.ts'
import { html, jsonScript } from './html.ts'
import { renderPage } from './page.ts'
import type { PoolPreview } from './view.ts'

/** What a device, a broker or another company could call something. */
const HOSTILE = `x"><img src=x onerror=alert(1)>'</script><script>alert(2)</script><!--`

const facts = exampleFacts()
const column = { ...facts.datasets[0]!.columns[0]!, meaning: HOSTILE, accepted_risk: HOSTILE }
const pool: PoolPreview = {
  pool: HOSTILE,
  gate: 'open',
  facts: { ...facts, datasets: [{ ...facts.datasets[0]!, columns: [column] }] },
  signals: [{ signal: HOSTILE, becomes: [], withheld: HOSTILE }],
  cards: CARD_LANGUAGES.map((language) => makeCard(facts, [HOSTILE], language)),
  recent: {
    ...{ from: 0, until: 3_600_000, readings: 10, damaged: 1 },
    accounts: { accepted: 10, pending: 1, disclosed: 4, withheld: { [HOSTILE]: 5 }, evicted: {} },
    charts: [
      {
        ...{ dataset: 'stream', column: 'oil', stat: 'mean', assets: [HOSTILE], signals: [HOSTILE], unit: 'Cel' },
        ...{ window: 60_000, slot: 60_000, vocabulary: [HOSTILE], apart: false, readings: 2, first: 0 },
        ...{ raw: [{ at: [0, 1], low: [1, null], high: [2, null] }], cells: [1, null], q: [0, 2] },
        marks: { degraded: 0, missing: 1, clipped: 0 },
      },
    ],
    batches: [
      {
        ...{ dataset: HOSTILE, size: 65_536, whole: false },
        file: {
          ...{ sha256: '', signature: '', key: '', rows: 20 },
          manifest: { ...JSON.parse('{}'), pool: HOSTILE, pad_bytes: 1 },
          columns: [{ name: HOSTILE, type: 'UTF8', nulls: 0 }],
          first: [{ [HOSTILE]: HOSTILE }],
        },
      },
    ],
  },
}
const page = renderPage([pool, { pool: HOSTILE, gate: 'shut', reason: HOSTILE }], 0)
const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text]) => text!)
const styles = [...page.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, text]) => text!)
/** The page without what was inlined. */
const markup = page.replace(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/g, '')

describe('the page', () => {
  it('escapes whatever it was given', () => {
    expect(scripts).toHaveLength(2)
    expect(markup).not.toMatch(/<img|<script|<!--|onerror=alert\(1\)>/)
    expect(markup).toContain('x&quot;&gt;&lt;img src=x onerror=alert(1)&gt;&#39;&lt;/script&gt;')
  })

  it('is well formed', () => {
    const open: string[] = []
    for (const [, slash, name, attributes] of markup.matchAll(
      /<(\/?)([a-z0-9]+)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>/g,
    )) {
      if (['meta', 'input'].includes(name!)) continue
      if (slash) expect([name, open.pop()]).toEqual([name, name])
      else open.push(name!)
      expect(attributes).not.toMatch(/\son\w+="/)
    }
    expect(open).toEqual([])
    // every "<" was a tag that the expression above knows
    expect(markup.match(/</g)).toHaveLength(
      [...markup.matchAll(/<(\/?)([a-z0-9]+)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>/g)].length + 1, // the doctype
    )
  })

  it('lets nothing run or load but what is in it', () => {
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page) ?? []
    const hash = (text: string) => `&#39;sha256-${createHash('sha256').update(text).digest('base64')}&#39;`
    expect(policy).toBe(
      `default-src &#39;none&#39;; script-src ${scripts.map(hash).join(' ')}; style-src ${styles.map(hash).join(' ')}; base-uri &#39;none&#39;; form-action &#39;none&#39;`,
    )
    expect(markup).not.toMatch(/\b(src|href|action|srcset|poster|style)=(?!x onerror)/)
    expect(styles.join()).not.toMatch(/url\(|@import/)
    expect(scripts[1]).not.toMatch(/fetch\(|XMLHttpRequest|import\(|innerHTML|https?:/)
  })

  it('holds its data as JSON that no name can leave', () => {
    const [, text] = /<script type="application\/json" id="data">([\s\S]*?)<\/script>/.exec(page) ?? []
    expect(JSON.parse(text!)).toMatchObject([{ signals: [HOSTILE], cells: [1, null], raw: [{ low: [1, null] }] }])
    expect(jsonScript('a', '</script>').html).not.toMatch(/<\/script>.+<\/script>/)
  })

  it('has the card in three languages, of which one is shown', () => {
    const cards = [...markup.matchAll(/<section class="card" lang="(\w\w)"( hidden)?>/g)].map(([, lang, hidden]) => [
      lang,
      hidden !== undefined,
    ])
    expect(cards).toEqual([
      ['en', false],
      ['ko', true],
      ['ja', true],
    ])
  })
})

it('html escapes texts and attributes, and keeps what is HTML', () =>
  expect(html`<a title="${'"<'}">${'&'}${html`<b>${1}</b>`}${[html`<i></i>`, 'x']}${null}</a>`.html).toBe(
    '<a title="&quot;&lt;">&amp;<b>1</b><i></i>x</a>',
  ))
