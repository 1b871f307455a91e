import type { ContractColumn, Statistic } from '../core/contract.ts'
import { compareDecimal, type Decimal, formatDecimal, minus, parseDecimal, toNumber } from '../core/decimal.ts'
import type { Problem } from '../core/problem.ts'
import type { SignalSpec } from '../core/signal.ts'
import { unitConversion } from '../core/unit.ts'
import { compileCategory } from './compile-category.ts'
import { type ColumnInput, type Compiled, inputsOf } from './compile-input.ts'
import { RISK, windowProblems } from './compile-window.ts'
import { makeGrid } from './grid.ts'
import { leastStep } from './profile.ts'

type NumericSpec = Exclude<ContractColumn, { type: 'category' }>

/** One column of the plan, or why not. A column without a rule is null in every row, on the contract's own grid. */
export function compileColumn(input: ColumnInput): Compiled {
  return input.spec.type === 'category' ? compileCategory(input, input.spec) : compileNumber(input, input.spec)
}

function compileNumber(input: ColumnInput, spec: NumericSpec): Compiled {
  const { path, rule, policy } = input
  const { stat, type, unit, min_share } = spec
  const window = spec.window ?? input.slot
  const contract = { low: exact(spec.range[0]), high: exact(spec.range[1]), step: exact(spec.step) }
  const declared = {
    low: exact(rule?.range?.[0] ?? spec.range[0]),
    high: exact(rule?.range?.[1] ?? spec.range[1]),
    step: exact(rule?.step ?? spec.step),
  }
  const problems: Problem[] = []
  const problem = (at: readonly (string | number)[], message: string, hint: string): void => {
    problems.push({ path: [...path, ...at], message, hint })
  }
  const grid = makeGrid(declared.low, declared.high, declared.step)
  if ('problem' in grid) {
    const [at, message, hint] = gridProblem(grid.problem, declared)
    if (!rule) problem([], `in the contract, ${message}`, 'ask the pool for a right contract')
    else if (rule.range !== undefined && rule.step !== undefined) problem(at, message, hint)
  }
  const perOne = unitConversion('1', unit)
  if (rule) {
    if (rule.range === undefined) problem([], '"range" is missing', `add \`range: [low, high]\`, in ${unit}`)
    if (rule.step === undefined) problem([], '"step" is missing', `add \`step: …\`, in ${unit}`)
    if (compareDecimal(declared.low, contract.low) < 0 || compareDecimal(declared.high, contract.high) > 0)
      problem(
        ['range'],
        'the range is wider than the contract allows',
        `stay within ${spec.range[0]} to ${spec.range[1]} ${unit}`,
      )
    if (compareDecimal(declared.step, contract.step) < 0)
      problem(['step'], 'the step is finer than the contract allows', `write at least ${spec.step}`)
    if (rule.accept_risk === undefined) {
      const least = leastStep(policy.profile, declared, stat, perOne?.factor ?? 1)
      if (rule.step !== undefined && rule.range !== undefined && compareDecimal(declared.step, least) < 0)
        problem(
          ['step'],
          `the step is finer than ${policy.profile} allows`,
          `write at least ${formatDecimal(least)}, or add \`${RISK}\``,
        )
    }
    problems.push(...windowProblems(input, window, CYCLIC[stat]), ...statisticProblems(input, spec, declared))
  }
  const wrap = toNumber(exact(rule?.wrap ?? 0))
  const { inputs, problems: unfed } = inputsOf(input, (signal) => signalProblem(signal, spec, wrap))
  problems.push(...unfed)
  if ('problem' in grid) return { problems }
  const column = {
    kind: 'number' as const,
    name: input.name,
    type,
    unit,
    window,
    min_share,
    range: [formatDecimal(declared.low), formatDecimal(declared.high)] as const,
    step: formatDecimal(declared.step),
    grid,
    accepted_risk: rule?.accept_risk ?? null,
    inputs,
  }
  if (stat === 'rate')
    return { column: { ...column, stat, floor: rule?.rate?.floor ?? 1, factor: perOne?.factor ?? 1, wrap }, problems }
  return { column: stat === 'delta' ? { ...column, stat, wrap } : { ...column, stat }, problems }
}

/** What follows the cycles of a machine where windows are no longer than they. */
const CYCLIC: { readonly [stat in Statistic]?: 'shares' | 'counts' } = {
  share_true: 'shares',
  share_false: 'shares',
  delta: 'counts',
}
const isShare = (stat: Statistic): boolean => stat === 'share_true' || stat === 'share_false'

/** Where a rule does not go with the statistic of its column. */
function statisticProblems(
  { path, rule }: ColumnInput,
  { stat, unit }: NumericSpec,
  { low, high }: Declared,
): readonly Problem[] {
  const problems: Problem[] = []
  const problem = (at: readonly (string | number)[], message: string, hint: string): void => {
    problems.push({ path: [...path, ...at], message, hint })
  }
  const { from, rate, wrap } = rule!
  const counts = stat === 'rate' || stat === 'delta'
  const perOne = unitConversion('1', unit)
  if (stat === 'rate' && from !== undefined)
    problem(['from'], 'the column is a rate', 'write `rate: { of, over, kind: counter, floor }` instead')
  if (stat !== 'rate' && rate !== undefined)
    problem(['rate'], `the column is not a rate: its statistic is ${stat}`, 'write `from: "{asset}/signal"` instead')
  if (rate && rate.of === rate.over)
    problem(['rate', 'over'], 'a counter divided by itself is always 1', 'name the counter of all parts')
  if ((stat === 'rate' || isShare(stat)) && !perOne)
    problem([], `a ${stat === 'rate' ? stat : 'share'} cannot be given in ${unit}`, 'ask the pool for a right contract')
  if ((counts || stat === 'std' || isShare(stat)) && low.units < 0n)
    problem(['range'], `the range begins below zero, and a ${stat} is never there`, 'begin it at 0')
  if (isShare(stat) && perOne && toNumber(high) > perOne.factor)
    problem(
      ['range'],
      `the range ends above ${perOne.factor}, and a ${stat} is never there`,
      `end it at ${perOne.factor}`,
    )
  if (wrap !== undefined && !counts)
    problem(['wrap'], `nothing wraps in a column whose statistic is ${stat}`, 'remove it')
  else if (wrap !== undefined && exact(wrap).units <= 0n)
    problem(['wrap'], 'a counter wraps above zero', 'write 65536 for a counter of 16 bits, or leave it out')
  return problems
}

interface Declared {
  readonly low: Decimal
  readonly high: Decimal
  readonly step: Decimal
}

function gridProblem(
  kind: 'empty' | 'step' | 'not-whole' | 'too-fine',
  { low, high, step }: Declared,
): readonly [readonly string[], string, string] {
  switch (kind) {
    case 'empty':
      return [['range'], 'the range is empty', 'write the lower bound first']
    case 'step':
      return [['step'], 'the step is not above zero', 'write the width of the grid']
    case 'too-fine':
      return [['step'], 'range and step have too many digits', 'write a coarser step']
    case 'not-whole': {
      const fitting = formatDecimal(fittingStep(minus(high, low), step))
      return [['step'], 'the range is not a whole number of steps', `${fitting} would divide it, or change the range`]
    }
  }
}

/** The narrowest step from `step` on that divides the range, with at most three digits more than it; at most 10,000 of them. */
function fittingStep(range: Decimal, step: Decimal): Decimal {
  const units = range.units * 1_000n
  let steps = BigInt(Math.min(10_000, Math.max(1, Math.floor(toNumber(range) / toNumber(step)))))
  while (units % steps !== 0n) steps--
  return { units: units / steps, places: range.places + 3 }
}

/** Why a signal cannot feed the column. */
function signalProblem(signal: SignalSpec, { stat, unit: to }: NumericSpec, wrap: number): string | undefined {
  const { id, type, unit = '1', scale } = signal
  const target = stat === 'rate' ? '1' : to
  if (isShare(stat)) return type === 'bool' ? undefined : `"${id}" is a ${type}, and a ${stat} is one of a bool`
  if (type === 'bool' || type === 'string') return `"${id}" is a ${type}, and the column holds numbers`
  const conversion = unitConversion(unit, target)
  if (!conversion) return `"${id}" is in ${unit}, which cannot be converted to ${target}`
  if (stat === 'delta' && conversion.offset !== 0) return `"${id}" is in ${unit}, whose zero is not that of ${to}`
  const bits = Number(/\d+$/.exec(type)?.[0])
  const isCounted = type.includes('int') && scale === undefined && conversion.factor === 1
  return isCounted && wrap > 2 ** bits ? `"${id}" is a ${type}, which wraps before ${wrap}` : undefined
}

/** The schemas have parsed these already. */
function exact(text: string | number): Decimal {
  return parseDecimal(text)!
}
