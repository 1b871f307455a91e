import { parseDecimal } from '../core/decimal.ts'
import type { Charge } from '../core/noise.ts'

/** ε is counted in millionths, so that what is spent adds up exactly. */
export const EPSILON_UNIT = 1_000_000
/** With a larger ε there is no protection left to speak of. */
const LARGEST_EPSILON = 1_000

/** ε in millionths; undefined where it is not above zero, too large, or has more than six decimal places. */
export function microEpsilon(text: string): number | undefined {
  const decimal = parseDecimal(text)
  if (!decimal) return undefined
  const [units, power] = [decimal.units * BigInt(EPSILON_UNIT), 10n ** BigInt(decimal.places)]
  const micro = Number(units / power)
  return units % power === 0n && micro > 0 && micro <= LARGEST_EPSILON * EPSILON_UNIT ? micro : undefined
}

/** How much noise may say of one signal. */
export interface Budget {
  /** ms */
  readonly window: number
  /** ε in millionths */
  readonly micro: number
}

/**
 * The w-event budget of one pool: for every signal the charges of windows that start within any span of `budget.window`
 * add up to `budget.micro` at most. Datasets may charge out of order.
 */
export interface BudgetLedger {
  /** Charges all of these or, where one of them would be too much, none. @returns whether it did */
  charge(signals: readonly string[], start: number, micro: number): boolean
  /** Nothing that starts before `before` will count any more: it is not known from here on. */
  forget(before: number): void
}

/** What one signal was charged with, in order. */
interface Track {
  readonly starts: number[]
  /** of everything up to each start */
  readonly sums: number[]
  /** of what was forgotten */
  forgotten: number
}

/**
 * @param input.charges all that windows were charged with that start at `counted_from` or later
 * @param input.counted_from UnixMs; before it charges are not known, and may be as high as any; null: there are none
 */
export function makeBudgetLedger(input: {
  readonly budget: Budget
  readonly charges: readonly Charge[]
  readonly counted_from: number | null
}): BudgetLedger {
  const { window, micro: most } = input.budget
  let from = input.counted_from ?? Number.NEGATIVE_INFINITY
  const tracks = new Map<string, Track>()
  for (const { signal, start, micro } of input.charges) add(signal, start, micro)

  function add(signal: string, start: number, micro: number): void {
    const track = tracks.get(signal) ?? { starts: [], sums: [], forgotten: 0 }
    tracks.set(signal, track)
    const { starts, sums } = track
    let i = firstAfter(starts, start)
    if (starts[i - 1] === start) i--
    else {
      sums.splice(i, 0, sumBefore(track, i))
      starts.splice(i, 0, start)
    }
    for (; i < sums.length; i++) sums[i]! += micro
  }

  /** Largest sum within a span that holds `start`. */
  function spent(signal: string, start: number): number {
    const track = tracks.get(signal)
    if (!track) return 0
    const { starts } = track
    const upTo = (end: number): number =>
      sumBefore(track, firstAfter(starts, end)) - sumBefore(track, firstAfter(starts, end - window))
    let largest = upTo(start)
    for (let i = firstAfter(starts, start); i < starts.length && starts[i]! < start + window; i++)
      largest = Math.max(largest, upTo(starts[i]!))
    return largest
  }

  return {
    charge(signals, start, micro) {
      if (start - window + 1 < from) return false // a span reaches back to there
      if (signals.some((signal) => spent(signal, start) + micro > most)) return false
      for (const signal of signals) add(signal, start, micro)
      return true
    },
    forget(before) {
      from = Math.max(from, before)
      for (const track of tracks.values()) {
        const gone = firstAfter(track.starts, before - 1)
        track.forgotten = sumBefore(track, gone)
        track.starts.splice(0, gone)
        track.sums.splice(0, gone)
      }
    },
  }
}

function sumBefore({ sums, forgotten }: Track, i: number): number {
  return i === 0 ? forgotten : sums[i - 1]!
}

/** Index of the first that is greater than `at`. */
function firstAfter(ascending: readonly number[], at: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! > at) high = middle
    else low = middle + 1
  }
  return low
}
