/** What of many values can be seen in a drawing that is so wide: lowest and highest of each stretch of time. */
export interface Trace {
  /** UnixMs, the middle of each stretch with values, ascending */
  readonly at: readonly number[]
  /** null where nothing came for long */
  readonly low: readonly (number | null)[]
  readonly high: readonly (number | null)[]
}

/** Takes values as they come, in any order of time. */
export interface Envelope {
  add(at: number, value: number): void
  trace(): Trace
}

/** A silence is drawn where it lasts so many times as long as what usually lies between values. */
const SILENCE = 5

/** @param span UnixMs, from and until; values outside it are not drawn */
export function makeEnvelope([from, until]: readonly [number, number], stretches: number): Envelope {
  const low = new Float64Array(stretches).fill(Number.POSITIVE_INFINITY)
  const high = new Float64Array(stretches).fill(Number.NEGATIVE_INFINITY)
  const width = (until - from) / stretches
  return {
    add(at, value) {
      const i = Math.min(stretches - 1, Math.floor((at - from) / width))
      if (i < 0 || at > until) return
      if (value < low[i]!) low[i] = value
      if (value > high[i]!) high[i] = value
    },
    trace() {
      const filled = [...low.keys()].filter((i) => low[i]! <= high[i]!)
      const gaps = filled.slice(1).map((i, n) => i - filled[n]!)
      const usual = gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 1
      const points = filled.flatMap((i, n) => {
        const point = { at: from + (i + 0.5) * width, low: low[i]!, high: high[i]! }
        const silent = n > 0 && gaps[n - 1]! > SILENCE * usual
        return silent ? [{ at: from + (i - gaps[n - 1]! / 2 + 0.5) * width, low: null, high: null }, point] : [point]
      })
      return { at: points.map((p) => p.at), low: points.map((p) => p.low), high: points.map((p) => p.high) }
    },
  }
}
