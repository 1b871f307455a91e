import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxInsert } from '../../bench/max-insert.ts'
import { cheapestByTrial } from '../../test/support/read-trial.ts'
import { TABLES } from './address.ts'
import type { LineTime } from './line-time.ts'
import { costOf, type Place, planReads, type ReadLimits } from './read-set.ts'

const network: LineTime = { request_ms: 5, register_ms: 0.01 }
const serial: LineTime = { request_ms: 27, register_ms: 2.3 }
const limits: ReadLimits = { max_registers: 125, max_bits: 2000, cost: network }
const holding = (address: number, size = 1, group?: number): Place => ({ table: 'holding', address, size, group })
const spans = (places: readonly Place[], l: Partial<ReadLimits> = {}): string[] =>
  planReads(places, { ...limits, ...l }).map((r) => `${r.address}+${r.quantity}`)
const hole = (from: number, to: number) => ({ table: 'holding', from, to }) as const

describe('planReads', () => {
  it.each<[string, Place[], Partial<ReadLimits>, string[]]>([
    ['contiguous', [holding(0), holding(1, 2), holding(3)], { max_gap: 0 }, ['0+4']],
    ['a hole that must not be read', [holding(0), holding(2)], { max_gap: 0 }, ['0+1', '2+1']],
    ['a hole that may be bridged', [holding(0), holding(2)], { max_gap: 1 }, ['0+3']],
    ['a hole one too wide', [holding(0), holding(3)], { max_gap: 1 }, ['0+1', '3+1']],
    ['a wide hole on a network', [holding(0), holding(120)], {}, ['0+121']],
    ['a hole that pays on a serial line', [holding(0), holding(12)], { cost: serial }, ['0+13']],
    ['a hole that does not', [holding(0), holding(13)], { cost: serial }, ['0+1', '13+1']],
    ['a forbidden hole', [holding(0), holding(5), holding(9)], { uncrossable: [hole(2, 4)] }, ['0+1', '5+5']],
    ['a border that must not be crossed', [holding(0, 5), holding(5)], { uncrossable: [hole(4, 6)] }, ['0+5', '5+1']],
    ['spans inside each other', [holding(3), holding(10)], { uncrossable: [hole(5, 8), hole(2, 9)] }, ['3+1', '10+1']],
    ['bits of one word', Array.from({ length: 16 }, () => holding(7)), {}, ['7+1']],
    ['a number inside a string', [holding(12), holding(10, 8)], { max_gap: 0 }, ['10+8']],
    ['an overlap', [holding(10, 4), holding(12, 4)], { max_gap: 0 }, ['10+6']],
    ['a long one that covers a later short one', [holding(0, 120), holding(119), holding(125)], {}, ['0+120', '125+1']],
    ['an overlap longer than a read', [holding(0, 80), holding(60, 80), holding(70)], {}, ['0+80', '60+80']],
    ['more than fits', [holding(0, 100), holding(100, 30)], {}, ['0+100', '100+30']],
    ['exactly what fits', [holding(0, 100), holding(100, 25)], {}, ['0+125']],
    ['two blocks, without the hole between', [holding(0, 100), holding(120, 100)], {}, ['0+100', '120+100']],
    ['a smaller device', [holding(0, 4), holding(4, 4), holding(8, 4)], { max_registers: 8 }, ['0+8', '8+4']],
    ['a group', [holding(0, 1, 1), holding(40, 1, 1), holding(20)], { cost: serial }, ['0+41']],
    ['a group at a limit', [holding(0, 60), holding(60, 60, 1), holding(121, 5, 1)], {}, ['0+60', '60+66']],
    ['two tables', [holding(0), { table: 'input', address: 1, size: 1 }], {}, ['0+1', '1+1']],
    ['the last address', [holding(65_535)], {}, ['65535+1']],
    ['nothing', [], {}, []],
  ])('plans %s', (_, places, l, expected) => {
    expect(spans(places, l)).toEqual(expected)
  })

  it('costs what the best of all sets of reads costs, in as few requests', () => {
    const place = fc.record({
      table: fc.constantFrom(...TABLES.slice(0, 2), ...TABLES.slice(2, 3)),
      address: fc.integer({ min: 0, max: 40 }),
      size: fc.integer({ min: 1, max: 8 }),
      group: fc.option(fc.constantFrom(1, 2), { nil: undefined, freq: 4 }),
    })
    const span = fc.record({
      table: fc.constantFrom(...TABLES.slice(0, 2)),
      from: fc.integer({ min: 0, max: 40 }),
      to: fc.integer({ min: 1, max: 6 }),
    })
    const tried = fc.record({
      max_registers: fc.integer({ min: 8, max: 40 }),
      max_bits: fc.integer({ min: 8, max: 40 }),
      max_gap: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
      uncrossable: fc.array(
        span.map((s) => ({ ...s, to: s.from + s.to })),
        { maxLength: 3 },
      ),
      cost: fc.record({ request_ms: fc.integer({ min: 1, max: 30 }), register_ms: fc.integer({ min: 0, max: 4 }) }),
    })
    fc.assert(
      fc.property(fc.array(place, { maxLength: 7 }), tried, (places, l) => {
        const reads = planReads(places, l)
        const best = cheapestByTrial(places, l)
        expect(costOf(reads, l.cost)).toBeCloseTo(best.cost, 9)
        expect(reads).toHaveLength(best.requests)
      }),
      { numRuns: 400 },
    )
  })

  it('reads every place exactly once, whole, groups together, within limits and without what is forbidden', () => {
    const place = fc.record({
      table: fc.constantFrom(...TABLES),
      address: fc.integer({ min: 0, max: 400 }),
      size: fc.integer({ min: 1, max: 10 }),
    })
    const some = fc.record({
      max_registers: fc.integer({ min: 10, max: 125 }),
      max_bits: fc.integer({ min: 10, max: 2000 }),
      max_gap: fc.integer({ min: 0, max: 20 }),
    })
    fc.assert(
      fc.property(fc.array(place, { maxLength: 60 }), some, fc.constantFrom(network, serial), (places, l, cost) => {
        const reads = planReads(places, { ...l, cost })
        expect(new Set(reads.flatMap((r) => r.signals))).toEqual(new Set(places))
        expect(reads.flatMap((r) => r.signals)).toHaveLength(places.length)
        for (const read of reads) {
          const bits = read.table === 'coil' || read.table === 'discrete'
          expect(read.quantity).toBeLessThanOrEqual(bits ? l.max_bits : l.max_registers)
          expect(read.signals[0]!.address).toBe(read.address)
          let reached = read.address
          for (const s of read.signals) {
            expect(s.table).toBe(read.table)
            expect(s.address + s.size).toBeLessThanOrEqual(read.address + read.quantity)
            expect(s.address - reached).toBeLessThanOrEqual(l.max_gap)
            reached = Math.max(reached, s.address + s.size)
          }
          expect(reached).toBe(read.address + read.quantity)
        }
      }),
    )
  })

  it("asks and reads no more than a peer's greedy optimiser by that one's own rules", () => {
    const place = fc.record({
      table: fc.constant('holding' as const),
      address: fc.integer({ min: 0, max: 600 }),
      size: fc.integer({ min: 1, max: 4 }),
    })
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 60 }), fc.integer({ min: 0, max: 60 }), (places, fill) => {
        const peer = maxInsert(places, { fill, max: 125 })
        fc.pre(peer.complete)
        const fewest = { request_ms: 1_000, register_ms: 0.001 }
        const ours = planReads(places, { ...limits, max_gap: fill, cost: fewest })
        expect(ours.length).toBeLessThanOrEqual(peer.reads.length)
        const registers = (reads: readonly { quantity: number }[]): number => reads.reduce((n, r) => n + r.quantity, 0)
        expect(registers(ours)).toBeLessThanOrEqual(registers(peer.reads))
      }),
    )
  })
})
