import { isBitTable } from '../../adapters/modbus/address.ts'
import { costOf, type Place, type ReadLimits } from '../../adapters/modbus/read-set.ts'

interface Run {
  readonly from: number
  readonly to: number
}

/**
 * The best of all ways to distribute these places over reads, tried one by one: 4,140 ways for 8 places of a table.
 * Written from the rules alone, to judge the planner by.
 */
export function cheapestByTrial(
  places: readonly Place[],
  limits: ReadLimits,
): { readonly cost: number; readonly requests: number; readonly registers: number } {
  let [cost, requests, registers] = [0, 0, 0]
  for (const [table, own] of Map.groupBy(places, (p) => p.table)) {
    const groups = Map.groupBy(own, (p, i) => (p.group === undefined ? `place ${i}` : `group ${p.group}`))
    const wholes = [...groups.values()].map(hull)
    const max = isBitTable(table) ? limits.max_bits : limits.max_registers
    const allowed = (members: readonly Run[]): boolean => {
      const read = hull(members.map(({ from, to }) => ({ address: from, size: to - from })))
      const single = wholes.some((w) => w.from === read.from && w.to === read.to)
      if (single) return true
      const contained = (limits.uncrossable ?? []).some(
        (s) => s.table === table && s.from >= read.from && s.to <= read.to,
      )
      return read.to - read.from <= max && !contained && widestHole(wholes, read) <= (limits.max_gap ?? 65_536)
    }
    const priced = (reads: readonly (readonly Run[])[]): number =>
      costOf(
        reads.map((r) => ({
          table,
          address: 0,
          quantity: spanOf(r),
        })),
        limits.cost,
      )
    let best = { cost: Number.POSITIVE_INFINITY, requests: 0, registers: 0 }
    for (const reads of partitions(wholes)) {
      const price = priced(reads)
      if (price > best.cost + 1e-9 || (Math.abs(price - best.cost) <= 1e-9 && reads.length >= best.requests)) continue
      if (reads.every(allowed))
        best = { cost: price, requests: reads.length, registers: reads.reduce((sum, r) => sum + spanOf(r), 0) }
    }
    cost += best.cost
    requests += best.requests
    registers += best.registers
  }
  return { cost, requests, registers }
}

function spanOf(members: readonly Run[]): number {
  return Math.max(...members.map((m) => m.to)) - Math.min(...members.map((m) => m.from))
}

function hull(places: readonly { readonly address: number; readonly size: number }[]): Run {
  return {
    from: Math.min(...places.map((p) => p.address)),
    to: Math.max(...places.map((p) => p.address + p.size)),
  }
}

/** Addresses in a row, inside the read, that no place takes. */
function widestHole(wholes: readonly Run[], read: Run): number {
  let [widest, run] = [0, 0]
  for (let at = read.from; at < read.to; at++) {
    run = wholes.some((w) => w.from <= at && at < w.to) ? 0 : run + 1
    widest = Math.max(widest, run)
  }
  return widest
}

function* partitions<T>(items: readonly T[]): Generator<readonly (readonly T[])[]> {
  const [head, ...rest] = items
  if (head === undefined) return yield []
  for (const parts of partitions(rest)) {
    yield [[head], ...parts]
    for (let i = 0; i < parts.length; i++) yield parts.map((part, k) => (k === i ? [head, ...part] : part))
  }
}
