import { randomFillSync } from 'node:crypto'
import { type RawSeq, unixMs } from '../../core/brand.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { StoredBlock } from '../../core/stored-block.ts'
import type { DisclosurePlan } from '../../privacy/compile.ts'
import { type Disclosure, makeDisclosure } from '../../privacy/disclose.ts'
import { type Disclosed, Q_CLIPPED, Q_DEGRADED, Q_MISSING } from '../../privacy/disclosed.ts'
import type { Pseudonyms } from '../../privacy/keys.ts'
import { makeLaplace } from '../../privacy/noise.ts'
import { makeRoutes, usableValue } from '../../privacy/route.ts'
import { type Intake, makeDataset, type OpenDataset, type Series } from '../../privacy/series.ts'
import { type Envelope, makeEnvelope, type Trace } from './envelope.ts'

/** One column of one or more assets that share their signals: the readings that came, and the cells that they became. */
export interface Chart {
  readonly dataset: string
  readonly column: string
  readonly stat: string
  readonly assets: readonly string[]
  readonly signals: readonly string[]
  /** ms */
  readonly window: number
  readonly slot: number
  /** UCUM of the cells; null for categories */
  readonly unit: string | null
  /** readings and cells of a category are indexes in it, readings of other words the one after; null for numbers */
  readonly vocabulary: readonly string[] | null
  /** one a signal, in the column's unit; of a rate in counts */
  readonly raw: readonly Trace[]
  /** readings and cells are of no common magnitude: counts and their ratio, values and how far they scatter */
  readonly apart: boolean
  readonly readings: number
  /** start of the first slot, UnixMs; the others follow it */
  readonly first: number | null
  readonly cells: readonly (number | null)[]
  /** marks of the cells */
  readonly q: readonly number[]
  readonly marks: { readonly degraded: number; readonly missing: number; readonly clipped: number }
}

/** What a stretch of the log becomes by a plan. */
export interface Replay {
  /** Feeds the next stored block, in order of position. */
  take(block: StoredBlock): void
  charts(): readonly Chart[]
  /** The last whole period of each dataset, or its last slot where none is whole yet. */
  periods(): readonly { readonly period: Disclosed; readonly whole: boolean }[]
}

const APART: readonly string[] = ['rate', 'delta', 'std']

/** Stretches of time that readings are drawn in. */
const STRETCHES = 360

interface Drawn {
  readonly series: Series
  /** rows of the plan's assets that show it */
  readonly assets: readonly string[]
  readonly raw: readonly Envelope[]
  readings: number
  first: number | null
  readonly cells: (number | null)[]
  readonly q: number[]
}

/**
 * Puts stored blocks through the disclosure step, as the agent would that begins there: nothing of it is stored. A period
 * may be a day long, so that each slot is also taken as a period by itself, to be drawn once it is closed.
 * @param input.first sequence of the first reading that is fed; nothing of windows that began before `from` is shown
 * @param input.span arrival of the first and the last block, UnixMs
 * @param input.max_skew ms
 */
export function makeReplay(input: {
  readonly plan: DisclosurePlan
  readonly pseudonyms: Pseudonyms
  readonly signalOf: (index: number) => SignalSpec
  readonly first: RawSeq
  readonly span: readonly [from: number, until: number]
  readonly max_skew: number
}): Replay {
  const { plan, pseudonyms, signalOf, first, span } = input
  const bySlot: DisclosurePlan = { ...plan, datasets: plan.datasets.map((d) => ({ ...d, cadence: d.slot })) }
  // Thrown away: whoever looks again sees other noise, and none of it is what is published.
  const laplace = makeLaplace((bytes) => void randomFillSync(bytes))
  const disclosing = (by: DisclosurePlan): Disclosure =>
    makeDisclosure({
      plan: by,
      pseudonyms,
      cursor: { raw_seq: first, sealed_until: {} },
      stream_since: unixMs(span[0]),
      signalOf,
      max_skew: input.max_skew,
      noise: { state: { charges: [], counted_from: null, drawn_until: {} }, laplace },
    })
  const [slots, periods] = [disclosing(bySlot), disclosing(plan)]
  const lastSlot = new Map<string, Disclosed>()
  const lastPeriod = new Map<string, Disclosed>()

  const datasets = plan.datasets.map((dataset) => makeDataset(plan, dataset, { since: 0, sealed: 0 }))
  const drawn = datasets.flatMap((dataset) => drawnOf(plan, dataset, span))
  const byIntake = new Map(drawn.flatMap((one) => one.series.intakes.map((intake, i) => [intake, { one, i }] as const)))
  const routes = makeRoutes(datasets, signalOf)

  function draw({ block, sane, arrival }: StoredBlock): void {
    if (!sane) return
    for (const [i, signal] of block.signals.entries()) {
      for (const route of routes(signal)) {
        const value = usableValue(route, block, i)
        if (Number.isNaN(value) || block.times[i]! > arrival + input.max_skew) continue
        const { one, i: nth } = byIntake.get(route.intake)!
        one.readings++
        one.raw[nth]!.add(block.times[i]!, value)
      }
    }
  }

  const order = [...new Set(drawn.map(({ series }) => series.intakes[0]!.id))]
  const rank = ({ signals }: Chart): number => order.indexOf(signals[0]!)

  return {
    take(block) {
      draw(block)
      for (const period of drain(slots, block)) {
        lastSlot.set(period.dataset, period)
        note(drawn, period, plan, pseudonyms)
      }
      for (const period of drain(periods, block)) lastPeriod.set(period.dataset, period)
    },
    // What one signal becomes stands together.
    charts: () => drawn.map(chartOf).toSorted((a, b) => rank(a) - rank(b)),
    periods: () =>
      plan.datasets.flatMap(({ name }) => {
        const [whole, slot] = [lastPeriod.get(name), lastSlot.get(name)]
        const period = whole ?? slot
        return period ? [{ period, whole: whole !== undefined }] : []
      }),
  }
}

/** What a block closes, taken as sealed. */
function* drain(disclosure: Disclosure, block: StoredBlock): Generator<Disclosed> {
  disclosure.take(block)
  for (let period = disclosure.ready(); period; period = disclosure.ready()) {
    yield period
    disclosure.sealed(period)
  }
}

function drawnOf(plan: DisclosurePlan, dataset: OpenDataset, span: readonly [number, number]): readonly Drawn[] {
  return dataset.series.map((series) => {
    const rows = dataset.rows.find((of) => of.includes(series))!
    return {
      series,
      assets: plan.assets.flatMap(({ name }, i) => (rows[i] === series ? [name] : [])),
      raw: series.intakes.map(() => makeEnvelope(span, STRETCHES)),
      readings: 0,
      first: null,
      cells: [],
      q: [],
    }
  })
}

/** Notes the cells of one slot. */
function note(drawn: readonly Drawn[], period: Disclosed, plan: DisclosurePlan, pseudonyms: Pseudonyms): void {
  const rowOf = new Map(
    plan.assets.map(({ name }) => [name, period.assets.indexOf(pseudonyms.asset(period.epoch, name))] as const),
  )
  for (const one of drawn) {
    if (one.series.dataset.plan.name !== period.dataset) continue
    const row = rowOf.get(one.assets[0]!)!
    const column = period.columns.find(({ name }) => name === one.series.column.name)!
    const value = column.values[row] ?? null
    one.first ??= period.from
    one.cells.push(value === null ? null : levelOf(one.series, value))
    one.q.push(column.q[row]!)
  }
}

/** Words are drawn at the height of their place in the vocabulary. */
function levelOf({ column }: Series, value: number | string): number {
  return column.kind === 'category' ? column.vocabulary.indexOf(String(value)) : Number(value)
}

function chartOf({ series, assets, raw, readings, first, cells, q }: Drawn): Chart {
  const { column, dataset } = series
  const count = (mark: number): number => q.filter((one) => one === mark).length
  return {
    dataset: dataset.plan.name,
    column: column.name,
    stat: column.stat,
    assets,
    signals: series.intakes.map(({ id }: Intake) => id),
    window: column.window,
    slot: dataset.plan.slot,
    unit: column.kind === 'number' ? column.unit : null,
    vocabulary: column.kind === 'category' ? column.vocabulary : null,
    raw: raw.map((envelope) => envelope.trace()),
    apart: APART.includes(column.stat),
    readings,
    first,
    cells,
    q,
    marks: { degraded: count(Q_DEGRADED), missing: count(Q_MISSING), clipped: count(Q_CLIPPED) },
  }
}
