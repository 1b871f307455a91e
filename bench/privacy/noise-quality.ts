import { estimate } from '../../attack/estimate.ts'
import { makeLaplace } from '../../privacy/noise.ts'
import { makeRandom } from '../../test/prove/random.ts'
import { cellsOf, DATASET, DAY, DAY_ONE, logOf, MINUTE, type Plant, planOf, pseudonymsOf, runThrough } from './plant.ts'
import type { Setting } from './setting.ts'

/**
 * A5: who sees the same windows again after restarts could average the noise away; who sees a value that noise on the
 * other neighbour could not have made knows which it was; and the noise may be narrower than the ε it is declared with.
 */
export interface NoiseQuality {
  /** values that a window was published with over 16 starts with nothing but the high-water mark left; 1: nothing to average */
  readonly values_per_cell: number
  /** of a window and signal, as declared */
  readonly epsilon: number
  /** at least this, by how often neighbours differ in 200,000 draws each (95 %); above the declared one is a broken promise */
  readonly epsilon_found: number
  /** share of values off the grid that both neighbours share: each would tell which of them it was */
  readonly ruled_out: number
}

const STARTS = 16
const DRAWS = 200_000

/** @returns undefined where the setting has no noise */
export function noiseQuality(setting: Setting): NoiseQuality | undefined {
  const plant: Plant = {
    id: 70_000,
    from: DAY_ONE,
    length: DAY,
    every: MINUTE,
    measured: [{ name: 'level', range: [0, 100], value: (at) => 50 + 20 * Math.sin(at / (30 * MINUTE)) }],
  }
  const { plan, signals } = planOf(setting, plant, ['2026-01-01'])
  const column = plan?.datasets[0]?.columns[0]
  if (!plan || !column?.noise) return undefined
  const { sensitivity, scale, micro } = column.noise
  const random = makeRandom(9)
  const laplace = makeLaplace((bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = random() * 256
  })
  const start = (drawn_until: Readonly<Record<string, number>>): Float64Array => {
    const by = { plan, pseudonyms: pseudonymsOf(plant.id), signals, since: plant.from, laplace, drawn_until }
    return cellsOf(runThrough(by, logOf(plant)).map(({ period }) => period))[0]!
  }
  const first = start({})
  const again = Array.from({ length: STARTS - 1 }, () => start({ [DATASET]: plant.from + plant.length }))
  const values = Array.from(
    first,
    (x, i) => new Set([x, ...again.map((cells) => cells[i]!)].filter(Number.isFinite)).size,
  )
  const draws = Array.from({ length: DRAWS }, () => laplace(scale))
  // Below 0 without, and with what one reading can move a cell by.
  const here = estimate(draws.filter((z) => z < 0).length, DRAWS, 0)
  const there = estimate(draws.filter((z) => z + sensitivity < 0).length, DRAWS, 0)
  const step = column.grid.step / column.grid.power
  return {
    values_per_cell: Math.max(...values),
    epsilon: micro / 1e6,
    epsilon_found: Math.max(0, Math.log(here.lo / there.hi)),
    ruled_out: first.filter((x) => Math.abs(x / step - Math.round(x / step)) > 1e-9).length / first.length,
  }
}
