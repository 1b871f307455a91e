import { type Estimate, estimate } from '../../attack/estimate.ts'
import { best } from '../../attack/linkage.ts'
import { correlation } from '../../attack/relation.ts'
import { makeRandom } from '../../test/prove/random.ts'
import { gaussian } from './linkage.ts'
import { cellsOf, DAY, DAY_ONE, disclose, HOUR, MINUTE, type Plant, rawCellsOf } from './plant.ts'
import type { Setting } from './setting.ts'

/**
 * A4: which weather station is a plant nearest to? The weather is made up, hour by hour: a season, a day, fronts that move
 * over the country (neighbours feel them a few hours apart), and noise of each place. A hall is heated and ventilated:
 * its temperature follows the outside by a third and hours later, its vapour is that of the outside. The attacker has the
 * stations' series, computes the vapour pressure from what is published, and takes the station with the highest correlation
 * over all delays to six hours. Calendar time he is told: rows carry it.
 */

const EVERY = MINUTE
export const STATIONS = 40

interface Weather {
  /** °C, an hour each */
  readonly temperature: readonly number[]
  /** vapour pressure, hPa */
  readonly vapour: readonly number[]
}

export function weatherOf(hours: number): readonly Weather[] {
  const random = makeRandom(300)
  const front = ar1(hours + 48, 0.97, random)
  return Array.from({ length: STATIONS }, (_, station) => {
    const local = [ar1(hours, 0.95, random), ar1(hours, 0.95, random)] as const
    const temperature = Array.from({ length: hours }, (_, h) => {
      const day = 4 * Math.sin((2 * Math.PI * (h - 9)) / 24)
      return 12 - station / 8 + day + 4 * front[h + (station % 24)]! + 1.5 * local[0][h]!
    })
    const vapour = temperature.map(
      (t, h) => saturation(t) * Math.min(0.98, Math.max(0.2, 0.65 + 0.12 * local[1][h]! + 0.08 * front[h]!)),
    )
    return { temperature, vapour }
  })
}

/** Unit variance. */
function ar1(n: number, keep: number, random: () => number): number[] {
  let x = gaussian(random)
  return Array.from({ length: n }, () => (x = keep * x + Math.sqrt(1 - keep * keep) * gaussian(random)))
}

/** Magnus' formula, hPa. */
function saturation(t: number): number {
  return 6.112 * Math.exp((17.62 * t) / (243.12 + t))
}

export function hallPlants(weather: readonly Weather[], count: number): readonly Plant[] {
  const hours = weather[0]!.temperature.length
  return Array.from({ length: count }, (_, id) => {
    const random = makeRandom(400 + id)
    const { temperature, vapour } = weather[id % STATIONS]!
    const delay = 1 + Math.floor(3 * random())
    const heat = 18 + 6 * random()
    const [noise, wet] = [ar1(hours, 0.8, random), ar1(hours, 0.8, random)]
    const inside = temperature.map((_, h) => {
      const t = heat + (temperature[Math.max(0, h - delay)]! - 10) / 3 + 0.5 * noise[h]!
      return { t, rh: (100 * (vapour[Math.max(0, h - delay)]! + 0.5 * wet[h]!)) / saturation(t) }
    })
    const between = (key: 't' | 'rh') => (at: number) => {
      const h = at / HOUR
      const [a, b] = [inside[Math.floor(h)]![key], inside[Math.min(hours - 1, Math.floor(h) + 1)]![key]]
      return a + (b - a) * (h % 1)
    }
    return {
      id: 20_000 + id,
      from: DAY_ONE,
      length: hours * HOUR,
      every: EVERY,
      measured: [
        { name: 'temperature', range: [-10, 50], value: between('t') },
        { name: 'humidity', range: [0, 100], value: between('rh') },
      ],
    }
  })
}

/** @param window ms of one cell */
function locate(weather: readonly Weather[], cells: readonly (readonly Float64Array[])[], window: number): Estimate {
  const random = makeRandom(6)
  const hours = weather[0]!.vapour.length
  const hits = cells.filter(([temperature, humidity], plant) => {
    const vapour = hourly(
      Float64Array.from(temperature!, (t, i) => (saturation(t) * humidity![i]!) / 100),
      window,
      hours,
    )
    const scores = weather.map((station) =>
      Math.max(
        ...Array.from({ length: 7 }, (_, d) => correlation(station.vapour.slice(0, hours - d), vapour.slice(d)) ?? 0),
      ),
    )
    return best(scores, random) === plant % STATIONS
  }).length
  return estimate(hits, cells.length, 1 / STATIONS)
}

function hourly(cells: Float64Array, window: number, hours: number): number[] {
  const per = HOUR / window
  return Array.from({ length: hours }, (_, h) => {
    const there = Array.from(cells.subarray(h * per, (h + 1) * per)).filter((x) => Number.isFinite(x))
    return there.length === 0 ? Number.NaN : there.reduce((sum, x) => sum + x, 0) / there.length
  })
}

/** Days of the published rows: the more, the surer. @param setting null: raw readings */
export function location(setting: Setting | null, days: number, plants: number): Estimate {
  const weather = weatherOf((days * DAY) / HOUR)
  const halls = hallPlants(weather, plants)
  const window = Math.max(EVERY, setting?.window ?? 0)
  const cells = halls.map((plant) => (setting ? cellsOf(disclose({ ...setting, window }, plant)) : rawCellsOf(plant)))
  return locate(weather, cells, window)
}

/** Negative control: halls whose air has nothing to do with any station. */
export function nowhere(days: number, plants: number): Estimate {
  const hours = (days * DAY) / HOUR
  const random = makeRandom(7)
  const cells = Array.from({ length: plants }, () =>
    [20, 50].map((x) => Float64Array.from({ length: hours }, () => x + 5 * gaussian(random))),
  )
  return locate(weatherOf(hours), cells, HOUR)
}
