/** When reads are due. All times are monotonic milliseconds. */
export interface Schedule {
  /** the next time anything is due */
  readonly next: number
  /**
   * The periods due at `now` and how many of their earlier ticks passed unserved. A late tick is served once, at once;
   * the following ones keep their times, so nothing drifts and nothing queues up.
   */
  take(now: number): { readonly periods: readonly number[]; readonly skipped: number }
}

/** Every period ticks at `start` and each multiple after it, so periods that divide each other are due together. */
export function makeSchedule(start: number, periods: readonly number[]): Schedule {
  const ticks = new Map(periods.map((period) => [period, 0]))
  return {
    get next() {
      let next = Number.POSITIVE_INFINITY
      for (const [period, tick] of ticks) next = Math.min(next, start + tick * period)
      return next
    },
    take(now) {
      const due: number[] = []
      let skipped = 0
      for (const [period, tick] of ticks) {
        const passed = Math.floor((now - start) / period)
        if (passed < tick) continue
        due.push(period)
        skipped += passed - tick
        ticks.set(period, passed + 1)
      }
      return { periods: due, skipped }
    },
  }
}
