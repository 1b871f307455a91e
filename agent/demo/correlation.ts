/** One training row, as far as the demo's question goes: does the defect rate follow these two conditions? */
export interface TableRow {
  /** Cel, mean of the window */
  readonly oil_temperature: number
  /** %, mean of the window */
  readonly humidity: number
  /** share of parts, 0 to 1 */
  readonly defect_rate: number
}

/** How far the defect rate follows its conditions. Null where fewer than four rows, or no variation, say nothing. */
export interface Correlation {
  /** Pearson, −1 to 1 */
  readonly oil_temperature: number | null
  /** Pearson, −1 to 1 */
  readonly humidity: number | null
  /** multiple R of the least squares fit on both, 0 to 1 */
  readonly multiple: number | null
  /** rows */
  readonly n: number
}

/** With two conditions and an intercept, three rows are fitted exactly whatever they hold. */
const FEWEST_ROWS = 4

export function correlate(rows: readonly TableRow[]): Correlation {
  const oil = rows.map((r) => r.oil_temperature)
  const humidity = rows.map((r) => r.humidity)
  const rate = rows.map((r) => r.defect_rate)
  if (rows.length < FEWEST_ROWS) return { oil_temperature: null, humidity: null, multiple: null, n: rows.length }
  const [a, b, ab] = [pearson(oil, rate), pearson(humidity, rate), pearson(oil, humidity)]
  return { oil_temperature: a, humidity: b, multiple: multipleR(a, b, ab), n: rows.length }
}

/** Pearson's correlation, −1 to 1; null for fewer than two pairs or where one side does not vary. */
export function pearson(xs: readonly number[], ys: readonly number[]): number | null {
  if (xs.length !== ys.length) throw new RangeError(`${xs.length} values against ${ys.length}`)
  const [mx, my] = [mean(xs), mean(ys)]
  let [sxy, sxx, syy] = [0, 0, 0]
  xs.forEach((x, i) => {
    const [dx, dy] = [x - mx, ys[i]! - my]
    sxy += dx * dy
    sxx += dx * dx
    syy += dy * dy
  })
  return sxx > 0 && syy > 0 ? Math.max(-1, Math.min(1, sxy / Math.sqrt(sxx * syy))) : null
}

/** Multiple R for two predictors, from the three pairwise correlations; null where one is missing. */
export function multipleR(a: number | null, b: number | null, ab: number | null): number | null {
  if (a === null || b === null || ab === null) return null
  const left = 1 - ab * ab
  // Two predictors on one line explain what one of them does.
  if (left < 1e-9) return Math.abs(a)
  return Math.sqrt(Math.max(0, Math.min(1, (a * a + b * b - 2 * a * b * ab) / left)))
}

function mean(xs: readonly number[]): number {
  return xs.reduce((sum, x) => sum + x, 0) / xs.length
}
