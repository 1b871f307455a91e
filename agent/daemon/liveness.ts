import type { Clock } from '../../core/clock.ts'

/** What the watchdog is fed by: every loop says that it still turns. */
export interface Liveness {
  /** Registers a loop that must `beat` at least every `limit` ms. */
  watch(loop: string, limit: number): { beat(): void; end(): void }
  /** Something that all of them may wait for takes its time: none is late yet. */
  excuse(): void
  /** Loops that have not turned within their limit. */
  stalled(): readonly string[]
}

/** @param clock its monotonic time is what limits are measured in */
export function makeLiveness(clock: Clock): Liveness {
  const loops = new Map<object, { readonly name: string; readonly limit: number; last: number }>()
  return {
    watch(name, limit) {
      const key = {}
      const loop = { name, limit, last: clock.monotonic() }
      loops.set(key, loop)
      return {
        beat() {
          loop.last = clock.monotonic()
        },
        end() {
          loops.delete(key)
        },
      }
    },
    excuse() {
      for (const loop of loops.values()) loop.last = clock.monotonic()
    },
    stalled: () => [...loops.values()].filter((l) => clock.monotonic() - l.last > l.limit).map((l) => l.name),
  }
}
