import { type Estimate, estimate } from '../../attack/estimate.ts'
import { guessCount, guessCycle } from '../../attack/volume.ts'
import { makeRandom } from '../../test/prove/random.ts'
import { gaussian, scaleOf } from './linkage.ts'
import { cellsOf, DAY, DAY_ONE, disclose, HOUR, type Plant, rawCellsOf, SECOND } from './plant.ts'
import type { Setting } from './setting.ts'

/**
 * A7: lines of 1,000 to 4,000 parts an hour publish an hourly defect rate (floor 1,000). Half of them run at one speed all
 * day, which lets the attacker put his 24 windows together; he tries that, and each plant's first window alone. And
 * machines whose measured value swings with a cycle of 20 to 120 s around a set point: the attacker wants the cycle, to
 * 1 %, and the set point.
 */

const PRIOR = { least: 1_000, most: 4_000 }
const RANGE = [0, 0.2] as const

interface Line {
  readonly plant: Plant
  /** parts of each hour */
  readonly parts: readonly number[]
}

function lines(count: number): readonly Line[] {
  return Array.from({ length: count }, (_, id) => {
    const random = makeRandom(600 + id)
    // 10 % more or fewer stay within what the attacker expects.
    const base = Math.round(PRIOR.least / 0.9 + random() * (PRIOR.most / 1.1 - PRIOR.least / 0.9))
    const steady = id % 2 === 0
    const parts = Array.from({ length: 24 }, () => (steady ? base : Math.round(base * (0.9 + 0.2 * random()))))
    const defects = parts.map((n) => Math.round(n * Math.min(0.15, 0.02 + 0.02 * random())))
    const counter = (hourly: readonly number[]) => {
      const before = hourly.map((_, h) => hourly.slice(0, h).reduce((sum, n) => sum + n, 0))
      // Read at the end of an hour, a counter has counted all of it.
      return (at: number) => {
        const h = Math.floor(at / HOUR)
        return before[h]! + Math.round(hourly[h]! * Math.min(1, ((at % HOUR) + 60 * SECOND) / HOUR))
      }
    }
    const counted = [{ name: 'defects', range: RANGE, floor: 1_000, of: counter(defects), over: counter(parts) }]
    return { plant: { id: 30_000 + id, from: DAY_ONE, length: DAY, every: 60 * SECOND, measured: [], counted }, parts }
  })
}

/** Rates as published, and how; null: as computed. The first hour has no hour before it. */
function ratesOf(setting: Setting | null, { plant }: Line) {
  const [counted] = plant.counted!
  if (!setting) {
    const rates = Array.from({ length: 23 }, (_, h) => {
      const [from, to] = [(h + 1) * HOUR - 60 * SECOND, (h + 2) * HOUR - 60 * SECOND]
      return (counted!.of(to) - counted!.of(from)) / (counted!.over(to) - counted!.over(from))
    })
    return { rates, published: { step: 0, noise: 0 } }
  }
  const periods = disclose({ ...setting, window: Math.max(HOUR, setting.window) }, plant)
  const [column] = periods[0]!.columns
  if (column?.kind !== 'number') throw new Error('a rate that is no number')
  const step = Number(column.step)
  const rates = Array.from(cellsOf(periods)[0]!.subarray(1))
  return { rates, published: { step, noise: column.noise === null ? 0 : scaleOf(column.noise.scale) * step } }
}

export interface Volume {
  readonly exact: Estimate
  /** share of hourly rates that were published at all */
  readonly coverage: number
}

export function volume(setting: Setting | null, count: number): Volume {
  const random = makeRandom(8)
  const found = lines(count).map((line) => {
    const { rates, published } = ratesOf(setting, line)
    const there = rates.flatMap((rate, i) => (Number.isFinite(rate) ? [{ rate, parts: line.parts[i + 1]! }] : []))
    const [first] = there
    if (!first) return { alone: false, together: false, n: 0, of: rates.length }
    const together = guessCount(
      there.map(({ rate }) => rate),
      published,
      PRIOR,
      random,
    )
    return {
      alone: guessCount([first.rate], published, PRIOR, random) === first.parts,
      together: together === first.parts,
      n: there.length,
      of: rates.length,
    }
  })
  const alone = found.filter((f) => f.alone).length
  const together = found.filter((f) => f.together).length
  const covered = found.reduce((sum, f) => sum + f.n, 0) / found.reduce((sum, f) => sum + f.of, 0)
  const baseline = 1 / (PRIOR.most - PRIOR.least + 1)
  return { exact: estimate(Math.max(alone, together), found.length, baseline), coverage: covered }
}

const CANDIDATES = Array.from({ length: 1_793 }, (_, i) => 20 * Math.exp(i * 0.001))

export interface Recipe {
  /** share of machines whose cycle is found to 1 % */
  readonly cycle: Estimate
  /** mean error of the set point, in per cent of the range */
  readonly set_point_error: number
}

export function recipe(setting: Setting | null, count: number): Recipe {
  const found = Array.from({ length: count }, (_, id) => {
    const random = makeRandom(700 + id)
    const period = 20 * Math.exp(random() * Math.log(6))
    const level = 20 + 60 * random()
    const readings = Float64Array.from(
      { length: (8 * HOUR) / SECOND },
      (_, s) =>
        level + 5 * Math.sin((2 * Math.PI * s) / period) + 2 * Math.sin((4 * Math.PI * s) / period) + gaussian(random),
    )
    const plant: Plant = {
      id: 40_000 + id,
      from: DAY_ONE,
      length: 8 * HOUR,
      every: SECOND,
      measured: [{ name: 'pressure', range: [0, 100], value: (at) => readings[at / SECOND]! }],
    }
    // Of raw readings two hours, one in five seconds, tell all there is.
    const [cells, width] = setting
      ? [cellsOf(disclose(setting, plant))[0]!, setting.window / SECOND]
      : [
          rawCellsOf(plant)[0]!
            .filter((_, i) => i % 5 === 0)
            .subarray(0, 1_440),
          5,
        ]
    const there = Array.from(cells).filter((x) => Number.isFinite(x))
    const guess = guessCycle(cells, width, CANDIDATES)
    const mean = there.reduce((sum, x) => sum + x, 0) / Math.max(1, there.length)
    return { hit: Math.abs(guess / period - 1) <= 0.01, error: Math.abs(mean - level) }
  })
  const hits = found.filter(({ hit }) => hit).length
  // A guess hits what lies within 1 % of it, of a span of log 6.
  const baseline = 0.02 / Math.log(6)
  return {
    cycle: estimate(hits, count, baseline),
    set_point_error: found.reduce((sum, f) => sum + f.error, 0) / count,
  }
}
