import { randomFillSync } from 'node:crypto'
import { parseDecimal } from '../../core/decimal.ts'
import { type Grid, gridValue, makeGrid } from '../../privacy/grid.ts'
import { type Laplace, makeLaplace, makeUniform, type NoiseScale } from '../../privacy/noise.ts'
import { laplaceFit } from '../support/laplace-fit.ts'
import { liveTwice } from '../support/second-life.ts'

/** An honest sampler fails with this probability; the number of draws is fixed beforehand. */
export const FALSE_ALARM = 1e-6
const SCALES: readonly NoiseScale[] = [
  { t: 1, s: 1 },
  { t: 1, s: 2 },
  { t: 2, s: 1 },
  { t: 50, s: 1 },
  { t: 40, s: 3 },
  { t: 123_456_789, s: 1_000_000 },
]

export interface NoiseProof {
  /** compared with the exact distribution, from the system's generator */
  readonly draws: number
  /** of the worst of the scales, as one of so many that were tried */
  readonly p_value: number
  /** outputs that can be of one of two neighbours only, of so many that were looked at */
  readonly float_attack_certain: number
  readonly float_attack_outputs: number
  /** the same of noise in floating point: this must be found */
  readonly control_certain: number
  /** values beyond the first that a pool saw of one column, input and window */
  readonly redraws_after_restore: number
  readonly restores: number
  /** the same where the mark is put back too: this must be found */
  readonly control_redraws: number
}

export function proveNoise(input: {
  readonly draws: number
  readonly outputs: number
  readonly restores: number
  readonly say: (line: string) => void
}): NoiseProof {
  const laplace = makeLaplace((bytes) => void randomFillSync(bytes))
  const each = Math.ceil(input.draws / SCALES.length)
  const fits = SCALES.map((scale) => {
    const p = laplaceFit(laplace, scale, each)
    input.say(`scale ${scale.t}/${scale.s}: p = ${p.toPrecision(3)} of ${each} draws`)
    return p
  })
  const found = attackFloats(laplace, input.outputs)
  input.say(`${found.exact} of ${input.outputs} outputs certain, in floating point ${found.control}`)
  let redraws = 0
  const kinds = ['killed before the commit', 'restored', 'restored without its mark'] as const
  for (let i = 0; i < input.restores; i++) {
    const kind = kinds[i % kinds.length]!
    const outcome = liveTwice(kind, 30 + ((7 * i) % 40))
    redraws += outcome.redraws
    input.say(`${kind}: ${outcome.redraws} redraws, ${outcome.empty} cells null and ${outcome.drawn} drawn afterwards`)
    if (outcome.problems.length > 0) throw new Error(outcome.problems.join('; '))
  }
  return {
    draws: each * SCALES.length,
    p_value: Math.min(1, Math.min(...fits) * SCALES.length),
    float_attack_certain: found.exact,
    float_attack_outputs: input.outputs,
    control_certain: found.control,
    redraws_after_restore: redraws,
    restores: input.restores,
    control_redraws: liveTwice('put back whole', 40).redraws,
  }
}

/**
 * Mironov (2012): an output that the mechanism can give for one of two neighbours only tells which it was, with certainty.
 * Each output of x is tried as one of its neighbour.
 */
function attackFloats(laplace: Laplace, outputs: number): { readonly exact: number; readonly control: number } {
  const grid = makeGrid(parseDecimal('0')!, parseDecimal('120')!, parseDecimal('1.2')!) as Grid
  const scale = { t: 2, s: 1 }
  const below = makeUniform((bytes) => void randomFillSync(bytes))
  let [exact, control] = [0, 0]
  for (let i = 0; i < outputs; i++) {
    const y = gridValue(grid, 62 + laplace(scale))
    if (!isOnGrid(grid, y)) exact++
    // The same noise as it is written without care: 74.4 or, of the neighbour, 73.2 with b = 2.4.
    const u = (below(2 ** 26) * 2 ** 27 + below(2 ** 27) + 1) / 2 ** 53
    const sign = below(2) === 0 ? -1 : 1
    if (!isFloatLaplace(74.4 + sign * (2.4 * Math.log(u)), 73.2, 2.4)) control++
  }
  return { exact, control }
}

/** Every k + z has a chance above zero for every k: only what lies on no step would tell. */
function isOnGrid(grid: Grid, y: number): boolean {
  return gridValue(grid, Math.round((y * grid.power - grid.low) / grid.step)) === y
}

/** Whether x ± b·ln u is y for some u of the same generator. */
function isFloatLaplace(y: number, x: number, b: number): boolean {
  const near = Math.round(Math.exp(-Math.abs(y - x) / b) * 2 ** 53)
  const sign = y < x ? 1 : -1
  const spread = Math.max(8, Math.ceil((near * 2 ** -50 * Math.abs(y)) / b) + 8)
  for (let k = Math.max(1, near - spread); k <= near + spread; k++)
    if (k <= 2 ** 53 && x + sign * (b * Math.log(k / 2 ** 53)) === y) return true
  return false
}
