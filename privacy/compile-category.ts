import type { ContractColumn } from '../core/contract.ts'
import type { Problem } from '../core/problem.ts'
import type { SignalSpec } from '../core/signal.ts'
import { type ColumnInput, type Compiled, inputsOf } from './compile-input.ts'
import { windowProblems } from './compile-window.ts'

/** A column of categories of the plan, and what is wrong with its rule. */
export function compileCategory(input: ColumnInput, spec: Extract<ContractColumn, { type: 'category' }>): Compiled {
  const { path, rule, slot } = input
  const base = { name: input.name, window: spec.window ?? slot, min_share: spec.min_share }
  const { stat, vocabulary } = spec
  const column = { ...base, kind: 'category' as const, stat, vocabulary, accepted_risk: rule?.accept_risk ?? null }
  if (!rule) return { column: { ...column, inputs: [] }, problems: [] }
  const problems: Problem[] = (['range', 'step', 'rate', 'wrap'] as const)
    .filter((key) => rule[key] !== undefined)
    .map((key) => ({ path: [...path, key], message: `a category has no ${key}`, hint: 'remove it' }))
  const { inputs, problems: unfed } = inputsOf(input, (signal) => categoryProblem(signal, vocabulary))
  return {
    column: { ...column, inputs },
    problems: [...problems, ...windowProblems(input, base.window, 'states'), ...unfed],
  }
}

function categoryProblem(signal: SignalSpec, vocabulary: readonly string[]): string | undefined {
  const { labels, type } = signal
  if (labels && !Object.values(labels).some((label) => vocabulary.includes(label)))
    return `none of the labels of "${signal.id}" is in the contract's vocabulary: ${vocabulary.join(', ')}`
  return type.startsWith('float') ? `"${signal.id}" is a ${type}, and the column holds categories` : undefined
}
