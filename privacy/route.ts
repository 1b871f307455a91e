import { QUALITY_CODES, qualityOf } from '../core/quality.ts'
import { FORM_BIGINT, FORM_BOOL, FORM_NUMBER, FORM_TEXT, type ReadingBlock } from '../core/reading-block.ts'
import type { SignalSpec } from '../core/signal.ts'
import { unitConversion } from '../core/unit.ts'
import type { Intake, OpenDataset } from './series.ts'

/** How readings of one dictionary signal come to one input of a series. */
export interface Route {
  readonly intake: Intake
  readonly kind: 'measure' | 'truth' | 'count' | 'category' | 'unusable'
  /** to the column's unit: value × factor + offset; of a truth that is the one in question: factor */
  readonly factor: number
  readonly offset: number
  readonly labels: Readonly<Record<string, string>> | undefined
  /** word of the vocabulary → its index; all other texts have the one after the last */
  readonly words: ReadonlyMap<string, number>
  /** ms between readings that are due, 0 where not periodic */
  readonly every: number
  /** thinned, the readings give what a longer period would have given; else what is gone may have been what counts */
  readonly isSampled: boolean
}

/** Statistics that every n-th reading of a periodic signal gives as well. */
const SAMPLED: readonly string[] = ['mean', 'last', 'share_true', 'share_false']

const NONE: readonly Route[] = []

/** Finds the routes of a dictionary index; asked once an index, for its row never changes. */
export function makeRoutes(
  datasets: readonly OpenDataset[],
  signalOf: (index: number) => SignalSpec,
): (index: number) => readonly Route[] {
  const byId = new Map<string, Intake[]>()
  for (const intake of datasets.flatMap((dataset) => dataset.series.flatMap((series) => series.intakes)))
    byId.set(intake.id, [...(byId.get(intake.id) ?? []), intake])
  const routes: (readonly Route[] | undefined)[] = []
  return (index) => {
    const known = routes[index]
    if (known) return known
    const signal = signalOf(index)
    const intakes = byId.get(signal.id)
    const made = intakes ? intakes.map((intake) => makeRoute(intake, signal)) : NONE
    routes[index] = made
    return made
  }
}

function makeRoute(intake: Intake, { type, unit = '1', labels, cadence }: SignalSpec): Route {
  const { column, weighing } = intake.series
  const every = cadence.kind === 'periodic' ? cadence.every : 0
  const isSampled =
    every > 0 && !column.noise && weighing.hold === 0 && column.kind === 'number' && SAMPLED.includes(column.stat)
  const vocabulary = column.kind === 'category' ? column.vocabulary : []
  const words = new Map(vocabulary.map((word, i) => [word, i]))
  const route = { intake, factor: 1, offset: 0, labels, words, every, isSampled }
  if (column.kind === 'category') return { ...route, kind: 'category' }
  const isShare = column.stat === 'share_true' || column.stat === 'share_false'
  const conversion = isShare
    ? unitConversion('1', column.unit)
    : unitConversion(unit, column.stat === 'rate' ? '1' : column.unit)
  // Only a broker's wildcard can bring such a signal: the compiler refuses those it knows.
  const isFit = isShare ? type === 'bool' : type !== 'bool' && type !== 'string'
  if (!conversion || !isFit) return { ...route, kind: 'unusable' }
  // One part would count for more than its noise hides.
  if (column.noise && column.stat === 'rate' && conversion.factor !== 1) return { ...route, kind: 'unusable' }
  if (isShare) return { ...route, ...conversion, kind: 'truth' }
  return { ...route, ...conversion, kind: intake.series.counts ? 'count' : 'measure' }
}

/** What a column makes of reading i: a number in its unit, the index of a word, or NaN where it can use neither. */
export function usableValue(route: Route, block: ReadingBlock, i: number): number {
  const form = block.forms[i]
  const v = block.values[i]!
  switch (route.kind) {
    case 'measure':
    case 'count': {
      const raw = form === FORM_NUMBER ? v : form === FORM_BIGINT ? Number(block.texts[v]) : Number.NaN
      const x = raw * route.factor + route.offset
      return Number.isFinite(x) ? x : Number.NaN
    }
    case 'truth': {
      if (form !== FORM_BOOL) return Number.NaN
      const isIt = (v !== 0) === (route.intake.series.column.stat === 'share_true')
      return isIt ? route.factor : 0
    }
    case 'category': {
      const text = categoryText(route, form, v, block)
      return text === undefined ? Number.NaN : (route.words.get(text) ?? route.words.size)
    }
    case 'unusable':
      return Number.NaN
  }
}

function categoryText(
  { labels }: Route,
  form: number | undefined,
  v: number,
  { texts }: ReadingBlock,
): string | undefined {
  const written =
    form === FORM_NUMBER
      ? String(v)
      : form === FORM_BOOL
        ? String(v !== 0)
        : form === FORM_TEXT || form === FORM_BIGINT
          ? texts[v]
          : undefined
  return written !== undefined && labels && Object.hasOwn(labels, written) ? labels[written] : written
}

export const USED = 0
export const UNCERTAIN = 1
export const LEFT_OUT = 2

/** Quality byte → used, used and marked, or left out; a byte of a newer version is left out. */
export const USE: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  if (code >= QUALITY_CODES.length) return LEFT_OUT
  const { quality } = qualityOf(code)
  return quality === 'good' ? USED : quality === 'uncertain' ? UNCERTAIN : LEFT_OUT
})
