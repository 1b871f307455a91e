import { makeCard, type PolicyCard } from '../../privacy/card.ts'
import type { CardLanguage } from '../../privacy/card-text.ts'
import { printJson } from './common.ts'
import { factsOf, openPolicies, type PolicyOptions } from './policy-files.ts'
import { explainSignals } from './policy-signals.ts'

export interface CardOptions extends PolicyOptions {
  readonly lang: CardLanguage
  /** for readers inside the plant: with the names of signals, and the hash of the policy */
  readonly names?: boolean
}

/** `sluice policy card`: the policy of each pool on one page, in plain words. */
export function showCard(options: CardOptions): void {
  const { loaded, policies } = openPolicies(options, 'look')
  const cards = policies.flatMap((one) => {
    const read = factsOf(one)
    if (!read) return []
    const inside = explainSignals(read.plan, loaded).filter(({ withheld }) => withheld !== null)
    return [
      makeCard(
        read.facts,
        inside.map(({ signal }) => signal),
        options.lang,
        options.names ? 'inside' : 'outsider',
      ),
    ]
  })
  if (options.json) printJson(cards)
  else console.log(cards.map(renderCard).join('\n\n'))
}

function renderCard({ title, sections }: PolicyCard): string {
  const lines = sections.flatMap((section) => [
    '',
    section.title,
    ...section.items.flatMap(({ text, under }) => [`  - ${text}`, ...under.map((one) => `      ${one}`)]),
  ])
  return [title, ...lines].join('\n')
}
