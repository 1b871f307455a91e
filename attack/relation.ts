import jStat from 'jstat'

/** U1: how far correlations move. Pairs with a missing cell are left out, and columns that do not vary. */
export interface RelationShift {
  readonly pairs: number
  /** largest |Δρ| of all pairs of columns */
  readonly largest: number
  /** share of pairs whose sign is kept, of those with |ρ| ≥ 0.1 before */
  readonly signs_kept: number
}

export function relationShift(
  before: readonly ArrayLike<number>[],
  after: readonly ArrayLike<number>[],
): RelationShift | undefined {
  const pairs = before.flatMap((_, a) => before.slice(a + 1).map((_, b) => [a, a + 1 + b] as const))
  const found = pairs.flatMap(([a, b]) => {
    const was = correlation(before[a]!, before[b]!)
    const is = correlation(after[a]!, after[b]!)
    return was === undefined || is === undefined ? [] : [{ was, is }]
  })
  if (found.length === 0) return undefined
  const strong = found.filter(({ was }) => Math.abs(was) >= 0.1)
  return {
    pairs: found.length,
    largest: Math.max(...found.map(({ was, is }) => Math.abs(is - was))),
    signs_kept: strong.length === 0 ? 1 : strong.filter(({ was, is }) => was * is > 0).length / strong.length,
  }
}

/** Pearson's, over the places where both are there; undefined where either does not vary. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number | undefined {
  const both = Array.from(a, (x, i) => [x, b[i]!] as const).filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y))
  const rho =
    both.length < 3
      ? Number.NaN
      : jStat.corrcoeff(
          both.map(([x]) => x),
          both.map(([, y]) => y),
        )
  return Number.isFinite(rho) ? rho : undefined
}
