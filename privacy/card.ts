import { formatBytes } from '../core/option.ts'
import { type CardLanguage, say } from './card-text.ts'
import { type ColumnFacts, type DatasetFacts, deviationText, type PolicyFacts, withUnit } from './facts.ts'
import { PROFILES } from './profile.ts'

/** A policy on one page, in plain words of one language. */
export interface PolicyCard {
  readonly language: CardLanguage
  readonly title: string
  readonly sections: readonly CardSection[]
}

export interface CardSection {
  readonly title: string
  readonly items: readonly CardItem[]
}

/** A sentence, and what belongs under it. */
export interface CardItem {
  readonly text: string
  readonly under: readonly string[]
}

/** Signals that are named before the rest is counted. */
const NAMED = 12

/**
 * @param withheld the signals that no rule names
 * @param reader an `outsider` is shown no local name, and no hash by which one could be guessed; `inside` both are
 */
export function makeCard(
  facts: PolicyFacts,
  withheld: readonly string[],
  language: CardLanguage,
  reader: 'outsider' | 'inside' = 'outsider',
): PolicyCard {
  const { pool, profile } = facts
  const columns = facts.datasets.flatMap((dataset) => dataset.columns)
  const risks = columns.filter(({ accepted_risk }) => accepted_risk !== null)
  const bits = columns.reduce((sum, { bits_an_hour }) => sum + bits_an_hour, 0)
  const classes = [...new Set(facts.assets.map((asset) => asset.class))].join(', ')
  const rates = columns.filter(({ floor }) => floor !== null)
  return {
    language,
    title: say(language, 'title', { pool }),
    sections: [
      section(say(language, 'receivers'), [say(language, 'operator', { pool }), say(language, 'users')]),
      {
        title: say(language, 'leaves'),
        items: [
          ...facts.datasets.map((dataset) => datasetItem(dataset, facts.assets.length, language)),
          ...budgetItems(facts, language),
          { text: say(language, 'marks', { classes }), under: [] },
        ],
      },
      section(say(language, 'often'), [
        ...facts.datasets.map(({ dataset, cadence_ms, size_class }) =>
          say(language, 'cadence', {
            dataset,
            cadence: durationText(cadence_ms, language),
            size: formatBytes(size_class),
          }),
        ),
        say(language, 'bits', { bits: Math.ceil(bits).toLocaleString(language) }),
      ]),
      section(say(language, 'never'), [
        say(language, 'raw'),
        say(language, 'names'),
        say(language, 'people'),
        unlistedText(withheld, language, reader === 'inside'),
      ]),
      section(say(language, 'until'), [
        say(language, 'expires', { day: dayText(facts.expires, language) }),
        say(language, 'epochs', { days: facts.contract.epochs.map((day) => dayText(day, language)).join(', ') }),
      ]),
      section(
        say(language, 'risks'),
        risks.length === 0
          ? [say(language, 'no_risk', { profile })]
          : risks.map(({ dataset, column, accepted_risk }) =>
              say(language, 'risk', { column: `${dataset}.${column}`, profile, reason: accepted_risk! }),
            ),
      ),
      section(say(language, 'limits'), [
        say(language, 'traces'),
        say(language, 'volume'),
        ...columns
          .filter(({ stat }) => stat === 'delta')
          .map(({ dataset, column }) => say(language, 'counts', { column: `${dataset}.${column}` })),
        ...(rates.length > 0 ? [say(language, 'empty_rate')] : []),
        ...(rates.some(({ noise }) => noise !== null) ? [say(language, 'denominator')] : []),
      ]),
      section(say(language, 'identity'), identityTexts(facts, language, reader === 'inside')),
    ],
  }
}

function section(title: string, texts: readonly string[]): CardSection {
  return { title, items: texts.map((text) => ({ text, under: [] })) }
}

function datasetItem({ dataset, slot_ms, columns }: DatasetFacts, assets: number, language: CardLanguage): CardItem {
  return {
    text: say(language, 'dataset', { dataset, assets, slot: durationText(slot_ms, language) }),
    under: columns.map((column) => columnText(column, language)),
  }
}

function columnText(facts: ColumnFacts, language: CardLanguage): string {
  const { meaning, column, range, step, unit, vocabulary, floor, noise } = facts
  const stat = say(language, `stat_${facts.stat}`)
  const window = durationText(facts.window_ms, language)
  const plain = unit === 'Cel' ? '°C' : unit
  const value = (text: string): string => withUnit(text, plain)
  return [
    range && step
      ? say(language, 'number', {
          ...{ meaning, column, stat, window },
          ...{ low: value(range[0]), high: value(range[1]), step: value(step) },
        })
      : say(language, 'category', { meaning, column, stat, window, words: (vocabulary ?? []).join(', ') }),
    ...(floor === null ? [] : [say(language, 'floor', { floor: floor.toLocaleString(language) })]),
    ...(noise === null ? [] : [say(language, 'noise', { sd: deviationText(noise, plain), epsilon: noise.epsilon })]),
  ].join(language === 'ja' ? '、' : ', ')
}

function budgetItems({ budget }: PolicyFacts, language: CardLanguage): readonly CardItem[] {
  if (!budget) return []
  const { epsilon, window_ms } = budget
  return [{ text: say(language, 'budget', { epsilon, window: durationText(window_ms, language) }), under: [] }]
}

function unlistedText(withheld: readonly string[], language: CardLanguage, isNamed: boolean): string {
  if (withheld.length === 0) return say(language, 'unlisted_none')
  if (!isNamed) return say(language, 'unlisted_count', { n: withheld.length })
  const names = withheld.slice(0, NAMED).join(', ')
  const more = withheld.length - NAMED
  const signals = more > 0 ? say(language, 'more', { names, n: more }) : names
  return say(language, 'unlisted', { n: withheld.length, signals })
}

function identityTexts(facts: PolicyFacts, language: CardLanguage, isNamed: boolean): readonly string[] {
  const { profile, hash, contract } = facts
  const { window, step_permille, delta_permille, rate_step, daily_epsilon } = PROFILES[profile]
  const percent = (permille: number): string => `${permille / 10} %`
  return [
    say(language, 'profile', { profile, window: durationText(window, language), percent: percent(step_permille) }),
    ...(daily_epsilon === null ? [] : [say(language, 'daily_epsilon', { epsilon: daily_epsilon })]),
    ...(rate_step === null ? [] : [say(language, 'rate_step', { step: rate_step })]),
    say(language, 'delta_step', { percent: percent(delta_permille) }),
    ...(isNamed ? [say(language, 'policy_hash', { hash })] : []),
    say(language, 'contract_hash', { hash: contract.sha256 }),
  ]
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
  ['millisecond', 1],
] as const

/** 3600000 → `1 hour`, `1시간`, `1 時間` */
function durationText(ms: number, language: CardLanguage): string {
  const [unit, size] = UNITS.find(([, each]) => ms >= each && ms % each === 0) ?? UNITS.at(-1)!
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(ms / size)
}

/** @param day `2028-12-31` */
function dayText(day: string, language: CardLanguage): string {
  return new Date(day).toLocaleDateString(language, { dateStyle: 'long', timeZone: 'UTC' })
}
