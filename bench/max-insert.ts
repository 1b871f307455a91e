import { isBitTable, TABLES } from '../adapters/modbus/address.ts'
import type { Place, PlannedRead } from '../adapters/modbus/read-set.ts'

/** Reads as a peer's request optimiser named max_insert builds them, written after its description. */
export interface MaxInsert {
  readonly reads: readonly Omit<PlannedRead, 'signals'>[]
  /** false: some place is not wholly in any of them, so its value is lost or wrong */
  readonly complete: boolean
}

/**
 * Sorted by address, longer first; from left to right a place joins the request before it unless the hole between is
 * wider than `fill` or the request would grow beyond the limit. The end of a request is the end of the last place that
 * joined, not the furthest: a short place inside a long one cuts the long one off.
 */
export function maxInsert(
  places: readonly Place[],
  limits: { readonly fill: number; readonly max: number },
): MaxInsert {
  const reads: Omit<PlannedRead, 'signals'>[] = []
  for (const table of TABLES) {
    const max = isBitTable(table) ? 2_000 : limits.max
    const sorted = places.filter((p) => p.table === table).sort((a, b) => a.address - b.address || b.size - a.size)
    let open: { table: typeof table; address: number; quantity: number } | undefined
    for (const { address, size } of sorted) {
      const hole = open ? address - (open.address + open.quantity) : 0
      if (open && hole <= limits.fill && address + size - open.address <= max)
        open.quantity = address + size - open.address
      else {
        open = { table, address, quantity: size }
        reads.push(open)
      }
    }
  }
  const covered = (p: Place): boolean =>
    reads.some((r) => r.table === p.table && r.address <= p.address && p.address + p.size <= r.address + r.quantity)
  return { reads, complete: places.every(covered) }
}
