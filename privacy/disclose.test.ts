import { describe, expect, it } from 'vitest'
import { rawSeq, unixMs } from '../core/brand.ts'
import { qualityCode } from '../core/quality.ts'
import {
  contractOf,
  HOUR,
  logOf,
  MINUTE,
  planOf,
  policyOf,
  pseudonyms,
  publishLog,
  type Row,
  T0,
  type Written,
} from '../test/support/disclosure.ts'
import {
  assets,
  block,
  cells,
  means,
  OIL,
  oil,
  plan,
  rules,
  SECOND,
  SECRET,
  signals,
} from '../test/support/press-disclosure.ts'
import { makeDisclosure } from './disclose.ts'

describe('when a slot closes', () => {
  const readings: readonly Row[] = [[OIL, T0 + 10 * SECOND, 40]]
  const minute = T0 + MINUTE
  it.each<[string, readonly Written[], boolean]>([
    ['not before the grace has passed', [block(T0, readings), block(minute + 29_999)], false],
    ['when the grace has passed and its source is complete', [block(T0, readings), block(minute + 30_000)], true],
    [
      'not while its source may still send something older',
      [block(T0, readings), block(minute + 30_000, [], minute - 1)],
      false,
    ],
    [
      'by what the source said earlier',
      [block(T0, readings), block(minute, [], minute), block(minute + 30_000, [], null)],
      true,
    ],
    [
      'not by what a source says of the time after it spoke',
      [block(T0, readings), block(minute - 1, [], minute + HOUR), block(minute + 30_000, [], null)],
      false,
    ],
    [
      'not by what another asset or source has complete',
      [
        block(T0, readings),
        { arrival: minute + 30_000, complete: { plc: { 'press-8': minute }, broker: { 'press-7': minute } } },
      ],
      false,
    ],
    [
      'by max_wait after the first block stored at or after its end',
      [block(T0, readings), block(minute, [], null), block(minute + 600_000, [], null)],
      true,
    ],
    [
      'not a moment before max_wait',
      [block(T0, readings), block(minute, [], null), block(minute + 599_999, [], null)],
      false,
    ],
    [
      'max_wait after the restart, where nothing was stored in between',
      [block(T0, readings), block(T0 + 5 * HOUR, [], null), block(T0 + 5 * HOUR + 599_999, [], null)],
      false,
    ],
    [
      'with a silent source, by empty blocks alone',
      [block(T0, readings), block(minute + 5_000, [], null), block(minute + 605_000, [], null)],
      true,
    ],
    [
      'never by a block whose clock was not trusted',
      [block(T0, readings), { ...block(minute + HOUR), sane: false }, { ...block(minute + 2 * HOUR), sane: false }],
      false,
    ],
    ['by a clock that went back, once it is there again', [block(minute + 30_000), block(T0, readings)], true],
  ])('%s', (_, blocks, closes) => {
    const { periods } = publishLog(logOf(blocks), means, signals)
    expect(periods.some((period) => period.from === T0)).toBe(closes)
  })

  it('waits for the source whose wildcard may bring a signal, before its first message too', () => {
    const wildcard = planOf(
      contractOf({ stream: { kind: 'stream', grid: '1m', cadence: '1m', columns: { oil } } }),
      policyOf({ stream: { oil: rules.oil } }, { assets }),
      [],
      ['press-7/oil'],
    )
    const silent = logOf([block(T0, []), block(minute + 30_000, [], null)])
    expect(publishLog(silent, wildcard, signals).periods).toEqual([])
    expect(publishLog(logOf([block(T0, []), block(minute + 30_000)]), wildcard, signals).periods).toHaveLength(1)
  })
})

describe('a block that closes very many periods', () => {
  const two = planOf(
    contractOf({
      fast: { kind: 'stream', grid: '1m', cadence: '1m', columns: { oil } },
      slow: { kind: 'stream', grid: '1m', cadence: '5m', columns: { oil } },
    }),
    policyOf({ fast: { oil: rules.oil }, slow: { oil: rules.oil } }, { assets }),
    signals,
  )

  it('is taken at once, and its periods follow one another', () => {
    const disclosure = makeDisclosure({
      plan: two,
      pseudonyms,
      cursor: { raw_seq: rawSeq(0), sealed_until: {} },
      stream_since: unixMs(T0),
      signalOf: (index) => signals[index]!,
      max_skew: 5 * MINUTE,
    })
    const log = logOf([block(T0, [[OIL, T0, 40]]), block(T0 + 10 * 365 * 24 * HOUR)])
    expect(log.map((each) => disclosure.take(each))).toEqual([true, false])
    const ends: number[] = []
    for (let i = 0; i < 600; i++) {
      const period = disclosure.ready()!
      disclosure.sealed(period)
      ends.push((period.until - T0) / MINUTE)
    }
    expect(ends).toEqual(Array.from({ length: 500 }, (_, m) => (m % 5 === 4 ? [m + 1, m + 1] : [m + 1])).flat())
  })

  it('comes to the same whether they are sealed before the next block or after it', () => {
    const log = logOf([
      block(T0, [[OIL, T0, 40]]),
      block(T0 + 600 * MINUTE, [[OIL, T0 + 600 * MINUTE, 50]]),
      block(T0 + 601 * MINUTE + 30_000, [[OIL, T0 + 601 * MINUTE, 60]]),
      block(T0 + 1_300 * MINUTE),
    ])
    const each = publishLog(log, two, signals)
    expect(each.periods.length).toBeGreaterThan(1_300)
    expect(publishLog(log, two, signals, { stride: () => log.length })).toEqual(each)
  })
})

describe('a reading', () => {
  it('counts where it is stored in the block that closes its slot, and is late in the next', () => {
    const log = logOf([
      block(T0 + MINUTE + 30_000, [[OIL, T0, 40]]),
      block(T0 + MINUTE + 31_000, [[OIL, T0 + 1, 90]]),
      block(T0 + 5 * MINUTE),
    ])
    const { periods, ledger } = publishLog(log, means, signals)
    expect(cells(periods, 'oil')).toContainEqual([0, 40, 0])
    expect(ledger).toEqual({ 'press-7/oil disclosed': 1, 'press-7/oil withheld late': 1 })
  })

  it('belongs to [s, s + g)', () => {
    const rows: readonly Row[] = [
      [OIL, T0, 10],
      [OIL, T0 + MINUTE - 1, 20],
      [OIL, T0 + MINUTE, 90],
    ]
    const { periods } = publishLog(logOf([block(T0 + MINUTE, rows), block(T0 + 3 * MINUTE)]), means, signals)
    expect(cells(periods, 'oil')).toEqual([
      [0, 15, 0],
      [1, 90, 0],
    ])
  })

  const uncertain = qualityCode('uncertain', 'reported')
  const bad = qualityCode('bad', 'reported')
  it.each<[string, readonly Row[], Partial<Written>, unknown, Readonly<Record<string, number>>]>([
    ['that is bad is left out', [[OIL, T0, 40, bad]], {}, [0, null, 2], { 'press-7/oil withheld bad': 1 }],
    ['that is uncertain marks its cell', [[OIL, T0, 40, uncertain]], {}, [0, 40, 1], { 'press-7/oil disclosed': 1 }],
    [
      'from too far in the future is not used',
      [
        [OIL, T0, 40],
        [OIL, T0 + HOUR, 90],
      ],
      {},
      [0, 40, 0],
      { 'press-7/oil disclosed': 1, 'press-7/oil withheld clock': 1 },
    ],
    [
      'under a clock that was not trusted is not used',
      [[OIL, T0, 40]],
      { sane: false },
      [0, null, 2],
      { 'press-7/oil withheld clock': 1 },
    ],
    [
      'that no rule names stays inside',
      [[SECRET, T0, 40]],
      {},
      [0, null, 2],
      { 'press-7/secret withheld unlisted': 1 },
    ],
    ['that is no number stays inside', [[OIL, T0, 'x']], {}, [0, null, 2], { 'press-7/oil withheld unusable': 1 }],
    [
      'from before the stream stays inside',
      [[OIL, T0 - 1, 40]],
      {},
      [0, null, 2],
      { 'press-7/oil withheld new_stream': 1 },
    ],
    ['of 64 bits counts by its value', [[OIL, T0, 60n]], {}, [0, 60, 0], { 'press-7/oil disclosed': 1 }],
  ])('%s', (_, rows, how, cell, ledger) => {
    const log = logOf([{ ...block(T0, rows), ...how }, block(T0 + MINUTE + 30_000), block(T0 + 9 * MINUTE)])
    const published = publishLog(log, means, signals)
    expect(cells(published.periods, 'oil')).toContainEqual(cell)
    expect(published.ledger).toEqual(ledger)
  })

  it('is disclosed where one of its cells is, whatever the others are', () => {
    const twice = plan({ oil, slow: { ...oil, window: '5m' } }, ['oil', 'slow'])
    // The minute is late, the five minutes are not.
    const log = logOf([block(T0 + 90 * SECOND), block(T0 + 100 * SECOND, [[OIL, T0, 40]]), block(T0 + 20 * MINUTE)])
    const { periods, ledger } = publishLog(log, twice, signals)
    expect(cells(periods, 'oil')).toContainEqual([0, null, 2])
    expect(cells(periods, 'slow')).toContainEqual([5, 40, 0])
    expect(ledger).toEqual({ 'press-7/oil disclosed': 1 })
  })
})

describe('rows', () => {
  it('are dense: every listed asset in every slot, sorted by slot and pseudonym', () => {
    const contract = contractOf({ stream: { kind: 'stream', grid: '1m', cadence: '2m', columns: { oil } } })
    const three = Object.fromEntries(['press-7', 'press-8', 'press-9'].map((name) => [name, { class: 'press' }]))
    const { periods } = publishLog(
      logOf([block(T0, [[OIL, T0, 40]]), block(T0 + HOUR, [], null), block(T0 + 2 * HOUR)]),
      planOf(contract, policyOf({ stream: { oil: rules.oil } }, { assets: three }), signals, [
        'press-8/oil',
        'press-9/oil',
      ]),
      signals,
    )
    const names = ['press-7', 'press-8', 'press-9'].map((name) => pseudonyms.asset(0, name)).sort()
    expect(periods[0]!.assets).toEqual([...names, ...names])
    expect([...periods[0]!.slots]).toEqual([T0, T0, T0, T0 + MINUTE, T0 + MINUTE, T0 + MINUTE])
    expect(cells(periods.slice(0, 1), 'oil')).toHaveLength(6)
  })

  it('begin with the first whole slot of the stream', () => {
    const contract = contractOf({ stream: { kind: 'stream', grid: '1m', cadence: '10m', columns: { oil } } })
    const tens = planOf(contract, policyOf({ stream: { oil: rules.oil } }, { assets }), signals)
    const since = T0 + 3.5 * MINUTE
    const { periods } = publishLog(logOf([block(since), block(T0 + 25 * MINUTE)]), tens, signals, { since })
    expect(periods.map(({ from, until }) => [(from - T0) / MINUTE, (until - T0) / MINUTE])).toEqual([
      [4, 10],
      [10, 20],
    ])
  })

  it('are named anew in each epoch', () => {
    const newYear = Date.UTC(2027, 0, 1)
    const { periods } = publishLog(logOf([block(newYear - MINUTE), block(newYear + 2 * MINUTE)]), means, signals, {
      since: newYear - MINUTE,
    })
    expect(periods.map((period) => [period.epoch, period.assets[0]])).toEqual([
      [0, pseudonyms.asset(0, 'press-7')],
      [1, pseudonyms.asset(1, 'press-7')],
    ])
  })

  it('hold a column without a rule, null in every row', () => {
    const { periods } = publishLog(logOf([block(T0 + 2 * MINUTE)]), plan({ other: oil, oil }), signals)
    expect(cells(periods, 'other')).toEqual([[0, null, 2]])
  })

  it('of a new dataset begin where the others stand', () => {
    const both = planOf(
      contractOf({
        a: { kind: 'stream', grid: '1m', cadence: '1m', columns: { oil } },
        b: { kind: 'stream', grid: '1m', cadence: '1m', columns: { oil } },
      }),
      policyOf({ a: { oil: rules.oil }, b: { oil: rules.oil } }, { assets }),
      signals,
    )
    const cursor = { raw_seq: rawSeq(0), sealed_until: { a: unixMs(T0 + 10 * MINUTE) } }
    const { periods } = publishLog(logOf([block(T0 + 12 * MINUTE)]), both, signals, { cursor })
    expect(periods.map((p) => [p.dataset, (p.from - T0) / MINUTE])).toEqual([
      ['a', 10],
      ['b', 10],
    ])
  })
})
