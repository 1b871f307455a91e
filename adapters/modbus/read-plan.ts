import { isBitTable } from './address.ts'
import type { PlannedSignal } from './plan.ts'
import { type PlannedRead, planReads, type ReadLimits, splitRead } from './read-set.ts'
import { ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE } from './unit-reader.ts'

type Read = PlannedRead<PlannedSignal>

/** The reads of one device as they change with what it refuses. Pure but for what it remembers. */
export interface ReadPlan {
  /** Reads for the signals of these periods, at monotonic time `now`; what the device refused is left out for a while. */
  reads(periods: readonly number[], now: number): readonly Read[]
  /** The device answered with data. */
  served(read: Read): void
  /** The device refused these signals (exceptions 1 to 3). True where that is news. */
  refused(read: Read, code: number, now: number): boolean
  /** The device refused this read as a whole; its places follow singly. */
  split(read: Read): void
  /** Call after a cycle in which the unit answered everything. */
  learn(): void
}

/** A refused signal is asked for again, alone: soon, since a device that starts up refuses too, then once a minute. */
const RETRY = { first: 2_000, last: 60_000 }

export function makeReadPlan(signals: readonly PlannedSignal[], configured: ReadLimits): ReadPlan {
  let limits = configured
  /** refused signals, the wait before the next try and when that is */
  const refused = new Map<PlannedSignal, { readonly wait: number; readonly at: number }>()
  const plans = new Map<string, readonly Read[]>()
  let broken: Read[] = []

  function merged(periods: readonly number[]): readonly Read[] {
    const key = periods.join()
    const known = plans.get(key)
    if (known) return known
    const due = new Set(periods)
    const reads = planReads(
      signals.filter((s) => due.has(s.period) && !refused.has(s)),
      limits,
    )
    plans.set(key, reads)
    return reads
  }

  /** Each place alone was fine, so it was a hole or the length that the device did not like. */
  function shrink(read: Read): void {
    const used = new Set(read.signals.flatMap((s) => Array.from({ length: s.size }, (_, i) => s.address + i)))
    if (used.size < read.quantity) limits = { ...limits, max_gap: 0 }
    else {
      const key = isBitTable(read.table) ? 'max_bits' : 'max_registers'
      limits = { ...limits, [key]: Math.max(Math.ceil(read.quantity / 2), ...read.signals.map((s) => s.size)) }
    }
    plans.clear()
  }

  return {
    reads(periods, now) {
      const reads = merged(periods)
      if (refused.size === 0) return reads
      const again = [...refused].filter(([s, { at }]) => now >= at && periods.includes(s.period)).map(([s]) => s)
      return again.length === 0 ? reads : [...reads, ...planReads(again, limits).flatMap(splitRead)]
    },
    served(read) {
      if (refused.size === 0) return
      for (const s of read.signals) if (refused.delete(s)) plans.clear()
    },
    refused(read, code, now) {
      if (code !== ILLEGAL_FUNCTION && code !== ILLEGAL_ADDRESS && code !== ILLEGAL_VALUE) return false
      const news = read.signals.some((s) => !refused.has(s))
      for (const s of read.signals) {
        const before = refused.get(s)
        const wait = before ? Math.min(RETRY.last, before.wait * 2) : RETRY.first
        refused.set(s, { wait, at: now + wait })
      }
      if (news) plans.clear()
      return news
    },
    split(read) {
      broken.push(read)
    },
    learn() {
      for (const read of broken) if (!read.signals.some((s) => refused.has(s))) shrink(read)
      broken = []
    },
  }
}
