import { describe, expect, it } from 'vitest'
import { unixMs } from '../core/brand.ts'
import { GOOD, qualityCode } from '../core/quality.ts'
import { makeBlockBuilder, type ReadingBlock, valueAt } from '../core/reading-block.ts'
import type { SignalSpec, Value } from '../core/signal.ts'
import { signalSpec } from '../test/support/store.ts'
import { makeThinner, pick } from './thinning.ts'

const periodic = signalSpec('a')
const irregular: SignalSpec = { ...periodic, cadence: { kind: 'event' } }
const state: SignalSpec = { ...periodic, type: 'string' }
const BAD = qualityCode('bad', 'reported')

/** Readings of signal 0; null is bad. */
function blockOf(values: readonly (Value | null)[], signal = 0): ReadingBlock {
  const builder = makeBlockBuilder()
  for (const [at, value] of values.entries()) builder.add(signal, at, value, value === null ? BAD : GOOD)
  return builder.take(unixMs(0))
}

/** What stays of blocks of one signal, block by block. */
function thinned(signal: SignalSpec, step: number, ...blocks: readonly (readonly (Value | null)[])[]) {
  const thinner = makeThinner(() => signal)
  return blocks.map((values) => {
    const block = blockOf(values)
    const left = { ...block, ...pick(block, thinner.choose(block, step), 1) }
    return Array.from(left.times, (_, i) => valueAt(left, i))
  })
}

describe('thinning keeps', () => {
  it('every n-th reading', () => {
    expect(thinned(periodic, 2, [0, 1, 2, 3, 4])).toEqual([[0, 2, 4]])
    expect(thinned(periodic, 4, [0, 1, 2, 3, 4, 5])).toEqual([[0, 4]])
  })

  it('every n-th across blocks, where a block has one reading of a signal', () => {
    expect(thinned(periodic, 2, [0], [1], [2], [3])).toEqual([[0], [], [2], []])
    expect(thinned(periodic, 4, [0, 1, 2], [3, 4, 5], [6, 7, 8])).toEqual([[0], [4], [8]])
  })

  it('counts each signal for itself, until a new pass', () => {
    const thinner = makeThinner(() => periodic)
    const chosen = (signal: number) => [...thinner.choose(blockOf([1, 2, 3], signal), 2)]
    expect([chosen(0), chosen(1), chosen(0)]).toEqual([
      [1, 0, 1],
      [1, 0, 1],
      [0, 1, 0],
    ])
    thinner.restart()
    expect(chosen(0)).toEqual([1, 0, 1])
  })

  it('where a signal turns bad and where it is good again', () => {
    expect(thinned(periodic, 4, [0, 1, null, null, 4, 5, 6, null], [null, 9])).toEqual([
      [0, null, 4, null],
      [null, 9],
    ])
  })

  it('all changes of a state', () => {
    expect(thinned(state, 4, ['a', 'a', 'b', 'b', 'b', 'c'], ['c', 'a', 'a'])).toEqual([
      ['a', 'b', 'b', 'c'],
      ['a', 'a'],
    ])
    const labelled: SignalSpec = { ...periodic, type: 'uint16', labels: { 0: 'idle', 1: 'run' } }
    expect(thinned(labelled, 8, [0, 0, 0, 1, 1, 0])).toEqual([[0, 1, 0]])
    expect(thinned({ ...periodic, type: 'bool' }, 8, [false, true, true, false])).toEqual([[false, true, false]])
  })

  it('first and last of what does not come periodically, where a block holds many', () => {
    expect(thinned(irregular, 2, [0, 1, 2, 3, 4, 5], [6, 7, 8, 9])).toEqual([
      [0, 2, 4, 5],
      [6, 8],
    ])
    expect(thinned(periodic, 2, [0, 1, 2, 3, 4, 5])).toEqual([[0, 2, 4]])
  })

  it('texts and large integers with their readings, also of what it takes out', () => {
    const block = blockOf(['a', 2n ** 60n, 'b', 7, 'c'])
    const stays = Uint8Array.of(0, 1, 0, 1, 1)
    for (const [mark, values] of [
      [1, [2n ** 60n, 7, 'c']],
      [0, ['a', 'b']],
    ] as const) {
      const part = { ...block, ...pick(block, stays, mark) }
      expect(Array.from(part.times, (_, i) => valueAt(part, i))).toEqual(values)
      expect(part.texts.length).toBe(2)
    }
  })
})
