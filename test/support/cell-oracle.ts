import { parseDecimal, toNumber } from '../../core/decimal.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { StoredBlock } from '../../core/stored-block.ts'
import type { DisclosurePlan, PlanColumn, PlanDataset, PlanInput } from '../../privacy/compile.ts'
import { counts, type LogOracle, makeLogOracle, type Reading, since } from './log-oracle.ts'

/** A value, how much of it there was, and the reading that said so. */
type Weight = readonly [value: number | string, weight: number]

/** What every cell of a whole log is, before it is put onto its grid; null where it is missing. */
export function makeCellOracle(
  log: readonly StoredBlock[],
  plan: DisclosurePlan,
  signals: readonly SignalSpec[],
): { valueIn(dataset: PlanDataset, column: PlanColumn, asset: number, start: number): number | string | null } {
  const oracle = makeLogOracle(log, plan, signals)
  return {
    valueIn(dataset, column, asset, start) {
      const inputs = column.inputs[asset]
      if (!inputs || start < since(dataset)) return null
      if (!counts(column)) return measured(column, weightsOf(oracle, dataset, column, inputs[0]!, start))
      const [of, over] = inputs.map((input) => countedIn(oracle, dataset, column, input, start))
      if (column.stat !== 'rate') return of === undefined ? null : clampTo(column, of)
      if (of === undefined || over === undefined || over < column.floor) return null
      return clampTo(column, (of / over) * column.factor)
    },
  }
}

/** What an input counted in a window; undefined where one reading alone says nothing. */
export function countedIn(
  oracle: LogOracle,
  dataset: PlanDataset,
  column: PlanColumn,
  input: PlanInput,
  start: number,
): number | undefined {
  const came = oracle.within(dataset, column, input.id, start, start + column.window)
  const base = oracle.baseOf(dataset, column, input, start)
  if (came.length === 0 || (!base && came.length < 2)) return undefined
  const wrap = 'wrap' in column ? column.wrap : 0
  const values = [...(base ? [base] : []), ...inOrder(came)].map((r) => r.usable(column) as number)
  let n = 0
  for (const [i, to] of values.slice(1).entries()) {
    const from = values[i]!
    n += to >= from ? to - from : from - to < wrap ? to + wrap - from : to
  }
  return n
}

/** The values of a window by what they weigh: each reading once, or as long as it held. */
function weightsOf(
  oracle: LogOracle,
  dataset: PlanDataset,
  column: PlanColumn,
  input: PlanInput,
  start: number,
): {
  readonly all: readonly Weight[]
  readonly latest: Weight | undefined
  readonly came: readonly (number | string)[]
} {
  const end = start + column.window
  const came = oracle.within(dataset, column, input.id, start, end)
  const value = (r: Reading) => r.usable(column)!
  const ordered = inOrder(came)
  const last = ordered.at(-1)
  if (input.hold === 0)
    return { all: came.map((r) => [value(r), 1]), latest: last && [value(last), 1], came: came.map(value) }
  const base = oracle.baseOf(dataset, column, input, start)
  const held = [...(base ? [base] : []), ...ordered]
  const all = held.map((r, i): Weight => {
    const from = Math.max(start, r.at)
    return [value(r), Math.min(held[i + 1]?.at ?? end, r.at + input.hold, end) - from]
  })
  return { all, latest: all.at(-1), came: [...(base ? [value(base)] : []), ...came.map(value)] }
}

function measured(column: PlanColumn, { all, latest, came }: ReturnType<typeof weightsOf>): number | string | null {
  if (!latest) return null
  if (column.kind === 'category') {
    const { stat, vocabulary } = column
    const sums = new Map([...vocabulary, ''].map((word) => [word, 0]))
    for (const [text, weight] of all) {
      const word = vocabulary.includes(text as string) ? (text as string) : ''
      sums.set(word, sums.get(word)! + weight)
    }
    const most = [...sums].reduce((a, b) => (b[1] > a[1] ? b : a))[0]
    const shown = stat === 'last' ? (latest[0] as string) : most
    return vocabulary.includes(shown) ? shown : null
  }
  const total = all.reduce((sum, [, weight]) => sum + weight, 0)
  const mean = (of: (x: number) => number): number =>
    all.reduce((sum, [x, weight]) => sum + of(x as number) * weight, 0) / total
  switch (column.stat) {
    case 'mean':
      return mean((x) => clampTo(column, x))
    case 'share_true':
    case 'share_false':
      return clampTo(
        column,
        mean((x) => x),
      )
    case 'std': {
      const center = mean((x) => x)
      return all.length > 1 || column.inputs[0]![0]!.hold > 0
        ? clampTo(column, Math.sqrt(mean((x) => (x - center) ** 2)))
        : null
    }
    case 'min':
      return clampTo(column, Math.min(...(came as readonly number[])))
    case 'max':
      return clampTo(column, Math.max(...(came as readonly number[])))
    case 'last':
      return clampTo(column, latest[0] as number)
    case 'rate':
    case 'delta':
      throw new Error('counts are not measured')
  }
}

/** The readings that came after none that is newer: an older one says nothing that was not said already. */
function inOrder(came: readonly Reading[]): readonly Reading[] {
  const ordered: Reading[] = []
  for (const r of came) if (ordered.length === 0 || r.at >= ordered.at(-1)!.at) ordered.push(r)
  return ordered
}

function clampTo(column: PlanColumn, x: number): number {
  const [low, high] = (column.kind === 'number' ? column.range : ['0', '0']).map((text) =>
    toNumber(parseDecimal(text)!),
  )
  return Math.min(Math.max(x, low!), high!)
}
