import { FORM_NUMBER } from '../../core/reading-block.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { StoredBlock } from '../../core/stored-block.ts'
import type { DisclosurePlan } from '../../privacy/compile.ts'

/** What the counters below the line of rates really counted. */
export interface Counts {
  take(block: StoredBlock): void
  /** parts that the signal counted in the window that starts there; `window` in ms */
  parts(signal: string, start: number, window: number): number
}

export function makeCounts(plan: DisclosurePlan, signalOf: (index: number) => SignalSpec): Counts {
  const windows = new Map<string, Set<number>>()
  for (const column of plan.datasets.flatMap((dataset) => dataset.columns)) {
    if (column.stat !== 'rate') continue
    for (const [, over] of column.inputs) {
      if (over) windows.set(over.id, (windows.get(over.id) ?? new Set()).add(column.window))
    }
  }
  const latest = new Map<string, number>()
  const counted = new Map<string, number>()
  const key = (signal: string, start: number, window: number): string => `${signal} ${window} ${start}`
  return {
    take({ block }) {
      for (const [i, index] of block.signals.entries()) {
        const { id } = signalOf(index)
        const of = windows.get(id)
        if (!of || block.forms[i] !== FORM_NUMBER) continue
        const value = block.values[i]!
        const before = latest.get(id)
        latest.set(id, value)
        if (before === undefined) continue
        for (const window of of) {
          const at = key(id, Math.floor(block.times[i]! / window) * window, window)
          counted.set(at, (counted.get(at) ?? 0) + (value >= before ? value - before : value))
        }
      }
    },
    parts: (signal, start, window) => Math.round(counted.get(key(signal, start, window)) ?? 0),
  }
}
