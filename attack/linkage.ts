/**
 * A2, trace linkage: who holds a piece of a plant's raw readings looks for the plant among pseudonymous rows. He runs his
 * piece through the public transform (window, clamp, grid) and takes the candidate whose cells are likeliest.
 */

/** Cells of one column, slot by slot; NaN where null. */
export type Cells = Float64Array

/** What the manifest says of a column. */
export interface LinkedColumn {
  /** in the column's unit */
  readonly range: readonly [number, number]
  readonly step: number
  /** scale of the Laplace noise in the column's unit, 0 without */
  readonly noise: number
}

/** Slots that the attacker's piece covers: [from, to). */
export interface Span {
  readonly from: number
  readonly to: number
}

/**
 * Log-likelihood, up to a constant, that the candidate's cells come from the readings whose cells without noise are
 * `known`. Without noise a cell may be a step off where the piece is not quite the whole window. A cell that is missing on
 * one side counts as one that is a quarter of the range off: else a candidate without rows would fit everything.
 */
export function likelihood(
  columns: readonly LinkedColumn[],
  known: readonly Cells[],
  candidate: readonly Cells[],
  { from, to }: Span,
): number {
  let sum = 0
  for (const [c, { range, step, noise }] of columns.entries()) {
    const a = known[c]!
    const b = candidate[c]!
    const scale = Math.max(noise, step / 2, (range[1] - range[0]) * 1e-9)
    const missing = (range[1] - range[0]) / 4
    for (let i = from; i < to; i++) {
      const distance = Math.abs(a[i]! - b[i]!)
      if (!Number.isNaN(distance)) sum -= distance / scale
      else if (Number.isNaN(a[i]!) !== Number.isNaN(b[i]!)) sum -= missing / scale
    }
  }
  return sum
}

/** Index of the highest score; among equals one is drawn, for the attacker has no other way. */
export function best(scores: readonly number[], random: () => number): number {
  const top = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY)
  const equals = scores.flatMap((score, i) => (score === top ? [i] : []))
  return equals[Math.floor(random() * equals.length)] ?? -1
}

/**
 * For each piece, whether the attacker finds whose it is.
 * @param known cells without noise of whom the piece is, one entry a plant; `candidates` the rows in the lake, in that order
 */
export function linkAll(
  input: {
    readonly columns: readonly LinkedColumn[]
    readonly known: readonly (readonly Cells[])[]
    readonly candidates: readonly (readonly Cells[])[]
    readonly spanOf: (plant: number) => Span
  },
  random: () => number,
): number {
  const { columns, known, candidates, spanOf } = input
  return known.reduce((hits, piece, plant) => {
    const scores = candidates.map((candidate) => likelihood(columns, piece, candidate, spanOf(plant)))
    return hits + (best(scores, random) === plant ? 1 : 0)
  }, 0)
}
