import { type Estimate, estimate } from '../../attack/estimate.ts'
import { linkAll, type Span } from '../../attack/linkage.ts'
import { type RelationShift, relationShift } from '../../attack/relation.ts'
import { trafficAttack } from '../../attack/traffic.ts'
import { guessCount } from '../../attack/volume.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { StoredBlock } from '../../core/stored-block.ts'
import type { DisclosurePlan } from '../../privacy/compile.ts'
import type { Disclosure } from '../../privacy/disclose.ts'
import type { Disclosed } from '../../privacy/disclosed.ts'
import type { Pseudonyms } from '../../privacy/keys.ts'
import { type Activity, makeActivity } from './activity.ts'
import { makeCounts } from './counts.ts'
import { makeTable, type Table } from './table.ts'
import { finerPlan, plainPlan } from './variants.ts'

/** What attackers would find in what recent readings become, and what would be left to learn from; null: nothing to try it on. */
export interface TrialResult {
  /** A2: which machine and day a shift of raw readings is of */
  readonly trace_linkage: Estimate | null
  /** A6: busy or quiet periods, told by size or moment of sending, whichever tells more */
  readonly traffic_auc: Estimate | null
  /** A7: windows whose exact number of parts is found from their rate */
  readonly volume_exact: Estimate | null
  /** U1: against the same windows without grid and noise */
  readonly correlation_shift: RelationShift | null
  /** U4: share of cells with a rule that are there */
  readonly coverage: number | null
}

/** Takes recent blocks as the agent would, and tries attacks on what they become. */
export interface Trial {
  take(block: StoredBlock): void
  result(): TrialResult
}

const DAY = 86_400_000
const SHIFT = DAY / 3

/**
 * @param input.disclosing begins the disclosure step for a plan, where the log begins
 * @param input.sealedBytes how many bytes a would-be batch has
 */
export function makeTrial(input: {
  readonly plan: DisclosurePlan
  readonly pseudonyms: Pseudonyms
  readonly signalOf: (index: number) => SignalSpec
  readonly disclosing: (plan: DisclosurePlan) => Disclosure
  readonly sealedBytes: (period: Disclosed) => number
  readonly random: () => number
}): Trial {
  const { plan, pseudonyms, random } = input
  const running = (variant: DisclosurePlan): Variant => ({
    disclosure: input.disclosing(variant),
    tables: new Map(variant.datasets.map((dataset) => [dataset.name, makeTable(variant, dataset, pseudonyms)])),
  })
  const published = running(plan)
  const plain = running(plainPlan(plan))
  const finer = running(finerPlan(plan))
  const activity: Activity = makeActivity()
  const counts = makeCounts(plan, input.signalOf)
  const sent: { readonly period: Disclosed; readonly bytes: number; readonly delay: number }[] = []

  return {
    take(block) {
      activity.take(block)
      counts.take(block)
      for (const variant of [published, plain, finer]) {
        for (const period of drain(variant.disclosure, block)) {
          variant.tables.get(period.dataset)!.add(period)
          if (variant === published)
            sent.push({ period, bytes: input.sealedBytes(period), delay: block.arrival - period.until })
        }
      }
    },
    result() {
      const tables = [...published.tables].map(([name, table]) => ({
        published: table,
        plain: plain.tables.get(name)!,
        finer: finer.tables.get(name)!,
      }))
      const busy = activity.busiest(sent.map(({ period }) => [period.from, period.until] as const))
      const traffic = trafficAttack(sent.map(({ bytes, delay }, i) => ({ bytes, delay, working: busy[i]! })))
      return {
        trace_linkage: worst(tables.map(({ published, plain }) => linkage(published, plain, random))),
        traffic_auc: traffic.by_size.n === 0 ? null : worst([traffic.by_size, traffic.by_time]),
        volume_exact: worst([...published.tables.values()].map((table) => volume(table, counts.parts, random))),
        correlation_shift:
          tables
            .flatMap(({ published, finer }) => relationShift(finer.columns(), published.columns()) ?? [])
            .toSorted((a, b) => b.largest - a.largest)[0] ?? null,
        coverage: coverage([...published.tables.values()]),
      }
    },
  }
}

interface Variant {
  readonly disclosure: Disclosure
  readonly tables: ReadonlyMap<string, Table>
}

/** What a block closes, taken as sealed. */
function* drain(disclosure: Disclosure, block: StoredBlock): Generator<Disclosed> {
  disclosure.take(block)
  for (let period = disclosure.ready(); period; period = disclosure.ready()) {
    yield period
    disclosure.sealed(period)
  }
}

/** Each machine's day is a machine of its own; the attacker holds the third of it of which the most is there. */
function linkage(published: Table, plain: Table, random: () => number): Estimate | null {
  const [candidates, known] = [published.days(), plain.days()]
  const meant = known.flatMap((day, i) => (day.some((cells) => cells.some(Number.isFinite)) ? [i] : []))
  if (meant.length < 2) return null
  const slots = Math.max(1, Math.round(SHIFT / published.slot))
  const spans = meant.map((i) => fullest(known[i]!, slots))
  const hits = linkAll(
    {
      columns: published.linked,
      known: meant.map((i) => known[i]!),
      candidates: meant.map((i) => candidates[i]!),
      spanOf: (plant) => spans[plant]!,
    },
    random,
  )
  return estimate(hits, meant.length, 1 / meant.length)
}

/** Of the stretches of so many slots, one after another, the one with the most cells. */
function fullest(columns: readonly Float64Array[], slots: number): Span {
  const all = columns[0]!.length
  const spans = Array.from({ length: Math.ceil(all / slots) }, (_, i) => ({
    from: i * slots,
    to: Math.min(all, (i + 1) * slots),
  }))
  const there = ({ from, to }: Span): number =>
    columns.reduce((n, cells) => n + cells.subarray(from, to).reduce((m, x) => m + (Number.isFinite(x) ? 1 : 0), 0), 0)
  return spans.reduce((best, span) => (there(span) > there(best) ? span : best))
}

/** Alone, window by window, or all of a machine together, as if it ran at one speed: whichever finds more. */
function volume(
  table: Table,
  parts: (signal: string, start: number, window: number) => number,
  random: () => number,
): Estimate | null {
  const lines = table.rates(parts).filter(({ windows }) => windows.length > 0)
  if (lines.length === 0) return null
  const most = 2 * Math.max(...lines.flatMap(({ windows }) => windows.map((w) => w.parts)))
  let [alone, together, n] = [0, 0, 0]
  for (const { floor, published, windows } of lines) {
    const prior = { least: floor, most: Math.max(floor, most) }
    const guess = guessCount(
      windows.map((w) => w.rate),
      published,
      prior,
      random,
    )
    together += windows.filter((w) => w.parts === guess).length
    alone += windows.filter((w) => guessCount([w.rate], published, prior, random) === w.parts).length
    n += windows.length
  }
  return estimate(Math.max(alone, together), n, 1 / most)
}

function coverage(tables: readonly Table[]): number | null {
  const cells = tables.flatMap((table) => table.columns().flat())
  return cells.length === 0 ? null : cells.filter(Number.isFinite).length / cells.length
}

function worst(found: readonly (Estimate | null)[]): Estimate | null {
  return found.reduce((most, one) => (one && (!most || one.value > most.value) ? one : most), null)
}
