import { describe, expect, it } from 'vitest'
import { rawSeq, unixMs } from '../../core/brand.ts'
import type { StoredBlock } from '../../core/stored-block.ts'
import { Q_CLIPPED, Q_MISSING } from '../../privacy/disclosed.ts'
import {
  cellsOf,
  contractOf,
  logOf,
  MINUTE,
  planOf,
  policyOf,
  pseudonyms,
  publishLog,
  T0,
} from '../../test/support/disclosure.ts'
import {
  assets,
  block,
  NG,
  OIL,
  oil,
  rules,
  SECOND,
  STATE,
  signals,
  TOTAL,
} from '../../test/support/press-disclosure.ts'
import { makeReplay } from './replay.ts'

const columns = {
  oil,
  rate: { ...oil, stat: 'rate', unit: '1', range: [0, 1], step: 0.001 },
  state: { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] },
  slow: { ...oil, window: '2m' },
}
const chosen = Object.fromEntries((['oil', 'rate', 'state', 'slow'] as const).map((name) => [name, rules[name]]))
/** A batch is a day long: the chart must not wait for it. */
const plan = planOf(
  contractOf({ stream: { kind: 'stream', grid: '1m', cadence: '1h', columns } }),
  policyOf({ stream: chosen }, { assets }),
  signals,
)

/** An hour and a half, a reading of each signal every ten seconds; oil is too hot for a minute. */
const log = logOf(
  Array.from({ length: 550 }, (_, i) => {
    const at = T0 + i * 10 * SECOND
    const hot = i >= 30 && i < 36
    return block(at, [
      [OIL, at, hot ? 150 : 20 + (i % 60)],
      [NG, at, i],
      [TOTAL, at, i * 10],
      [STATE, at, i % 12 < 6 ? 1 : 2],
    ])
  }),
)

function replayed(blocks: readonly StoredBlock[]) {
  const replay = makeReplay({
    plan,
    pseudonyms,
    signalOf: (index) => signals[index]!,
    first: rawSeq(blocks[0]!.seq),
    span: [blocks[0]!.arrival, blocks.at(-1)!.arrival],
    max_skew: MINUTE,
  })
  for (const one of blocks) replay.take(one)
  return replay
}

const replay = replayed(log)
const charts = Object.fromEntries(replay.charts().map((chart) => [chart.column, chart]))

describe('the replay of a stretch of the log', () => {
  it('draws the cells that the agent would seal, up to the last closed slot', () => {
    const { periods } = publishLog(log, plan, signals)
    expect(periods).toHaveLength(1)
    for (const name of ['oil', 'rate', 'slow'] as const) {
      const sealed = cellsOf(periods[0]!, name)
      expect(charts[name]!.cells.slice(0, 60)).toEqual(sealed.map(([value]) => value))
      expect(charts[name]!.q.slice(0, 60)).toEqual(sealed.map(([, q]) => q))
      expect(charts[name]!.cells.length).toBeGreaterThan(85)
    }
  })

  it('shows a longer window in the slots after it', () => {
    const { slow, oil: fast } = charts
    expect(slow!.first).toBe(T0)
    expect(slow!.q.slice(0, 2)).toEqual([Q_MISSING, Q_MISSING])
    expect(slow!.cells[2]).toBe(slow!.cells[3])
    expect(fast!.cells[0]).not.toBeNull()
  })

  it('counts the marks, and draws the readings as they came', () => {
    expect(charts.oil!.marks.clipped).toBe(1)
    expect(charts.oil!.q[5]).toBe(Q_CLIPPED)
    expect(Math.max(...charts.oil!.raw[0]!.high.map(Number))).toBe(150)
    expect(charts.oil!.readings).toBe(550)
    expect(charts.rate!.signals).toEqual(['press-7/ng', 'press-7/total'])
    expect(charts.rate!.apart).toBe(true)
  })

  it('counts no reading that the column can make nothing of', () => {
    const texts = Array.from({ length: 3 }, (_, i) => T0 + i * MINUTE)
    const [chart] = replayed(logOf(texts.map((at) => block(at, [[OIL, at, 'hot']])))).charts()
    expect(chart).toMatchObject({ column: 'oil', readings: 0 })
  })

  it('draws words at their place in the vocabulary, and words outside it after the last', () => {
    const { state } = charts
    expect(new Set(state!.cells)).toEqual(new Set([null, 1]))
    expect(new Set(state!.raw[0]!.high)).toEqual(new Set([1, 2]))
  })

  it('has the last whole period to seal, or else the last slot', () => {
    const [whole] = replay.periods()
    expect(whole).toMatchObject({ whole: true, period: { dataset: 'stream', from: T0, until: T0 + 60 * MINUTE } })
    const [slot] = replayed(log.slice(0, 30)).periods()
    expect(slot).toMatchObject({ whole: false, period: { until: T0 + 4 * MINUTE, from: T0 + 3 * MINUTE } })
    expect(replayed(log.slice(0, 2)).periods()).toEqual([])
  })

  it('begins in the midst: windows of which it saw a part are not shown', () => {
    const late = replayed(log.slice(33))
    const [first] = late.charts()
    expect(first!.first).toBe(unixMs(T0 + 6 * MINUTE))
    expect(first!.cells[0]).toBe(charts.oil!.cells[6])
  })
})
