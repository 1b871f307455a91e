import { describe, expect, it } from 'vitest'
import { rawSeq, unixMs } from '../../core/brand.ts'
import { makeDisclosure } from '../../privacy/disclose.ts'
import { makeLaplace } from '../../privacy/noise.ts'
import { makeRandom } from '../../test/prove/random.ts'
import {
  contractOf,
  HOUR,
  logOf,
  MINUTE,
  planOf,
  policyOf,
  pseudonyms,
  signalOf,
  type Written,
} from '../../test/support/disclosure.ts'
import { makeTrial, type TrialResult } from './trial.ts'

const START = Date.UTC(2026, 2, 2)
const HOURS = 48
const MACHINES = ['press-7', 'press-8', 'press-9']
const signals = MACHINES.flatMap((asset) => [
  signalOf(`${asset}/oil`, { unit: 'Cel', cadence: { kind: 'periodic', every: MINUTE } }),
  signalOf(`${asset}/ng`, { unit: '1' }),
  signalOf(`${asset}/total`, { unit: '1' }),
])
const contract = contractOf({
  hourly: {
    kind: 'table',
    window: '1h',
    columns: {
      oil: { meaning: 'm', unit: 'Cel', stat: 'mean', range: [0, 200], step: 0.000001 },
      rate: { meaning: 'm', unit: '1', stat: 'rate', range: [0, 1], step: 0.000001 },
    },
  },
})

interface Way {
  readonly oil: number
  readonly rate: number
  /** machines differ */
  readonly differ: boolean
  /** ms from the end of a quiet hour to the block that closes it, beside 31 s of a busy one */
  readonly quiet: number
  readonly noise?: true
}

function run({ oil, rate, differ, quiet, noise }: Way): TrialResult {
  const rules = {
    oil: {
      from: '{asset}/oil',
      range: [0, 200],
      step: oil,
      accept_risk: 'test',
      ...(noise && { noise: { epsilon: '0.01' } }),
    },
    rate: {
      rate: { of: '{asset}/ng', over: '{asset}/total', kind: 'counter', floor: 100 },
      range: [0, 1],
      step: rate,
      accept_risk: 'test',
    },
  }
  const assets = Object.fromEntries(MACHINES.map((name) => [name, { class: 'press' }]))
  const plan = planOf(
    contract,
    policyOf({ hourly: rules }, { assets, ...(noise && { budget: { window: '1d', epsilon: '1' } }) }),
    signals,
  )
  const random = makeRandom(1)
  const level = MACHINES.map(() => 0)
  const total = MACHINES.map(() => 0)
  const ng = MACHINES.map(() => 0)
  const blocks = Array.from({ length: HOURS * 60 }, (_, minute): Written => {
    const busy = Math.floor(minute / 60) % 2 === 0
    const at = START + minute * MINUTE
    const arrival = minute % 60 === 0 && minute > 0 ? at + (busy ? quiet : 31_000) : at + 59_000
    if (!differ) level.fill(random())
    const rows = MACHINES.flatMap((_, m) => {
      if (differ) level[m]! += random() - 0.5
      total[m]! += busy ? 5 + m : 2
      ng[m]! += random() < 0.3 ? 1 : 0
      return [
        [3 * m, at, 100 + level[m]!] as const,
        [3 * m + 1, at, ng[m]!] as const,
        [3 * m + 2, at, total[m]!] as const,
      ]
    })
    const moving = busy ? rows : rows.map(([signal, time]) => [signal, time, signal % 3 === 0 ? 100 : 7] as const)
    const complete = { plc: Object.fromEntries(MACHINES.map((asset) => [asset, arrival])) }
    return { arrival, rows: quiet === 31_000 ? rows : moving, complete }
  })
  const log = logOf([...blocks, { arrival: START + HOURS * HOUR + 31_000, complete: blocks.at(-1)!.complete! }])
  const laplace = makeLaplace((bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = random() * 256
  })
  const trial = makeTrial({
    plan,
    pseudonyms,
    signalOf: (index) => signals[index]!,
    disclosing: (by) =>
      makeDisclosure({
        plan: by,
        pseudonyms,
        cursor: { raw_seq: rawSeq(0), sealed_until: {} },
        stream_since: unixMs(START),
        signalOf: (index) => signals[index]!,
        max_skew: 5 * MINUTE,
        noise: { state: { charges: [], counted_from: null, drawn_until: {} }, laplace },
      }),
    sealedBytes: () => 65_536,
    random,
  })
  for (const block of log) trial.take(block)
  return trial.result()
}

const fine: Way = { oil: 0.001, rate: 0.000001, differ: true, quiet: 31_000 }

describe('a trial on recent readings', () => {
  it('finds machines and counts in what is published finely, and all of it is useful', () => {
    const found = run(fine)
    expect(found.trace_linkage).toMatchObject({ n: 6, value: 1 })
    expect(found.volume_exact!.value).toBeGreaterThan(0.2)
    expect(found.traffic_auc).toMatchObject({ value: 0.5 })
    expect(found.correlation_shift!.largest).toBeLessThan(0.01)
    expect(found.coverage).toBeGreaterThan(0.9)
  })

  it('finds less in what is coarse, which also tells less', () => {
    const found = run({ ...fine, oil: 100, rate: 0.5 })
    expect(found.trace_linkage!.value).toBeLessThan(0.6)
    expect(found.volume_exact!.value).toBeLessThan(0.1)
  })

  it('finds less in what has wide noise, against which it holds the same windows without', () => {
    const found = run({ ...fine, oil: 2, rate: 0.5, noise: true })
    expect(found.trace_linkage!.value).toBeLessThan(0.7)
    expect(run({ ...fine, oil: 2, rate: 0.5 }).trace_linkage!.value).toBeGreaterThan(found.trace_linkage!.value)
  })

  it('cannot tell machines apart that measure the same', () => {
    expect(run({ ...fine, rate: 0.5, differ: false }).trace_linkage!.value).toBeLessThan(0.6)
  })

  it('tells a quiet hour from a busy one by the moment it is sent', () => {
    expect(run({ ...fine, quiet: 55_000 }).traffic_auc!.value).toBeGreaterThan(0.9)
  })
})
