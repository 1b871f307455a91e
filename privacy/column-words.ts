import { formatDuration } from '../core/option.ts'
import type { SignalSpec } from '../core/signal.ts'
import { unitConversion } from '../core/unit.ts'
import { say } from './card-text.ts'
import { type ColumnFacts, deviationText, withUnit } from './facts.ts'

/** How a column comes about and what it tells, in words, for the data steward. */
export interface ColumnWords {
  /** what happens to readings until they are a cell, in this order (PRIVACY.md, Order of operations) */
  readonly steps: readonly { readonly step: string; readonly text: string }[]
  /** what the profile asks for, and what the column has */
  readonly floors: readonly {
    readonly what: string
    readonly is: string
    readonly least: string
    readonly met: boolean
  }[]
  readonly can: readonly string[]
  readonly cannot: readonly string[]
}

type Stat = ColumnFacts['stat']

const STATISTICS: Readonly<Record<Stat, string>> = {
  mean: 'the mean of all readings of the window',
  min: 'the lowest reading of the window',
  max: 'the highest reading of the window',
  last: 'the latest reading of the window',
  rate: 'what the first counter counted ÷ what the second did, each from its last reading of the window before on',
  std: 'the standard deviation of the readings of the window',
  share_true: 'the share of the window in which the signal was true',
  share_false: 'the share of the window in which the signal was false',
  mode: 'the value that the window held most',
  delta: 'what the counter counted in the window',
}

/** What the noise is added to, where that is another thing (`exact-cell.ts`). */
const NOISED: Readonly<Partial<Record<Stat, string>>> = {
  mean: 'the mean of as many readings as are due in the window: missing ones stand in the middle of the range, those beyond are left out',
  rate: 'what the first counter counted forward (its steps back count nothing) ÷ what the second counted (a step back is a reset), each from its last reading of the window before on',
  share_true:
    'the share of the readings due in the window that were true: missing ones count half, those beyond are left out',
  share_false:
    'the share of the readings due in the window that were false: missing ones count half, those beyond are left out',
}

/** Statistics of which the result is clamped; of the others each reading is, before. */
const CLAMPED_AFTER: readonly Stat[] = ['rate', 'delta', 'share_true', 'share_false', 'std']

/** Statistics that are one of the readings. */
const SINGLE: readonly Stat[] = ['min', 'max', 'last', 'mode']

/** Explains a column. @param signalOf the row of a signal, or nothing where only a broker's wildcard can bring it */
export function explainColumn(column: ColumnFacts, signalOf: (id: string) => SignalSpec | undefined): ColumnWords {
  const window = formatDuration(column.window_ms)
  const statistic = { step: 'statistic', text: `${statisticText(column)}${floorText(column)}` }
  const clamp = clampStep(column)
  const middle = CLAMPED_AFTER.includes(column.stat) ? [statistic, ...clamp] : [...clamp, statistic]
  return {
    steps: [
      { step: 'quality', text: 'bad and late readings, and those of a clock that was not trusted, are left out' },
      ...unitSteps(column, signalOf),
      { step: 'window', text: `${window}, aligned to UTC; a value is computed once, when the window is closed` },
      ...middle,
      ...gridSteps(column),
      {
        step: 'row',
        text: `slot, pseudonym of the asset, class of the asset, the value, and a mark: ${column.noise ? 'ok, degraded or missing' : 'ok, degraded, missing or clipped'}`,
      },
    ],
    floors: floorsOf(column),
    can: canLearn(column),
    cannot: cannotLearn(column),
  }
}

function statisticText({ stat, wrap, noise }: ColumnFacts): string {
  const noised = noise && NOISED[stat]
  if (noised) return noised
  if (stat !== 'rate' && stat !== 'delta') return STATISTICS[stat]
  return `${STATISTICS[stat]}; ${wrap === null ? 'a step back is a reset' : `after a step back it goes on from ${wrap}`}`
}

function floorText({ floor }: ColumnFacts): string {
  return floor === null ? '' : `; null where the second counted less than ${floor}`
}

function unitSteps(column: ColumnFacts, signalOf: (id: string) => SignalSpec | undefined): ColumnWords['steps'] {
  if (column.kind === 'category') {
    const text = 'numbers become the labels that the configuration gives them'
    return [{ step: 'labels', text }]
  }
  if (column.stat === 'share_true' || column.stat === 'share_false')
    return [{ step: 'unit', text: `a truth is all or nothing, given in ${column.unit}` }]
  const to = column.stat === 'rate' ? '1' : column.unit!
  const units = [...new Set(column.sources.flatMap(({ signals }) => signals))].map((id) => signalOf(id)?.unit)
  return [...new Set(units)].map((from) => ({ step: 'unit', text: unitText(from, to) }))
}

/** @param from undefined where a broker's wildcard brings the signal, or it has no unit */
function unitText(from: string | undefined, to: string): string {
  if (from === undefined) return `to ${to}, from the unit that the signal has when it comes`
  const { factor, offset } = unitConversion(from, to) ?? { factor: 1, offset: 0 }
  if (factor === 1 && offset === 0) return `${from}, taken as it is`
  const shift = offset === 0 ? '' : offset > 0 ? ` + ${offset}` : ` − ${-offset}`
  return `from ${from} to ${to}: × ${factor}${shift}`
}

function clampStep({ kind, range, unit, stat, vocabulary, noise }: ColumnFacts): ColumnWords['steps'] {
  if (kind === 'category')
    return [{ step: 'vocabulary', text: `only ${vocabulary!.join(', ')}; anything else becomes null` }]
  const what = CLAMPED_AFTER.includes(stat) ? 'the result' : 'each reading'
  const mark = noise ? 'without a mark' : 'what lay beyond is marked clipped'
  return [{ step: 'clamp', text: `${what} to ${range![0]} … ${withUnit(range![1], unit)}; ${mark}` }]
}

function gridSteps({ range, step, unit, noise }: ColumnFacts): ColumnWords['steps'] {
  if (!range || !step) return []
  const grid = `to the nearest of the values ${range[0]} + k × ${withUnit(step, unit)}; a middle goes up`
  const drawn = noise
    ? `discrete Laplace, epsilon ${noise.epsilon}, sensitivity ${noise.sensitivity} steps: standard deviation ${deviationText(noise, unit)}; not clamped again`
    : 'none'
  return [
    { step: 'grid', text: grid },
    { step: 'noise', text: drawn },
  ]
}

function floorsOf({ window_ms, step, unit, least }: ColumnFacts): ColumnWords['floors'] {
  const window = { what: 'window', is: formatDuration(window_ms), least: formatDuration(least.window_ms) }
  const floors = [{ ...window, met: window_ms >= least.window_ms }]
  if (step === null || least.step === null) return floors
  const met = Number(step) >= Number(least.step)
  return [...floors, { what: 'step', is: withUnit(step, unit), least: withUnit(least.step, unit), met }]
}

/** The readers are those of the table in PRIVACY.md, *Against whom*. */
function canLearn(column: ColumnFacts): readonly string[] {
  const { stat, step, unit, window_ms, range, floor, noise } = column
  const exactness =
    range === null ? '' : `, to within half a step of ${withUnit(step!, unit)}${noise ? ', blurred by the noise' : ''}`
  return [
    `of each pseudonym, for each ${formatDuration(window_ms)}: ${say('en', `stat_${stat}`)}${exactness}`,
    ...(SINGLE.includes(stat)
      ? [`so one reading of the window, as far as clamp, step${noise ? ' and noise' : ''} leave it`]
      : []),
    ...(range === null || noise
      ? []
      : [`that a value was beyond ${range[0]} or ${withUnit(range[1], unit)}, not by how much`]),
    ...(floor === null ? [] : [`that fewer than ${floor} parts were counted, where the value is null`]),
    'in which windows there were no usable readings',
    'that rows of one epoch are of the same asset; who holds a piece of the raw trace may find it again in the rows',
    'the operator of the pool also learns which plant it is: the plant has an account there',
  ]
}

/** Claims no more than PRIVACY.md, *Against whom*. */
function cannotLearn({ range, step, unit, floor }: ColumnFacts): readonly string[] {
  return [
    'the readings themselves: they stay inside, and of a window this one value leaves in this column',
    ...(range === null ? [] : [`differences smaller than a step of ${withUnit(step!, unit)}`]),
    ...(floor === null
      ? []
      : [
          'the two counts: they are in no row; how far they can be reckoned back from the ratio is measured (A7), not promised',
        ]),
    'the names of plant, machine, signal, source, gateway, address or topic: they are in no file',
  ]
}
