import type { TimedRead, TimedReads } from '../source.ts'
import type { LineTime } from './line-time.ts'

/** What the times of one device say. Milliseconds. */
export interface CostFit {
  readonly device: string
  readonly short: TimedRead
  readonly long: TimedRead
  /** turns in which both were answered */
  readonly turns: number
  /** medians of the short and the long read */
  readonly short_ms: number
  readonly long_ms: number
  /** those in which the long read took longer */
  readonly slower: number
  /** null where it took longer too seldom to be no chance */
  readonly register_ms: number | null
}

/** Fewer turns say nothing. */
const FEWEST = 6
/** How often two reads of one and the same cost may be taken for reads of two. */
const CHANCE = 0.02

/** What the reads of a device cost, or why that cannot be said. Pure. */
export function fitCost(timed: TimedReads): CostFit | { readonly device: string; readonly why: string } {
  if (timed.kind === 'untimed') return { device: timed.device, why: timed.why }
  const { device, short, long, pairs } = timed
  if (pairs.length < FEWEST)
    return { device, why: `it answered ${short.what} and ${long.what} only ${pairs.length} times` }
  const slower = pairs.filter(([s, l]) => l > s).length
  const register_ms = median(pairs.map(([s, l]) => l - s)) / (long.registers - short.registers)
  return {
    ...{ device, short, long, turns: pairs.length },
    short_ms: median(pairs.map(([s]) => s)),
    long_ms: median(pairs.map(([, l]) => l)),
    slower,
    register_ms: chanceOf(slower, pairs.length) < CHANCE ? register_ms : null,
  }
}

/** `cost` of a source, in ms; `register` is left out where it was not measured and is not configured. */
export interface ProposedCost {
  readonly request: number
  readonly register?: number
}

/**
 * What to configure by what was measured: the median of the devices. Pure.
 * @param planned what reads are planned by now
 * @param configured `cost.register` of the source, kept where it could not be measured
 */
export function proposeCost(
  fits: readonly CostFit[],
  planned: LineTime,
  configured: number | undefined,
): ProposedCost | null {
  if (fits.length === 0) return null
  const registers = fits.flatMap(({ register_ms }) => register_ms ?? [])
  const register = registers.length > 0 ? median(registers) : configured
  const each = register ?? planned.register_ms
  const request = median(fits.map(({ short, short_ms }) => short_ms - short.registers * each))
  return {
    request: Math.max(LEAST_REQUEST, rounded(request)),
    ...(register === undefined ? {} : { register: rounded(register) }),
  }
}

/** The option as it is written. */
export function costLine({ request, register }: ProposedCost): string {
  const parts = [`request: ${rounded(request)}ms`]
  if (register !== undefined) parts.push(`register: ${rounded(register)}ms`)
  return `cost: { ${parts.join(', ')} }`
}

/** ms, the least that `cost.request` takes */
const LEAST_REQUEST = 0.01

/** Two digits, since no measurement of a plant's network is better; never in a form that a duration has not. */
function rounded(ms: number): number {
  return Number(Number(ms.toPrecision(2)).toFixed(4))
}

/** The chance that of n tosses of a coin so many or more are heads. */
function chanceOf(heads: number, n: number): number {
  let [ways, sum] = [1, 0]
  for (let k = n; k >= heads; k--) {
    sum += ways
    ways *= k / (n - k + 1)
  }
  return sum / 2 ** n
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
