import { describe, expect, it } from 'vitest'
import { compile, contractOf, planOf, policyOf, signalOf } from '../test/support/disclosure.ts'
import type { PlanColumn, PlanDataset } from './compile.ts'
import { worstCaseBytes } from './size.ts'

// That sealed batches stay below the bound is shown where they are sealed (uplink/worst-case.test.ts).

const oil = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.1 }
const state = { meaning: 'm', type: 'category', stat: 'last', vocabulary: ['idle', 'run'] }
const signals = [signalOf('press-7/oil', { unit: 'Cel' })]
const rules = { stream: { oil: { from: 'press-7/oil', range: [0, 100], step: 1 } } }
const assets = (n: number) => Array.from({ length: n }, () => ({ class: 'press' }))
const policy = (n: number) =>
  policyOf(rules, { assets: Object.fromEntries(assets(n).map((asset, i) => [`press-${i}`, asset])) })
const contract = (size_class: string) =>
  contractOf({ stream: { kind: 'stream', grid: '1m', size_class, columns: { oil, state } } })

const dataset = planOf(contract('10MB'), policy(1), signals).datasets[0]!
const [number, category] = dataset.columns as [PlanColumn & { kind: 'number' }, PlanColumn & { kind: 'category' }]

describe('the size class', () => {
  const need = worstCaseBytes(dataset, assets(50))
  it.each<[string, number, string | undefined]>([
    ['just holds the worst case', need, undefined],
    [
      'lacks one byte',
      need - 1,
      `a batch of 50 assets can need ${need} bytes, more than the size class of ${need - 1}B`,
    ],
  ])('%s', (_, bytes, message) => {
    const { plan, problems } = compile(contract(`${bytes}B`), policy(50), signals)
    expect(problems.map((problem) => [problem.path, problem.message])).toEqual(
      message ? [[['datasets', 'stream'], message]] : [],
    )
    expect(plan?.datasets[0]?.size_class).toBe(message ? undefined : bytes)
  })
})

describe('the worst case', () => {
  const changed = (change: Partial<PlanDataset>): PlanDataset => ({ ...dataset, ...change })
  const columns = (...columns: readonly PlanColumn[]): PlanDataset => changed({ columns })
  it.each<[string, PlanDataset, number]>([
    // 60 rows more: a slot of 8 bytes and a number of 4 in each
    ['slots', changed({ cadence: dataset.cadence * 2 }), 60 * 12],
    ['doubles', columns({ ...number, type: 'double' }, category), 60 * 4],
    ['a table', changed({ kind: 'table' }), 60 * 4],
    ['a column', columns(number, category, number), 60 * 4],
    // each word stands in the dictionary, and may be least and greatest in the footer
    ['a long word', columns(number, { ...category, vocabulary: ['idle', 'run', '한'.repeat(100)] }), 300 * 3],
    ['a long name', columns({ ...number, name: 'x'.repeat(63) }, category), 60],
  ])('grows with %s by its own bytes at least', (_, larger, bytes) => {
    const grown = worstCaseBytes(larger, assets(1)) - worstCaseBytes(dataset, assets(1))
    expect(grown).toBeGreaterThanOrEqual(bytes)
  })

  it('grows with assets by their rows and names', () => {
    const grown = worstCaseBytes(dataset, assets(2)) - worstCaseBytes(dataset, assets(1))
    expect(grown).toBeGreaterThanOrEqual(60 * 12 + 26)
  })

  it('grows with asset classes', () => {
    const two = worstCaseBytes(dataset, [{ class: 'press' }, { class: 'o'.repeat(200) }])
    expect(two - worstCaseBytes(dataset, assets(2))).toBeGreaterThanOrEqual(200 * 3)
  })
})
