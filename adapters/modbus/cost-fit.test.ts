import { describe, expect, it } from 'vitest'
import type { TimedReads } from '../source.ts'
import { type CostFit, costLine, fitCost, proposeCost } from './cost-fit.ts'
import { modbusSourceSchema } from './schema.ts'

type Pair = readonly [number, number]

const timed = (pairs: readonly Pair[], device = 'plc'): TimedReads => ({
  kind: 'timed',
  device,
  short: { what: 'holding 0–1', registers: 2 },
  long: { what: 'holding 0–101', registers: 102 },
  pairs,
})
/** Times of a line of 5 ms a request and 0.02 ms a register, with other work that comes and goes. */
const line = Array.from({ length: 12 }, (_, i): Pair => [5.04 + (i % 4 === 0 ? 9 : 0), 7.04 + (i % 4 === 0 ? 9 : 0)])
const fitted = (...args: Parameters<typeof timed>): CostFit => {
  const found = fitCost(timed(...args))
  if ('why' in found) throw new Error(found.why)
  return found
}
const PLANNED = { request_ms: 5, register_ms: 0.01 }

describe('fitCost', () => {
  it('tells a request from a register, whatever else slows the line down now and then', () => {
    expect(fitted(line)).toMatchObject({ turns: 12, slower: 12, short_ms: 5.04, long_ms: 7.04 })
    expect(fitted(line).register_ms).toBeCloseTo(0.02)
  })

  it.each([
    [10, 12, true],
    [9, 12, false],
    [6, 6, true],
    [6, 7, false],
  ])('a long read that took longer in %i of %i turns costs more: %s', (slower, turns, told) => {
    const pairs = Array.from({ length: turns }, (_, i): Pair => (i < slower ? [5, 6] : [6, 5]))
    expect(fitted(pairs).register_ms !== null).toBe(told)
  })

  it('says why there is nothing to say', () => {
    expect(fitCost({ kind: 'untimed', device: 'plc', why: 'no answer' })).toEqual({ device: 'plc', why: 'no answer' })
    expect(fitCost(timed(line.slice(0, 5)))).toEqual({
      device: 'plc',
      why: 'it answered holding 0–1 and holding 0–101 only 5 times',
    })
  })
})

describe('proposeCost', () => {
  const slow = line.map(([short, long]): Pair => [short + 20, long + 20])
  const level = line.map(([short]): Pair => [short, short])

  it.each<[string, readonly CostFit[], number | undefined, string]>([
    ['one device', [fitted(line)], undefined, 'cost: { request: 5ms, register: 0.02ms }'],
    [
      'the median of several',
      [fitted(line), fitted(slow), fitted(line)],
      undefined,
      'cost: { request: 5ms, register: 0.02ms }',
    ],
    ['a request alone where registers cost nothing that shows', [fitted(level)], undefined, 'cost: { request: 5ms }'],
    ['the register that is configured then', [fitted(level)], 0.03, 'cost: { request: 5ms, register: 0.03ms }'],
    [
      'what the schema takes where a request costs next to nothing',
      [fitted(line.map(([short, long]): Pair => [short - 5.04, long - 5.04]))],
      undefined,
      'cost: { request: 0.01ms, register: 0.02ms }',
    ],
  ])('of %s', (_, fits, configured, line) => {
    const proposed = proposeCost(fits, PLANNED, configured)!
    expect(costLine(proposed)).toBe(line)
    const text = JSON.parse(line.replace('cost:', '').replace(/(\w+): ([\d.]+ms)/g, '"$1": "$2"'))
    const devices = { plc: { signals: { a: { holding: 0 } } } }
    expect(modbusSourceSchema.parse({ kind: 'modbus', host: 'plc', devices, cost: text }).cost).toEqual(proposed)
  })

  it('is nothing where nothing was measured', () => {
    expect(proposeCost([], PLANNED, 0.03)).toBeNull()
  })
})
