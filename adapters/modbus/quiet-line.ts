/** When a serial line and its units may be spoken to. Times are real ms of one monotonic clock. */
export interface QuietLine {
  /** A byte went out or came in. */
  touched(now: number): void
  /** A request to this unit was given up now. */
  unanswered(unit_id: number, now: number): void
  /** ms until the line was silent for long enough; 0 or less when it was */
  noise(now: number): number
  /** ms for which this unit must be left alone still; 0 or less when it need not be */
  rest(unit_id: number, now: number): number
}

/**
 * A frame begins after `silence`, and a unit that did not answer is left alone for one more `timeout`: an answer that
 * comes in that time meets no request that it could pass for. Other units go on; their answers bear another unit id.
 */
export function makeQuietLine(times: { readonly silence: number; readonly timeout: number }): QuietLine {
  const resting = new Map<number, number>()
  let last = 0
  return {
    touched(now) {
      last = now
    },
    unanswered(unit_id, now) {
      resting.set(unit_id, now + times.timeout)
    },
    noise: (now) => last + times.silence - now,
    rest: (unit_id, now) => (resting.get(unit_id) ?? 0) - now,
  }
}
