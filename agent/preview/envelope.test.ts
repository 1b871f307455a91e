import { describe, expect, it } from 'vitest'
import { makeEnvelope } from './envelope.ts'

describe('an envelope', () => {
  it('keeps the lowest and highest of each stretch, and nothing from outside', () => {
    const envelope = makeEnvelope([0, 100], 10)
    for (const [at, value] of [
      [5, 3],
      [1, -2],
      [15, 7],
      [100, 9],
      [-1, 99],
      [101, 99],
    ] as const)
      envelope.add(at, value)
    expect(envelope.trace()).toEqual({ at: [5, 15, 95], low: [-2, 7, 9], high: [3, 7, 9] })
  })

  it('shows a silence, and none between readings that are usually so far apart', () => {
    const often = makeEnvelope([0, 1_000], 100)
    for (let at = 0; at < 1_000; at += 10) if (at < 300 || at > 700) often.add(at, 1)
    expect(often.trace().low.filter((value) => value === null)).toHaveLength(1)
    const seldom = makeEnvelope([0, 1_000], 100)
    for (let at = 0; at < 1_000; at += 250) seldom.add(at, 1)
    expect(seldom.trace().low).toEqual([1, 1, 1, 1])
  })
})
