import { z } from 'zod'
import { canonicalJson } from '../core/encoding.ts'
import type { DisclosurePlan, PlanColumn, PlanDataset } from './compile.ts'
import { floorTo } from './window.ts'

/**
 * By which policies a pool was published so far, as far as pending readings may still tell (README, "When the policy
 * changes"). Kept by the store as text; written only when the policy is another one.
 */
export type PolicyRecord = Readonly<z.infer<typeof record>>

const column = z.object({
  /** all that decides its cells */
  spec: z.string(),
  stat: z.string(),
  /** ms */
  window: z.number(),
  /** ms that its values stand for */
  hold: z.number().default(0),
  ids: z.array(z.string()),
  /** windows that begin before it are not shown, UnixMs; 0: from the dataset's beginning on */
  since: z.number(),
})
const dataset = z.object({
  /** ms */
  slot: z.number(),
  /** it takes up here at the earliest, UnixMs */
  from: z.number(),
  columns: z.record(z.string(), column),
})
const former = z.object({
  /** readings from this raw sequence on were stored later */
  until_seq: z.number(),
  /** columns that are gone or changed, and how far their slots were sealed (UnixMs) */
  columns: z.array(z.object({ ids: z.array(z.string()), window: z.number(), slot: z.number(), sealed: z.number() })),
})
const record = z.object({
  v: z.literal(1),
  datasets: z.record(z.string(), dataset),
  former: z.array(former),
  /** signals that had noise and lost it → end of the last window that noise may have been drawn for, UnixMs */
  noised: z.record(z.string(), z.number()).default({}),
})

/** What the store kept, or undefined where nothing is known of an earlier policy. */
export function readPolicyRecord(text: string | undefined): PolicyRecord | undefined {
  return text === undefined ? undefined : record.safeParse(JSON.parse(text)).data
}

/**
 * The record once the pool is published by `plan`.
 * @param stand.time UnixMs: every reading of a later time is still pending
 * @param stand.end_seq end of the log
 * @param stand.drawn_until UnixMs: no window that ends later had noise drawn for it, in any dataset
 */
export function recordPolicy(
  plan: DisclosurePlan,
  before: PolicyRecord | undefined,
  stand: {
    readonly time: number
    readonly end_seq: number
    readonly raw_seq: number
    readonly drawn_until: number
    readonly sealed_until: Readonly<Record<string, number>>
  },
): PolicyRecord {
  const noised = noisedSoFar(plan, before, stand.drawn_until)
  const datasets = Object.fromEntries(plan.datasets.map((one) => [one.name, datasetRecord(one, before, noised, stand)]))
  const changed = Object.entries(before?.datasets ?? {}).flatMap(([name, { slot, columns }]) =>
    Object.entries(columns).flatMap(([key, { spec, ids, window }]) => {
      const sealed = stand.sealed_until[name]
      if (sealed === undefined || datasets[name]?.columns[key]?.spec === spec) return []
      return [{ ids, window, slot, sealed }]
    }),
  )
  const kept = (before?.former ?? []).filter(({ until_seq }) => until_seq > stand.raw_seq)
  const news =
    changed.length > 0 && stand.end_seq > stand.raw_seq ? [{ until_seq: stand.end_seq, columns: changed }] : []
  return { v: 1, datasets, former: [...kept, ...news], noised }
}

/** With what lost its noise just now: the exact values of windows that were drawn would undo what was drawn for them. */
function noisedSoFar(
  plan: DisclosurePlan,
  before: PolicyRecord | undefined,
  drawnUntil: number,
): PolicyRecord['noised'] {
  const had = Object.values(before?.datasets ?? {}).flatMap(({ columns }) =>
    Object.values(columns).flatMap(({ spec, ids }) => ('noise' in JSON.parse(spec) ? ids : [])),
  )
  const has = new Set(
    plan.datasets.flatMap(({ columns }) =>
      columns.flatMap(({ noise, inputs }) => (noise ? inputs.flat().map(({ id }) => id) : [])),
    ),
  )
  const lost = had.filter((id) => !has.has(id)).map((id) => [id, drawnUntil])
  return { ...before?.noised, ...Object.fromEntries(lost) }
}

function datasetRecord(
  { name, slot, columns }: PlanDataset,
  before: PolicyRecord | undefined,
  noised: PolicyRecord['noised'],
  stand: { readonly time: number; readonly sealed_until: Readonly<Record<string, number>> },
): PolicyRecord['datasets'][string] {
  const known = before?.datasets[name]
  // One that was not published for a while takes up where the others are: what lies between is accounted already.
  const others = Object.keys(before?.datasets ?? {}).flatMap((other) => stand.sealed_until[other] ?? [])
  const from = known?.from ?? (before && others.length > 0 ? Math.min(...others) : 0)
  return {
    slot,
    from,
    columns: Object.fromEntries(
      columns.map((one) => {
        const spec = specOf(one, slot)
        const was = known?.columns[one.name]
        const { stat, window } = one
        const inputs = one.inputs.flat()
        const ids = inputs.map(({ id }) => id)
        const hold = Math.max(0, ...inputs.map((input) => input.hold))
        // Where the same readings are wanted in the same windows, those of open windows are all pending.
        const isKept =
          was?.stat === stat && was.window === window && was.hold >= hold && ids.every((id) => was.ids.includes(id))
        const shown = isKept && known?.slot === slot ? was.since : before ? stand.time : 0
        const since = one.noise ? shown : Math.max(shown, ...ids.map((id) => noised[id] ?? 0))
        return [one.name, { spec, stat, window, hold, ids, since }]
      }),
    ),
  }
}

/** Where a signal comes from, and why a column may be finer than its profile, changes no cell. */
function specOf(one: PlanColumn, slot: number): string {
  const { accepted_risk: _, inputs, ...rest } = one
  return canonicalJson({
    ...rest,
    slot,
    inputs: inputs.map((row) => row.map(({ id, hold }) => (hold > 0 ? [id, hold] : id))),
  } as never)
}

/** Whether a reading may have shaped a cell that was sealed by an earlier policy; undefined where none may have. */
export function makeFormer(
  record: PolicyRecord | undefined,
): ((seq: number, id: string, at: number) => boolean) | undefined {
  if (!record?.former.length) return undefined
  const former = record.former.map(({ until_seq, columns }) => {
    const byId = new Map<string, (typeof columns)[number][]>()
    for (const one of columns) for (const id of one.ids) byId.set(id, [...(byId.get(id) ?? []), one])
    return { until_seq, byId }
  })
  return (seq, id, at) =>
    former.some(
      ({ until_seq, byId }) =>
        seq < until_seq &&
        (byId.get(id) ?? []).some(({ window, slot, sealed }) => {
          const start = floorTo(at, window)
          return (window === slot ? start : start + window) < sealed
        }),
    )
}
