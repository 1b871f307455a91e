/** Who waits until an AbortSignal aborts; one listener a signal, since adding one for every request is slow. */
export interface Waiters {
  /** `give` gets the reason when `signal` aborts, at once where it has; call what it returns to be forgotten. */
  add(signal: AbortSignal, give: (reason: unknown) => void): () => void
}

export function makeWaiters(): Waiters {
  const known = new WeakMap<AbortSignal, Set<(reason: unknown) => void>>()
  function waitersOf(signal: AbortSignal): Set<(reason: unknown) => void> {
    const before = known.get(signal)
    if (before) return before
    const waiting = new Set<(reason: unknown) => void>()
    known.set(signal, waiting)
    signal.addEventListener(
      'abort',
      () => {
        for (const give of waiting) give(signal.reason)
      },
      { once: true },
    )
    return waiting
  }
  return {
    add(signal, give) {
      if (signal.aborted) {
        give(signal.reason)
        return () => undefined
      }
      const waiting = waitersOf(signal)
      waiting.add(give)
      return () => void waiting.delete(give)
    },
  }
}
