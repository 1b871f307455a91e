import { FORM_NULL } from '../../core/reading-block.ts'
import type { StoredBlock } from '../../core/stored-block.ts'

/** How much happens in the plant, told from its readings: how often a value differs from the one before. */
export interface Activity {
  take(block: StoredBlock): void
  /** For each period, whether more happened in it than on average. @param periods UnixMs, from and until */
  busiest(periods: readonly (readonly [number, number])[]): readonly boolean[]
}

const MINUTE = 60_000

export function makeActivity(): Activity {
  const latest = new Map<number, number | string>()
  const changes = new Map<number, number>()
  return {
    take({ block }) {
      const { signals, times, values, forms, texts } = block
      for (const [i, signal] of signals.entries()) {
        if (forms[i] === FORM_NULL) continue
        const value = texts[values[i]!] !== undefined && forms[i]! > 2 ? texts[values[i]!]! : values[i]!
        if (latest.get(signal) === value) continue
        latest.set(signal, value)
        const minute = Math.floor(times[i]! / MINUTE)
        changes.set(minute, (changes.get(minute) ?? 0) + 1)
      }
    },
    busiest(periods) {
      const sums = periods.map(([from, until]) => {
        let sum = 0
        for (let minute = Math.floor(from / MINUTE); minute < until / MINUTE; minute++) sum += changes.get(minute) ?? 0
        return sum / Math.max(1, until - from)
      })
      const mean = sums.reduce((all, sum) => all + sum, 0) / Math.max(1, sums.length)
      return sums.map((sum) => sum > mean)
    },
  }
}
