import { Matrix, solve } from 'ml-matrix'
import { munkres } from 'munkres'
import { type Estimate, estimate } from '../../attack/estimate.ts'
import type { Engine } from './data.ts'
import { cellsOf, DAY, DAY_ONE, disclose, type Measured, MINUTE, type Plant, rawCellsOf, SECOND } from './plant.ts'
import type { Setting } from './setting.ts'

/**
 * A3 on C-MAPSS: each engine is a machine of a plant of its own; one cycle lasts ten minutes, read every ten seconds. An
 * epoch of the pool begins after 48 of them and so the pseudonym changes; the second epoch is 48 cycles long too, while the
 * engine is still sound. The attacker has all rows of both. He takes the mean of every column over the end of the first epoch
 * and over the beginning of the second, weighs what they differ by how means move within the first epoch (Mahalanobis), and
 * looks for the assignment of all new pseudonyms to all old ones that fits best (Kuhn-Munkres).
 */

const CYCLE = 10 * MINUTE
/** Of an epoch: the shortest life has 128. */
const CYCLES = 48
const BOUNDARY = DAY_ONE + 30 * DAY
const EPOCHS = ['2026-01-01', new Date(BOUNDARY).toISOString().slice(0, 10)]
/** Column of an engine's cycle, and the range that is declared. */
const SENSORS: readonly (readonly [string, number, readonly [number, number]])[] = [
  ['t24', 4, [640, 646]],
  ['t30', 5, [1560, 1630]],
  ['t50', 6, [1370, 1450]],
  ['p30', 9, [548, 558]],
  ['nf', 10, [2387, 2390]],
  ['nc', 11, [9000, 9300]],
  ['ps30', 13, [46, 50]],
  ['phi', 14, [516, 526]],
  ['nrf', 15, [2387, 2390]],
  ['nrc', 16, [8080, 8310]],
  ['bpr', 17, [8, 9]],
  ['bleed', 19, [380, 410]],
  ['w31', 22, [37, 41]],
  ['w32', 23, [22, 25]],
]

/** The first and the second epoch of each machine, column by column. */
export type Epochs = readonly (readonly (readonly Float64Array[])[])[]

export function enginePlants(engines: readonly Engine[], count: number): readonly Plant[] {
  return engines.slice(0, count).map((engine, id) => ({
    id: 10_000 + id,
    from: BOUNDARY - CYCLES * CYCLE,
    length: 2 * CYCLES * CYCLE,
    every: 10 * SECOND,
    measured: SENSORS.map(
      ([name, column, range]): Measured => ({ name, range, value: (at) => engine[Math.floor(at / CYCLE)]![column]! }),
    ),
  }))
}

export function publishedEpochs(setting: Setting, plants: readonly Plant[]): Epochs {
  return plants.map((plant) => {
    const periods = disclose(setting, plant, EPOCHS)
    const epochs = [0, 1].map((epoch) => periods.filter((period) => period.epoch === epoch))
    const names = epochs.map(([first]) => first!.assets[0])
    if (names[0] === names[1]) throw new Error('the pseudonym did not change with the epoch')
    return epochs.map(cellsOf)
  })
}

export function rawEpochs(plants: readonly Plant[]): Epochs {
  return plants.map((plant) => {
    const cells = rawCellsOf(plant)
    const middle = cells[0]!.length / 2
    return [cells.map((c) => c.slice(0, middle)), cells.map((c) => c.slice(middle))]
  })
}

/** Rows that hold nothing of any machine: each machine's second epoch is noise on the same range. */
export function noiseEpochs(epochs: Epochs, random: () => number): Epochs {
  return epochs.map((both) =>
    both.map((columns) =>
      columns.map((cells, c) => {
        const [low, high] = SENSORS[c]![2]
        return cells.map(() => low + (high - low) * random())
      }),
    ),
  )
}

export function fingerprint(epochs: Epochs): Estimate {
  const n = epochs.length
  const [end, begin, middle] = [
    epochs.map(([first]) => features(first!, 0.5, 1)),
    epochs.map(([, second]) => features(second!, 0, 0.5)),
    epochs.map(([first]) => features(first!, 0, 0.5)),
  ]
  const moves = new Matrix(end.map((f, i) => f.map((x, j) => x - middle[i]![j]!)))
  const within = moves.transpose().mmul(moves).div(n)
  for (let j = 0; j < within.rows; j++) within.set(j, j, within.get(j, j) * 1.01 + 1e-12)
  const white = solve(within, Matrix.eye(within.rows))
  const cost = end.map((a) =>
    begin.map((b) => {
      const d = Matrix.rowVector(a.map((x, j) => x - b[j]!))
      return d.mmul(white).mmul(d.transpose()).get(0, 0)
    }),
  )
  const hits = munkres(cost).filter(([old, now]) => old === now).length
  return estimate(hits, n, 1 / n)
}

/** Mean of each column over a share of its cells, as shares of the range. */
function features(columns: readonly Float64Array[], from: number, to: number): number[] {
  return columns.map((cells, c) => {
    const [low, high] = SENSORS[c]![2]
    const part = cells.subarray(Math.floor(from * cells.length), Math.ceil(to * cells.length))
    const there = Array.from(part).filter((x) => Number.isFinite(x))
    const mean = there.reduce((sum, x) => sum + x, 0) / Math.max(1, there.length)
    return (mean - low) / (high - low)
  })
}
