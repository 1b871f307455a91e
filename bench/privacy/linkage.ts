import { type Estimate, estimate } from '../../attack/estimate.ts'
import { type LinkedColumn, linkAll } from '../../attack/linkage.ts'
import { makeRandom } from '../../test/prove/random.ts'
import type { Steel } from './data.ts'
import { cellsOf, DAY, DAY_ONE, disclose, HOUR, type Measured, type Plant, rawCellsOf, SECOND } from './plant.ts'
import type { Setting } from './setting.ts'

/**
 * A2 on Steel: each day of one real plant is the day of a plant of its own, with a load of its own (gain 0.8 to 1.2) and
 * sensors that are not exact (1 % of the range). Values between the quarter hours are interpolated. All publish the same
 * day, so the attacker knows the time of day; he holds raw readings of all columns, exactly, of one piece of the day.
 */

const EVERY = 10 * SECOND

/** @param columns how many of the three are published and known */
export function steelPlants(steel: Steel, count: number, columns = 3): Plant[] {
  const quarters = [steel.kwh, steel.reactive, steel.factor].slice(0, columns)
  const ranges = [
    [0, 200],
    [0, 120],
    [0, 100],
  ] as const
  const days = Math.floor(steel.kwh.length / 96) - 1
  return Array.from({ length: count }, (_, id) => {
    const day = Math.floor((id * days) / count)
    const random = makeRandom(1_000 + id)
    const gain = 0.8 + 0.4 * random()
    const measured = quarters.map((series, c): Measured => {
      const range = ranges[c]!
      const readings = Float64Array.from({ length: DAY / EVERY }, (_, i) => {
        const at = day * 96 + (i * EVERY) / (HOUR / 4)
        const [a, b] = [series[Math.floor(at)]!, series[Math.floor(at) + 1]!]
        return gain * (a + (b - a) * (at % 1)) + gaussian(random) * 0.01 * range[1]
      })
      return { name: ['load', 'reactive', 'factor'][c]!, range, value: (at) => readings[at / EVERY]! }
    })
    return { id, from: DAY_ONE, length: DAY, every: EVERY, measured }
  })
}

export function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** What is linked: rows of the lake against what the holder of raw pieces can compute. */
export interface Lake {
  readonly columns: readonly LinkedColumn[]
  readonly known: readonly (readonly Float64Array[])[]
  readonly candidates: readonly (readonly Float64Array[])[]
  readonly slots_per_hour: number
}

/** The lake of a setting: a window inside a piece has the same cell whether it is computed from the piece or from all. */
export function lakeOf(setting: Setting, plants: readonly Plant[]): Lake {
  // The loosest profile: what he computes is not published, so no floor concerns it.
  const plain = plants.map((plant) => disclose({ ...setting, profile: 'ml-stream', epsilon_day: null }, plant))
  const published = setting.epsilon_day === null ? plain : plants.map((plant) => disclose(setting, plant))
  const known = plain.map(cellsOf)
  const candidates = setting.epsilon_day === null ? known : published.map(cellsOf)
  return { columns: columnsOf(published[0]!), known, candidates, slots_per_hour: HOUR / setting.window }
}

function columnsOf(periods: ReturnType<typeof disclose>): readonly LinkedColumn[] {
  return periods[0]!.columns.flatMap((column) => {
    if (column.kind !== 'number') return []
    const step = Number(column.step)
    const noise = column.noise === null ? 0 : scaleOf(column.noise.scale) * step
    return [{ range: [Number(column.range[0]), Number(column.range[1])] as const, step, noise }]
  })
}

/** "t/s" or a decimal, in steps. */
export function scaleOf(text: string): number {
  const [t, s = 1] = text.split('/').map(Number) as [number, number?]
  return t / s
}

/** The positive control: raw readings through. */
export function rawLake(plants: readonly Plant[]): Lake {
  const known = plants.map(rawCellsOf)
  const columns = plants[0]!.measured.map(({ range }) => ({ range, step: 0, noise: 0 }))
  return { columns, known, candidates: known, slots_per_hour: HOUR / EVERY }
}

/** The negative control: rows that are nothing but noise on the grid. */
export function noiseLake(lake: Lake): Lake {
  const random = makeRandom(77)
  const candidates = lake.candidates.map((columns) =>
    columns.map((cells, c) => {
      const { range, step } = lake.columns[c]!
      const steps = Math.round((range[1] - range[0]) / step)
      return cells.map(() => range[0] + step * Math.floor(random() * (steps + 1)))
    }),
  )
  return { ...lake, candidates }
}

/** Top-1 of an attacker who holds `hours` of each plant's day. */
export function linkage({ columns, known, candidates, slots_per_hour }: Lake, hours: number): Estimate {
  const n = known.length
  const slots = known[0]![0]!.length
  const length = Math.max(1, Math.min(slots, Math.round(hours * slots_per_hour)))
  const random = makeRandom(5)
  const starts = known.map(() => Math.floor(random() * (slots - length + 1)))
  const spanOf = (plant: number) => ({ from: starts[plant]!, to: starts[plant]! + length })
  return estimate(linkAll({ columns, known, candidates, spanOf }, random), n, 1 / n)
}
