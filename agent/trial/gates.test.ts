import { describe, expect, it } from 'vitest'
import { judge } from './gates.ts'
import type { TrialResult } from './trial.ts'

const share = (value: number) => ({ n: 10, value, lo: 0, hi: 1, baseline: 0.1, lift: value / 0.1 })
const found: TrialResult = {
  trace_linkage: share(0.9),
  traffic_auc: share(0.5),
  volume_exact: null,
  correlation_shift: { pairs: 1, largest: 0.02, signs_kept: 1 },
  coverage: 0.8,
}

describe('what a policy expects', () => {
  it.each([
    [{ traffic_auc: { max: 0.55 } }, true],
    [{ trace_linkage: { max: 0.5 } }, false],
    [{ correlation_shift: { max: 0.02 } }, true],
    [{ coverage: { min: 0.9 } }, false],
    [{ coverage: { min: 0.8 } }, true],
  ])('%j is %s', (expected, met) => {
    expect(judge(expected, found).map((gate) => gate.met)).toEqual([met])
  })

  it('is not met where there was nothing to measure it on', () => {
    expect(judge({ volume_exact: { max: 1 } }, found)).toEqual([
      { name: 'volume_exact', bound: 'max', limit: 1, measured: null, met: false },
    ])
  })

  it('may be nothing', () => {
    expect(judge(undefined, found)).toEqual([])
  })
})
