import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StoredBlock } from '../core/stored-block.ts'
import { logOf, type Written } from '../test/support/disclosure.ts'
import { ceilTo, type Feed, floorTo, makeClosing, makeFirstArrivals } from './window.ts'

describe('spans', () => {
  it.each([
    [0, 60, 0, 0],
    [1, 60, 0, 60],
    [59, 60, 0, 60],
    [60, 60, 60, 60],
    [-1, 60, -60, 0],
    [Number.NEGATIVE_INFINITY, 60, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ])('%d lies between multiples of %d: %d and %d', (at, span, floor, ceil) => {
    expect(floorTo(at, span)).toBe(floor)
    expect(ceilTo(at, span) + 0).toBe(ceil)
  })

  it('are aligned to UTC days', () =>
    expect(floorTo(Date.UTC(2028, 1, 29, 23, 59), 86_400_000)).toBe(Date.UTC(2028, 1, 29)))
})

/** Times are in seconds here: only their differences matter. */
const SLOT = 60
const GRACE = 30
const MAX_WAIT = 600
const plc: Feed = { asset: 'a', sources: ['plc'] }
const broker: Feed = { asset: 'a', sources: ['broker'] }

function closing(feeds: readonly Feed[], blocks: readonly Written[]): number {
  const closing = makeClosing({ slot: SLOT, grace: GRACE, max_wait: MAX_WAIT, feeds })
  for (const block of logOf(blocks)) closing.see(block)
  return closing.until()
}

describe('closing', () => {
  const said = (arrival: number, complete: object = {}): Written => ({ arrival, complete: complete as never })
  it.each<[string, readonly Feed[], readonly Written[], number]>([
    ['has closed nothing before the first block', [plc], [], Number.NEGATIVE_INFINITY],
    ['needs no one where no signal feeds it, only the grace', [], [said(149)], 60],
    ['comes to the moment', [], [said(150)], 120],
    ['waits for every feed', [plc, broker], [said(1000, { plc: { a: 1000 }, broker: { a: 250 } })], 240],
    ['waits for a feed that never spoke', [plc, broker], [said(1000, { plc: { a: 1000 } })], Number.NEGATIVE_INFINITY],
    [
      'puts together what feeds said at different times',
      [plc, broker],
      [said(500, { plc: { a: 500 } }), said(1000, { broker: { a: 1000 } })],
      480,
    ],
    [
      'does not open again when a feed goes back',
      [plc],
      [said(500, { plc: { a: 500 } }), said(501, { plc: { a: 0 } })],
      420,
    ],
    [
      'does not believe what a feed says of the time after it spoke',
      [plc],
      [said(100, { plc: { a: 10_000 } }), said(500)],
      60,
    ],
    [
      'does not wait longer than max_wait after the first block from a slot on',
      [plc],
      [said(130), said(600), said(729), said(730)],
      120,
    ],
    ['forgets none of the blocks that others wait from', [plc], [said(130), said(200), said(730), said(800)], 180],
    [
      'learns nothing from an untrusted clock',
      [plc],
      [{ ...said(10_000, { plc: { a: 10_000 } }), sane: false }, said(100, { plc: { a: 100 } })],
      60,
    ],
  ])('%s', (_, feeds, blocks, expected) => expect(closing(feeds, blocks)).toBe(expected))

  it('believes whichever speaks of the asset, where several sources may bring a signal', () => {
    const either: Feed = { asset: 'a', sources: ['plc', 'broker'] }
    expect(closing([either], [said(1000)])).toBe(Number.NEGATIVE_INFINITY)
    expect(closing([either], [said(1000, { broker: { a: 250 } })])).toBe(240)
    expect(closing([either], [said(1000, { broker: { a: 250 }, plc: { a: 400 } })])).toBe(360)
    expect(closing([either], [said(1000, { broker: { b: 250 } })])).toBe(Number.NEGATIVE_INFINITY)
  })
})

const logs = fc
  .array(
    fc.record({
      step: fc.oneof({ arbitrary: fc.integer({ min: 0, max: 100 }), weight: 9 }, fc.integer({ min: -900, max: 900 })),
      sane: fc.oneof({ arbitrary: fc.constant(true), weight: 9 }, fc.constant(false)),
      plc: fc.option(fc.integer({ min: -200, max: 200 }), { nil: undefined }),
      broker: fc.option(fc.integer({ min: -400, max: 100 }), { nil: undefined }),
      rows: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 40 },
  )
  .map((steps) => {
    let arrival = 10_000
    return logOf(
      steps.map(({ step, sane, plc, broker, rows }): Written => {
        arrival += step
        const complete = {
          ...(plc === undefined ? {} : { plc: { a: arrival + plc } }),
          ...(broker === undefined ? {} : { broker: { a: arrival + broker } }),
        }
        return { arrival, sane, complete, rows: Array.from({ length: rows }, () => [0, arrival, 1] as const) }
      }),
    )
  })

describe('first arrivals', () => {
  const firsts = makeFirstArrivals(SLOT)
  const rows = [[0, 0, 1]] as const
  for (const block of logOf([60, 119, 120, 121, 200].map((arrival) => ({ arrival, rows })))) firsts.see(block)

  it('are found from a moment on, and before it', () => {
    expect([0, 60, 120, 180, 240].map(firsts.firstFrom)).toEqual([0, 0, 2, 4, undefined])
    expect([59, 60, 119, 120, 199, 200].map(firsts.lastAtOrBefore)).toEqual([undefined, 60, 60, 120, 120, 200])
  })

  it('are forgotten before a moment, and not at it', () => {
    firsts.forget(120)
    expect([120, 180].map(firsts.firstFrom)).toEqual([2, 4])
    expect([119, 120].map(firsts.lastAtOrBefore)).toEqual([undefined, 120])
  })
})

describe('any log', () => {
  /** Multiples of the slot around the log; whatever lies before all of them is closed alike. */
  function endsOf(log: readonly StoredBlock[]): readonly number[] {
    const arrivals = [10_000, ...log.map((block) => block.arrival)]
    const [least, most] = [floorTo(Math.min(...arrivals), SLOT) - MAX_WAIT, ceilTo(Math.max(...arrivals), SLOT)]
    return Array.from({ length: (most - least) / SLOT + 1 }, (_, i) => least + i * SLOT)
  }

  it('closes the slots that the words of the rule close, block by block', () => {
    fc.assert(
      fc.property(logs, (log) => {
        const closing = makeClosing({ slot: SLOT, grace: GRACE, max_wait: MAX_WAIT, feeds: [plc, broker] })
        const ends = endsOf(log)
        let until = ends[0]!
        log.forEach((block, i) => {
          closing.see(block)
          if (block.sane) until = Math.max(until, ...ends.filter((end) => closes(end, block, log.slice(0, i + 1))))
          expect(Math.max(closing.until(), ends[0]!)).toBe(until)
        })
      }),
    )
  })

  it('remembers the first block from each span on', () => {
    fc.assert(
      fc.property(logs, fc.double({ min: 0, max: 1, noNaN: true }), (log, share) => {
        const firsts = makeFirstArrivals(SLOT)
        for (const block of log) firsts.see(block)
        const ends = endsOf(log)
        const needed = ends.slice(Math.floor(share * ends.length))
        firsts.forget(needed[0] ?? Number.POSITIVE_INFINITY)
        for (const at of needed)
          expect(firsts.firstFrom(at)).toBe(log.find((block) => block.sane && block.arrival >= at)?.seq)
      }),
    )
  })
})

/** Whether the last block of the log closes the slot that ends there, in the words of the specification. */
function closes(end: number, { arrival }: StoredBlock, log: readonly StoredBlock[]): boolean {
  const sane = log.filter((block) => block.sane)
  const isComplete = (source: string): boolean =>
    sane.some((block) => Math.min(block.complete[source]?.a ?? Number.NEGATIVE_INFINITY, block.arrival) >= end)
  const first = sane.find((block) => block.arrival >= end)
  return (
    (arrival >= end + GRACE && isComplete('plc') && isComplete('broker')) ||
    (first !== undefined && arrival >= first.arrival + MAX_WAIT)
  )
}
