import { Matrix, solve } from 'ml-matrix'
import { areaUnderCurve } from '../../attack/estimate.ts'
import type { Experiment } from './data.ts'
import { cellsOf, DAY_ONE, disclose, HOUR, type Measured, type Plant, rawCellsOf, SECOND } from './plant.ts'
import type { Setting } from './setting.ts'

/**
 * U3 on SKAB: every experiment begins at a full hour and is read once a second. A detector (Hotelling's T²: the distance
 * from normal, by how normal rows vary) learns from the first 400 s of each experiment; what the grid adds to the variance
 * (step²/12) it knows from the manifest, and few rows are not trusted with correlations. Each second after that is scored
 * by the row that shows it, so rows of all widths are judged on the same seconds.
 */

const LEARN = 400
const SENSORS: readonly (readonly [string, readonly [number, number]])[] = [
  ['vibration_1', [0, 0.5]],
  ['vibration_2', [0, 0.5]],
  ['current', [0, 4]],
  ['pressure', [-2, 2]],
  ['temperature', [60, 100]],
  ['thermocouple', [20, 40]],
  ['voltage', [200, 260]],
  ['flow', [0, 140]],
]

function plantOf({ rows }: Experiment, id: number, window: number): Plant {
  const whole = Math.max(HOUR, window)
  return {
    id: 60_000 + id,
    from: DAY_ONE,
    length: Math.ceil((rows.length * SECOND) / whole) * whole,
    every: SECOND,
    measured: SENSORS.map(
      ([name, range], s): Measured => ({ name, range, value: (at) => (rows[at / SECOND] ?? rows.at(-1)!)[s]! }),
    ),
  }
}

/** Area under the ROC curve over all seconds. @param setting null: raw */
export function events(experiments: readonly Experiment[], setting: Setting | null): number {
  const width = setting ? setting.window / SECOND : 1
  const seconds = experiments.flatMap((experiment, id) => {
    const plant = plantOf(experiment, id, width * SECOND)
    const cells = setting ? cellsOf(disclose(setting, plant)) : rawCellsOf(plant)
    const count = Math.ceil(experiment.rows.length / width)
    const rows = Array.from({ length: count }, (_, i) =>
      cells.map((column, s) => (column[i]! - SENSORS[s]![1][0]) / span(s)),
    )
    const learnt = rows.slice(0, Math.max(2, Math.floor(LEARN / width)))
    const centre = SENSORS.map((_, s) => learnt.reduce((sum, row) => sum + row[s]!, 0) / learnt.length)
    const centred = (row: readonly number[]): number[] => row.map((x, s) => x - centre[s]!)
    const precision = precisionOf(learnt.map(centred), (setting?.step_permille ?? 0) / 1_000)
    const scores = rows.map((row) => distance(precision, centred(row)))
    return experiment.anomaly.slice(LEARN).map((is, i) => ({ is, score: scores[Math.floor((i + LEARN) / width)]! }))
  })
  return areaUnderCurve(
    seconds.filter(({ is }) => is).map(({ score }) => score),
    seconds.filter(({ is }) => !is).map(({ score }) => score),
  ).value
}

function span(sensor: number): number {
  const [low, high] = SENSORS[sensor]![1]
  return high - low
}

/** Inverse covariance of centred rows. @param step as a share of the range */
function precisionOf(rows: readonly (readonly number[])[], step: number): Matrix {
  const x = new Matrix(rows.map((row) => [...row]))
  const covariance = x.transpose().mmul(x).div(x.rows)
  const trust = rows.length / (rows.length + SENSORS.length)
  for (let a = 0; a < SENSORS.length; a++)
    for (let b = 0; b < SENSORS.length; b++) if (a !== b) covariance.set(a, b, covariance.get(a, b) * trust)
  for (let a = 0; a < SENSORS.length; a++) covariance.set(a, a, covariance.get(a, a) * 1.01 + step ** 2 / 12 + 1e-7)
  return solve(covariance, Matrix.eye(SENSORS.length))
}

function distance(precision: Matrix, row: readonly number[]): number {
  const x = Matrix.rowVector([...row])
  return x.mmul(precision).mmul(x.transpose()).get(0, 0)
}
