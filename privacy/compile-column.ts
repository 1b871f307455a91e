import type { ContractColumn } from '../core/contract.ts'
import { compareDecimal, type Decimal, formatDecimal, minus, parseDecimal, toNumber } from '../core/decimal.ts'
import { formatDuration } from '../core/option.ts'
import type { Problem } from '../core/problem.ts'
import type { SignalSpec } from '../core/signal.ts'
import { unitConversion } from '../core/unit.ts'
import type { KnownSignal, PlanColumn, PlanInput } from './compile.ts'
import { makeGrid } from './grid.ts'
import { leastStep, PROFILES } from './profile.ts'
import type { Policy, Rule } from './schema.ts'

interface ColumnInput {
  readonly path: readonly string[]
  readonly name: string
  /** ms */
  readonly slot: number
  readonly spec: ContractColumn
  readonly rule: Rule | undefined
  readonly policy: Policy
  readonly known: KnownSignal
}

type NumericSpec = Exclude<ContractColumn, { type: 'category' }>
type CategorySpec = Extract<ContractColumn, { type: 'category' }>
interface Compiled {
  readonly column?: PlanColumn
  readonly problems: readonly Problem[]
}

/** One column of the plan, or why not. A column without a rule is null in every row, on the contract's own grid. */
export function compileColumn(input: ColumnInput): Compiled {
  return input.spec.type === 'category' ? compileCategory(input, input.spec) : compileNumber(input, input.spec)
}

function compileCategory(input: ColumnInput, spec: CategorySpec): Compiled {
  const { path, rule, policy, slot } = input
  const base = { name: input.name, window: spec.window ?? slot, min_share: spec.min_share }
  const { stat, vocabulary } = spec
  const column = { ...base, kind: 'category' as const, stat, vocabulary, accepted_risk: rule?.accept_risk ?? null }
  if (!rule) return { column: { ...column, inputs: [] }, problems: [] }
  const problems: Problem[] = (['range', 'step', 'rate'] as const)
    .filter((key) => rule[key] !== undefined)
    .map((key) => ({ path: [...path, key], message: `a category has no ${key}`, hint: 'remove it' }))
  for (const [name, { cycle_time }] of Object.entries(policy.assets)) {
    if (cycle_time === undefined)
      problems.push({
        path: ['assets', name],
        message: `column ${input.name} shows states, and "${name}" has no cycle_time`,
        hint: 'add `cycle_time: 40s`, the time of one cycle of the machine',
      })
    else if (base.window <= cycle_time && rule.accept_risk === undefined)
      problems.push({
        path,
        message: `the window of ${formatDuration(base.window)} is not longer than a cycle of "${name}": the states show its cycles`,
        hint: `leave the column out, or add \`${RISK}\``,
      })
  }
  if (base.window < PROFILES[policy.profile].window) problems.push(...windowProblem(input, base.window))
  const inputs = inputsOf(input, (signal) => categoryProblem(signal, vocabulary))
  return { column: { ...column, inputs: inputs.inputs }, problems: [...problems, ...inputs.problems] }
}

function categoryProblem(signal: SignalSpec, vocabulary: readonly string[]): string | undefined {
  const { labels, type } = signal
  if (labels && !Object.values(labels).some((label) => vocabulary.includes(label)))
    return `none of the labels of "${signal.id}" is in the contract's vocabulary: ${vocabulary.join(', ')}`
  return type.startsWith('float') ? `"${signal.id}" is a ${type}, and the column holds categories` : undefined
}

const RISK = 'accept_risk: "…" with the reason'

function windowProblem({ path, policy, rule }: ColumnInput, window: number): readonly Problem[] {
  if (rule?.accept_risk !== undefined) return []
  const least = formatDuration(PROFILES[policy.profile].window)
  const message = `the window of ${formatDuration(window)} is shorter than ${policy.profile} allows (${least})`
  return [{ path, message, hint: `leave the column out, or add \`${RISK}\`` }]
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
      const least = leastStep(policy.profile, declared, stat === 'rate' ? perOne?.factor : undefined)
      if (rule.step !== undefined && rule.range !== undefined && compareDecimal(declared.step, least) < 0)
        problem(
          ['step'],
          `the step is finer than ${policy.profile} allows`,
          `write at least ${formatDecimal(least)}, or add \`${RISK}\``,
        )
    }
    if (window < PROFILES[policy.profile].window) problems.push(...windowProblem(input, window))
    if (stat === 'rate' && rule.from !== undefined)
      problem(['from'], 'the column is a rate', 'write `rate: { of, over, kind: counter, floor }` instead')
    if (stat !== 'rate' && rule.rate !== undefined)
      problem(['rate'], `the column is not a rate: its statistic is ${stat}`, 'write `from: "{asset}/signal"` instead')
    if (stat === 'rate' && !perOne)
      problem([], `a rate cannot be given in ${unit}`, 'ask the pool for a right contract')
  }
  const { inputs, problems: unfed } = inputsOf(input, (signal) => numberProblem(signal, stat === 'rate' ? '1' : unit))
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
  return stat === 'rate'
    ? { column: { ...column, stat, floor: rule?.rate?.floor ?? 1, factor: perOne?.factor ?? 1 }, problems }
    : { column: { ...column, stat }, problems }
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

function numberProblem({ id, type, unit = '1' }: SignalSpec, to: string): string | undefined {
  if (type === 'bool' || type === 'string') return `"${id}" is a ${type}, and the column holds numbers`
  return unitConversion(unit, to) ? undefined : `"${id}" is in ${unit}, which cannot be converted to ${to}`
}

/** The signals of each listed asset, and what is wrong with them. */
function inputsOf(
  { path, rule, policy, known }: ColumnInput,
  wrong: (signal: SignalSpec) => string | undefined,
): { readonly inputs: readonly (readonly PlanInput[])[]; readonly problems: readonly Problem[] } {
  const written = rule?.rate
    ? ([
        ['rate', 'of', rule.rate.of],
        ['rate', 'over', rule.rate.over],
      ] as const)
    : rule?.from
      ? ([['from', rule.from]] as const)
      : []
  const problems = new Map<string, Problem>()
  const inputs = Object.entries(policy.assets).map(([asset, { place }]) =>
    written.map((entry): PlanInput => {
      const ref = entry.at(-1)!
      const at = [...path, ...entry.slice(0, -1)]
      const tell = (problem: Problem): void => {
        problems.set(`${problem.path.join('/')} ${problem.message}`, problem)
      }
      if (ref.startsWith('{place}') && place === undefined)
        tell({
          path: ['assets', asset],
          message: `"${asset}" has no place, which ${ref} needs`,
          hint: 'add `place: …`',
        })
      const id = ref.replace('{asset}', () => asset).replace('{place}', () => place ?? '')
      const signal = place === undefined && ref.startsWith('{place}') ? { sources: [] } : known(id)
      if (signal === undefined)
        tell({
          path: at,
          message: `there is no signal "${id}"`,
          hint: 'compare it with the assets and signals of the sources',
        })
      const message = signal && 'source' in signal ? wrong(signal) : undefined
      if (message) tell({ path: at, message, hint: 'choose another signal, or mend its unit, type or labels' })
      const sources = !signal ? [] : 'source' in signal ? [signal.source] : signal.sources
      return { id, asset: id.slice(0, id.indexOf('/')), sources }
    }),
  )
  return { inputs: written.length === 0 ? [] : inputs, problems: [...problems.values()] }
}

/** The schemas have parsed these already. */
function exact(text: string): Decimal {
  return parseDecimal(text)!
}
