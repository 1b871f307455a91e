import { describe, expect, it } from 'vitest'
import {
  cellsOf,
  contractOf,
  logOf,
  MINUTE,
  type Published,
  planOf,
  policyOf,
  publishLog,
  signalOf,
  T0,
} from '../test/support/disclosure.ts'
import type { DisclosurePlan } from './compile.ts'
import { type PolicyRecord, readPolicyRecord, recordPolicy } from './policy-record.ts'

const signals = [signalOf('press-7/oil', { unit: 'Cel' }), signalOf('press-7/gas', { unit: 'Cel' })]
const max = { meaning: 'm', stat: 'max', unit: 'Cel', range: [0, 100], step: 1 }
const datasets = {
  stream: { kind: 'stream', grid: '1m', cadence: '1m', columns: { max, other: max } },
  table: { kind: 'table', window: '6m', cadence: '6m', columns: { max, other: max } },
}

/** The maximum in both datasets, in the column of this name. */
function planWith(rule: object, column = 'max'): DisclosurePlan {
  const rules = { [column]: { from: '{asset}/oil', range: [0, 100], step: 1, ...rule } }
  const budget = { window: '6m', epsilon: 10 }
  return planOf(contractOf(datasets), policyOf({ stream: rules, table: rules }, { budget }), signals)
}
const noised = planWith({ noise: { epsilon: 1 } })
const bare = planWith({})
const gasOnly = planWith({ from: '{asset}/gas' })

/** A reading a minute, its number as value. */
const log = logOf(
  Array.from({ length: 20 }, (_, i) => ({
    arrival: T0 + i * MINUTE,
    rows: i === 0 ? [] : [[0, T0 + i * MINUTE - 1, i] as const],
    complete: { plc: { 'press-7': T0 + i * MINUTE } },
  })),
)
/** Published with noise until four minutes have been drawn in the stream, and none in the table. */
const drawn = publishLog(log.slice(0, 6), noised, signals, { laplace: () => 1_000 })

/** The records that come about where these plans follow one another then. */
function recordOf(...plans: readonly DisclosurePlan[]): PolicyRecord | undefined {
  const { cursor, noise } = drawn
  const drawn_until = Math.max(...Object.values(noise.drawn_until))
  const stand = { ...cursor, time: T0, end_seq: 5, drawn_until }
  const first = recordPolicy(noised, undefined, { ...stand, sealed_until: {} })
  return plans.reduce<PolicyRecord | undefined>(
    (record, plan) => readPolicyRecord(JSON.stringify(recordPolicy(plan, record, stand))),
    first,
  )
}

const valuesOf = ({ periods }: Published, dataset: string, column = 'max') =>
  periods.filter((one) => one.dataset === dataset).flatMap((one) => cellsOf(one, column).map(([value]) => value))

describe('a column that loses its noise', () => {
  const publishedBy = (plan: DisclosurePlan, ...plans: readonly DisclosurePlan[]): Published =>
    publishLog(log, plan, signals, { cursor: drawn.cursor, noise: drawn.noise, record: recordOf(...plans, plan)! })

  it('shows no exact value of a window that was drawn, in no dataset', () => {
    expect(valuesOf(drawn, 'stream')).toEqual([1001, 1002, 1003, 1004])
    const published = publishedBy(bare)
    expect(valuesOf(published, 'stream').slice(0, 3)).toEqual([5, 6, 7])
    // The first six minutes hold four that were drawn.
    expect(valuesOf(published, 'table')).toEqual([null, 12, 18])
  })

  it.each<[string, DisclosurePlan, DisclosurePlan, string]>([
    ['comes back', gasOnly, bare, 'max'],
    ['has another name', noised, planWith({}, 'other'), 'other'],
    ['was left as it is for a while', bare, bare, 'max'],
  ])('nor where it %s', (_, between, plan, column) => {
    expect(valuesOf(publishedBy(plan, between), 'table', column)[0]).toBeNull()
  })

  it('is shown as before where it had none', () => {
    const record = recordOf(bare)!
    expect(recordOf(bare, bare)).toEqual(record)
    expect(recordOf(noised)!.noised).toEqual({})
  })
})
