import { Matrix, solve } from 'ml-matrix'
import { areaUnderCurve } from '../../attack/estimate.ts'
import { type RelationShift, relationShift } from '../../attack/relation.ts'
import type { Part } from './data.ts'
import { cellsOf, DAY_ONE, disclose, HOUR, type Measured, MINUTE, type Plant, SECOND } from './plant.ts'
import type { Setting } from './setting.ts'

/**
 * U1 and U2 on AI4I: a machine makes one part a minute, in the order of the file; its conditions are read every ten seconds
 * while the part is made, failures and parts are counted. A model of failure is trained on the published rows and tested on
 * raw parts of other hours. The model is a logistic regression on conditions, their squares and products.
 */

const EVERY = 10 * SECOND
const FEATURES: readonly (readonly [string, readonly [number, number]])[] = [
  ['air', [290, 310]],
  ['process', [300, 320]],
  ['speed', [1000, 3000]],
  ['torque', [0, 80]],
  ['wear', [0, 260]],
]
/** Parts of one block of the split: four hours, so that no window holds parts of both sides. */
const BLOCK = 240
const FOLDS = 5

/** Rows to train on: conditions and the share of failures, in the minute they stand for. */
interface Row {
  readonly features: readonly number[]
  readonly failed: number
  /** number of the part at the start of the window */
  readonly part: number
}

function plantOf(parts: readonly Part[], window: number): Plant {
  const failures = [0]
  for (const part of parts) failures.push(failures.at(-1)! + (part.failed ? 1 : 0))
  // A part is counted with its last reading, so that it stands in the window of its own conditions.
  const done = (at: number): number => Math.floor((at + EVERY) / MINUTE)
  return {
    id: 50_000,
    from: DAY_ONE,
    length: Math.floor(parts.length / 60) * HOUR,
    every: EVERY,
    measured: FEATURES.map(
      ([name, range], f): Measured => ({ name, range, value: (at) => parts[Math.floor(at / MINUTE)]!.features[f]! }),
    ),
    // Half of what a window has.
    counted: [
      {
        name: 'failed',
        range: [0, 1],
        floor: Math.max(1, Math.floor(window / MINUTE / 2)),
        of: (at) => failures[done(at)]!,
        over: done,
      },
    ],
  }
}

function rawRows(parts: readonly Part[]): readonly Row[] {
  return parts.map(({ features, failed }, part) => ({ features, failed: failed ? 1 : 0, part }))
}

function publishedRows(parts: readonly Part[], setting: Setting): readonly Row[] {
  const cells = cellsOf(disclose(setting, plantOf(parts, setting.window)))
  const failed = cells.at(-1)!
  return Array.from(failed, (f, i) => ({
    features: FEATURES.map((_, c) => cells[c]![i]!),
    failed: Math.min(1, Math.max(0, f)),
    part: Math.floor((i * setting.window) / MINUTE),
  })).filter((row) => [...row.features, row.failed].every(Number.isFinite))
}

export interface Defects {
  readonly relation: RelationShift | undefined
  /** area under the ROC curve on raw parts, mean of the folds; null where no fold had failures to learn from */
  readonly auc: number | null
  readonly rows: number
}

/** @param setting null: raw */
export function defects(parts: readonly Part[], setting: Setting | null): Defects {
  const raw = rawRows(parts)
  const rows = setting ? publishedRows(parts, setting) : raw
  const columns = (of: readonly Row[]) => [
    ...FEATURES.map((_, f) => of.map(({ features }) => features[f]!)),
    of.map(({ failed }) => failed),
  ]
  const foldOf = ({ part }: Row): number => Math.floor(part / BLOCK) % FOLDS
  const aucs = Array.from({ length: FOLDS }, (_, fold) => {
    const train = rows.filter((row) => foldOf(row) !== fold)
    const test = raw.filter((row) => foldOf(row) === fold)
    if (!train.some(({ failed }) => failed > 0)) return undefined
    const weights = learn(train)
    const scores = (failed: number) => test.filter((row) => row.failed === failed).map((row) => score(weights, row))
    return areaUnderCurve(scores(1), scores(0)).value
  }).flatMap((auc) => (auc === undefined ? [] : [auc]))
  return {
    relation: relationShift(columns(raw), columns(rows)),
    auc: aucs.length === 0 ? null : aucs.reduce((sum, auc) => sum + auc, 0) / aucs.length,
    rows: rows.length,
  }
}

function expand({ features }: Row): number[] {
  const z = features.map((x, i) => (2 * (x - FEATURES[i]![1][0])) / (FEATURES[i]![1][1] - FEATURES[i]![1][0]) - 1)
  return [1, ...z, ...z.flatMap((a, i) => z.slice(i).map((b) => a * b))]
}

function score(weights: readonly number[], row: Row): number {
  return expand(row).reduce((sum, x, i) => sum + x * weights[i]!, 0)
}

/** Logistic regression by Newton's method, with a slight ridge; shares count as that much of a failure. */
function learn(rows: readonly Row[]): readonly number[] {
  const x = new Matrix(rows.map(expand))
  const ridge = Matrix.eye(x.columns).mul(1e-3)
  let weights = Matrix.zeros(x.columns, 1)
  for (let round = 0; round < 30; round++) {
    const p = x
      .mmul(weights)
      .to1DArray()
      .map((eta) => 1 / (1 + Math.exp(-eta)))
    const weighted = x.clone()
    p.forEach((each, i) => {
      weighted.mulRow(i, Math.max(1e-9, each * (1 - each)))
    })
    const gradient = x.transpose().mmul(Matrix.columnVector(rows.map(({ failed }, i) => failed - p[i]!)))
    const step = solve(weighted.transpose().mmul(x).add(ridge), gradient.sub(ridge.mmul(weights)))
    weights = weights.add(step)
    if (step.norm() < 1e-6) break
  }
  return weights.to1DArray()
}
