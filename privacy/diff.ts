import { compareDecimal, parseDecimal } from '../core/decimal.ts'
import { formatBytes, formatDuration } from '../core/option.ts'
import { type ColumnFacts, type DatasetFacts, deviationText, type PolicyFacts, withUnit } from './facts.ts'
import { PROFILE_NAMES } from './schema.ts'

/**
 * One difference between two policies. `looser`: more may be learnt, or by more, or for longer. `tighter`: less.
 * `changed`: it is another thing, and no order says which tells more.
 */
export interface Change {
  readonly kind: 'looser' | 'tighter' | 'changed'
  /** `policy`, `assets.press-7`, `press-hourly`, `press-hourly.defect_rate` */
  readonly where: string
  /** what differs, such as `step` */
  readonly what: string
  /** as it was and is; null where there was or is none */
  readonly before: string | null
  readonly after: string | null
}

type Kind = Change['kind']
type Told = Omit<Change, 'where'>

/** What `after` changes about `before`, part by part; nothing where they mean the same. */
export function comparePolicies(before: PolicyFacts, after: PolicyFacts): readonly Change[] {
  return [
    ...at('policy', headChanges(before, after)),
    ...pairs(before.assets, after.assets, ({ asset }) => asset).flatMap(([asset, was, is]) =>
      at(`assets.${asset}`, [
        ...came('rows', was?.class, is?.class),
        ...both(was, is, (a, b) => [
          ...differs('class', a.class, b.class),
          ...differs('cycle_time', ms(a.cycle_time_ms), ms(b.cycle_time_ms)),
        ]),
      ]),
    ),
    ...pairs(before.datasets, after.datasets, ({ dataset }) => dataset).flatMap(([name, was, is]) => [
      ...at(name, [...came('dataset', was?.kind, is?.kind), ...both(was, is, datasetChanges)]),
      ...pairs(was?.columns ?? [], is?.columns ?? [], ({ column }) => column).flatMap(([column, old, now]) =>
        at(`${name}.${column}`, [
          ...came('column', old && columnText(old), now && columnText(now)),
          ...both(old, now, columnChanges),
        ]),
      ),
    ]),
  ]
}

function headChanges(was: PolicyFacts, is: PolicyFacts): readonly Told[] {
  const strictness = PROFILE_NAMES.indexOf(is.profile) - PROFILE_NAMES.indexOf(was.profile)
  return [
    ...differs('pool', was.pool, is.pool),
    ...ordered('profile', was.profile, is.profile, strictness),
    ...ordered('expires', was.expires, is.expires, was.expires < is.expires ? 1 : -1),
    ...differs('contract', was.contract.sha256, is.contract.sha256),
    ...budgetChanges(was.budget, is.budget),
    ...differs('epochs', was.contract.epochs.join(', '), is.contract.epochs.join(', ')),
  ]
}

/** More in as long a span, or as much in a shorter one, is looser. */
function budgetChanges(was: PolicyFacts['budget'], is: PolicyFacts['budget']): readonly Told[] {
  const text = (budget: PolicyFacts['budget']): string | null =>
    budget && `epsilon ${budget.epsilon} in any ${formatDuration(budget.window_ms)}`
  if (!was || !is) return came('budget', text(was), text(is), 'tighter')
  const looser = compareText(is.epsilon, was.epsilon) > 0 || is.window_ms < was.window_ms
  const same = compareText(is.epsilon, was.epsilon) === 0 && is.window_ms === was.window_ms
  return same ? [] : ordered('budget', text(was), text(is), looser ? 1 : -1)
}

function datasetChanges(was: DatasetFacts, is: DatasetFacts): readonly Told[] {
  return [
    ...differs('kind', was.kind, is.kind),
    ...differs('slot', ms(was.slot_ms), ms(is.slot_ms)),
    ...differs('cadence', ms(was.cadence_ms), ms(is.cadence_ms)),
    ...differs('size class', formatBytes(was.size_class), formatBytes(is.size_class)),
  ]
}

function columnChanges(was: ColumnFacts, is: ColumnFacts): readonly Told[] {
  return [
    ...differs('kind', was.kind, is.kind),
    ...differs('statistic', was.stat, is.stat),
    ...ordered('window', ms(was.window_ms), ms(is.window_ms), was.window_ms - is.window_ms),
    ...(was.unit === is.unit ? gridChanges(was, is) : differs('unit', unitText(was), unitText(is))),
    ...ordered('floor', numberText(was.floor), numberText(is.floor), (was.floor ?? 0) - (is.floor ?? 0)),
    ...differs('wrap', numberText(was.wrap), numberText(is.wrap)),
    ...noiseChanges(was, is),
    ...names('vocabulary', was.vocabulary ?? [], is.vocabulary ?? []),
    ...sourceChanges(was, is),
    ...riskChanges(was.accepted_risk, is.accepted_risk),
  ]
}

/** Range and step in one unit. */
function gridChanges(was: ColumnFacts, is: ColumnFacts): readonly Told[] {
  if (!was.range || !is.range || !was.step || !is.step) return []
  const low = compareText(was.range[0], is.range[0])
  const high = compareText(is.range[1], was.range[1])
  // Beyond the range only "beyond" is told, so that a bound that moves out shows values that were hidden.
  const wider = low > 0 || high > 0
  const range = ordered('range', rangeText(was), rangeText(is), wider ? 1 : -1)
  const step = ordered('step', stepText(was), stepText(is), compareText(was.step, is.step))
  return [...range, ...step]
}

/** How wide it is follows from epsilon and from what is told of the rest. */
function noiseChanges(was: ColumnFacts, is: ColumnFacts): readonly Told[] {
  if (!was.noise || !is.noise) return came('noise', noiseText(was), noiseText(is), 'tighter')
  const loosening = compareText(is.noise.epsilon, was.noise.epsilon)
  return loosening === 0 ? [] : ordered('noise', noiseText(was), noiseText(is), loosening)
}

/** Of the assets that both list: signals that begin to feed the column, and those that do no more. */
function sourceChanges(was: ColumnFacts, is: ColumnFacts): readonly Told[] {
  const shared = pairs(was.sources, is.sources, ({ asset }) => asset).flatMap(([asset, a, b]) =>
    a && b ? [{ asset, before: a.signals, after: b.signals }] : [],
  )
  const moved = shared.filter(({ before, after }) => before.join(' ') !== after.join(' '))
  return moved.flatMap(({ asset, before, after }) => {
    const told = names(`source of ${asset}`, before, after)
    return told.length > 0 ? told : differs(`source of ${asset}`, before.join(' ÷ '), after.join(' ÷ '))
  })
}

function riskChanges(was: string | null, is: string | null): readonly Told[] {
  return was !== null && is !== null ? differs('accepted risk', was, is) : came('accepted risk', was, is)
}

/** What comes is looser and what goes is tighter, or the other way round. */
function came(
  what: string,
  before: string | null | undefined,
  after: string | null | undefined,
  coming: 'looser' | 'tighter' = 'looser',
): readonly Told[] {
  const [was, is] = [before ?? null, after ?? null]
  if ((was === null) === (is === null)) return []
  const going = coming === 'looser' ? 'tighter' : 'looser'
  return [{ kind: was === null ? coming : going, what, before: was, after: is }]
}

/** Of two lists of names, each that came or went. */
function names(what: string, before: readonly string[], after: readonly string[]): readonly Told[] {
  return [
    ...after.filter((name) => !before.includes(name)).flatMap((name) => came(what, null, name)),
    ...before.filter((name) => !after.includes(name)).flatMap((name) => came(what, name, null)),
  ]
}

function differs(what: string, before: string | null, after: string | null): readonly Told[] {
  return before === after ? [] : [{ kind: 'changed', what, before, after }]
}

/** @param loosening above zero where `after` tells more */
function ordered(what: string, before: string | null, after: string | null, loosening: number): readonly Told[] {
  const kind: Kind = loosening > 0 ? 'looser' : loosening < 0 ? 'tighter' : 'changed'
  return before === after ? [] : [{ kind, what, before, after }]
}

function at(where: string, told: readonly Told[]): readonly Change[] {
  return told.map((change) => ({ ...change, where }))
}

function both<T>(was: T | undefined, is: T | undefined, compare: (was: T, is: T) => readonly Told[]): readonly Told[] {
  return was && is ? compare(was, is) : []
}

/** The entries of two lists by their key: those of the second in its order, then those that are gone. */
function pairs<T>(
  before: readonly T[],
  after: readonly T[],
  keyOf: (entry: T) => string,
): readonly (readonly [key: string, was: T | undefined, is: T | undefined])[] {
  const was = new Map(before.map((entry) => [keyOf(entry), entry]))
  const is = new Map(after.map((entry) => [keyOf(entry), entry]))
  return [...new Set([...is.keys(), ...was.keys()])].map((key) => [key, was.get(key), is.get(key)] as const)
}

function columnText(column: ColumnFacts): string {
  const signals = [...new Set(column.sources.flatMap(({ signals }) => signals))].join(', ')
  const grid = column.range ? `, ${rangeText(column)} in steps of ${stepText(column)}` : ''
  return `${column.stat} over ${formatDuration(column.window_ms)} of ${signals}${grid}`
}

function rangeText({ range, unit }: ColumnFacts): string | null {
  return range && `${range[0]} to ${withUnit(range[1], unit)}`
}

function stepText({ step, unit }: ColumnFacts): string | null {
  return step && withUnit(step, unit)
}

/** Values in one unit cannot be told from those in another without all three. */
function unitText(column: ColumnFacts): string | null {
  return column.unit && `${rangeText(column)} in steps of ${column.step}`
}

function noiseText({ noise, unit }: ColumnFacts): string | null {
  return noise && `epsilon ${noise.epsilon}, standard deviation ${deviationText(noise, unit)}`
}

function numberText(n: number | null): string | null {
  return n === null ? null : String(n)
}

function ms(duration: number | null): string | null {
  return duration === null ? null : formatDuration(duration)
}

function compareText(a: string, b: string): number {
  return compareDecimal(parseDecimal(a)!, parseDecimal(b)!)
}
