import type { Clock } from '../../core/clock.ts'

/** Events a second over the last ten seconds or so, from a counter that only grows. */
export function makeRate(clock: Clock, span = 10_000): { sample(count: number): void; perSecond(): number } {
  const samples: { readonly at: number; readonly count: number }[] = []
  return {
    sample(count) {
      const at = clock.monotonic()
      samples.push({ at, count })
      while (samples.length > 2 && at - samples[1]!.at >= span) samples.shift()
    },
    perSecond() {
      const [first, last] = [samples[0], samples.at(-1)]
      if (!first || !last || last.at <= first.at) return 0
      return ((last.count - first.count) / (last.at - first.at)) * 1_000
    },
  }
}
