import type { ByteReader, ByteWriter } from './bytes.ts'

/**
 * Doubles, losslessly and small. Plant values are short decimals (45.3) or float32 renderings of them, so a run of values is
 * stored as whole numbers over one power of ten, each as the difference to the one before; what is no short decimal is
 * stored as it is. The mode byte of a run:
 * 0 … 9 whole ÷ 10^mode · 16 … 25 the float32 nearest to whole ÷ 10^(mode − 16) · 32 float32 · 33 float64
 */
const FLOAT32_DECIMAL = 16
const FLOAT32 = 32
const FLOAT64 = 33

const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9] as const
/** Beyond this a whole number takes more bytes than the float; also keeps differences exact. */
const WIDEST = 2 ** 50
const WIDEST_FLOAT32 = 2 ** 26

/** Where runs of one signal begin and end in the column: bounds[i] to bounds[i + 1]. */
export type Bounds = readonly number[] | Uint32Array

/**
 * @param chained each run starts from the first value of the run before (times: all signals of a scan are read at about
 * the same moment), else from 0
 */
export function writeNumbers(out: ByteWriter, values: Float64Array, bounds: Bounds, chained: boolean): void {
  const modes = new Uint8Array(Math.max(0, bounds.length - 1))
  for (let r = 0; r < modes.length; r++) modes[r] = modeOf(values, bounds[r]!, bounds[r + 1]!)
  out.bytes(modes)
  let start = 0
  for (let r = 0; r < modes.length; r++) {
    const [from, to, mode] = [bounds[r]!, bounds[r + 1]!, modes[r]!]
    if (mode === FLOAT32) for (let i = from; i < to; i++) out.float32(values[i]!)
    else if (mode === FLOAT64) for (let i = from; i < to; i++) out.float64(values[i]!)
    else {
      const power = POWERS[mode % FLOAT32_DECIMAL]!
      let last = wholeStart(start, power)
      for (let i = from; i < to; i++) {
        const whole = Math.round(values[i]! * power)
        out.signed(whole - last)
        last = whole
      }
    }
    if (chained) start = values[from] ?? start
  }
}

/** Reads what `writeNumbers` wrote for the same bounds. */
export function readNumbers(source: ByteReader, bounds: Bounds, chained: boolean): Float64Array {
  const modes = source.bytes(Math.max(0, bounds.length - 1))
  const values = new Float64Array(bounds.at(-1) ?? 0)
  let start = 0
  for (let r = 0; r < modes.length; r++) {
    const from = bounds[r]!
    const to = bounds[r + 1]!
    const mode = modes[r]!
    if (mode === FLOAT32) for (let i = from; i < to; i++) values[i] = source.float32()
    else if (mode === FLOAT64) for (let i = from; i < to; i++) values[i] = source.float64()
    else {
      const power = POWERS[mode % FLOAT32_DECIMAL]
      if (power === undefined || mode > FLOAT64) throw new RangeError(`unknown number mode ${mode}`)
      let whole = wholeStart(start, power)
      for (let i = from; i < to; i++) {
        whole += source.signed()
        values[i] = mode < FLOAT32_DECIMAL ? whole / power : Math.fround(whole / power)
      }
    }
    if (chained) start = values[from] ?? start
  }
  return values
}

function wholeStart(start: number, power: number): number {
  const whole = Math.round(start * power)
  return Math.abs(whole) <= WIDEST ? whole : 0
}

function modeOf(values: Float64Array, from: number, to: number): number {
  const decimal = exponentOf(values, from, to, WIDEST, (v) => v)
  if (decimal !== undefined) return decimal
  for (let i = from; i < to; i++) if (!Object.is(Math.fround(values[i]!), values[i])) return FLOAT64
  const short = exponentOf(values, from, to, WIDEST_FLOAT32, Math.fround)
  return short === undefined ? FLOAT32 : FLOAT32_DECIMAL + short
}

/** Smallest exponent at which every value of the run is a whole number over a power of ten. */
function exponentOf(
  values: Float64Array,
  from: number,
  to: number,
  widest: number,
  rounded: (v: number) => number,
): number | undefined {
  let e = 0
  for (let i = from; i < to; i++) {
    const v = values[i]!
    while (!fits(v, POWERS[e]!, widest, rounded)) if (++e === POWERS.length) return undefined
  }
  // A larger exponent found later may be too wide for an earlier value.
  for (let i = from; i < to; i++) if (!fits(values[i]!, POWERS[e]!, widest, rounded)) return undefined
  return e
}

function fits(v: number, power: number, widest: number, rounded: (v: number) => number): boolean {
  const whole = Math.round(v * power)
  // Object.is tells -0 from 0; `whole` of a tiny negative is -0 and would come back as such.
  return Math.abs(whole) <= widest && !Object.is(v, -0) && rounded(whole / power) === v
}
