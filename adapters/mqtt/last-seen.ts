import { qualityOf } from '../../core/quality.ts'
import type { SignalSpec, Value } from '../../core/signal.ts'
import type { ProbeReading } from '../source.ts'

/** The last reading of each signal, for `sluice probe`. */
export interface LastSeen {
  set(index: number, value: Value | null, quality: number, topic: string): void
  /** true: each of the first `n` signals has been seen */
  seen(n: number): boolean
  list(): readonly ProbeReading[]
}

/** @param signals the source's own list, which grows; a signal that is in it again, stamped by another clock, is listed once */
export function makeLastSeen(source: string, signals: readonly SignalSpec[]): LastSeen {
  const values: (Value | null | undefined)[] = []
  const qualities: number[] = []
  const topics: string[] = []
  return {
    set(index, value, quality, topic) {
      values[index] = value
      qualities[index] = quality
      topics[index] = topic
    },
    seen(n) {
      for (let i = 0; i < n; i++) if (values[i] === undefined) return false
      return true
    },
    list() {
      const listed = new Set<string>()
      return signals.flatMap((spec, i) => {
        if (listed.has(spec.id)) return []
        listed.add(spec.id)
        const value = values[i]
        const seen = value !== undefined
        return {
          source,
          device: null,
          asset: spec.asset,
          signal: spec.name,
          value: typeof value === 'bigint' ? String(value) : (value ?? null),
          ...(seen ? qualityOf(qualities[i]!) : { quality: 'bad' as const, reason: 'no message yet' }),
          unit: spec.unit ?? null,
          raw: seen ? topics[i]! : null,
        }
      })
    },
  }
}
