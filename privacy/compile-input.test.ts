import { describe, expect, it } from 'vitest'
import type { SignalSpec } from '../core/signal.ts'
import {
  compileOne,
  contractOf,
  type OneColumn,
  planOf,
  policyOf,
  signalOf,
  toldOf,
} from '../test/support/disclosure.ts'

const mean = { meaning: 'm', stat: 'mean', unit: 'Cel', range: [-50, 200], step: 0.1 }
const fine = { from: '{asset}/oil', range: [0, 100], step: 1 }
const signals: readonly SignalSpec[] = [
  signalOf('press-7/oil', { unit: 'Cel' }),
  signalOf('press-7/kelvin', { unit: 'K' }),
  signalOf('press-7/bare'),
  signalOf('press-7/pressure', { unit: 'bar' }),
  signalOf('press-7/open', { type: 'bool' }),
  signalOf('press-7/text', { type: 'string' }),
  signalOf('hall/humidity', { unit: '%', source: 'broker' }),
]
const press = { class: 'press', place: 'hall' }
const told = (given: OneColumn) => toldOf(compileOne(given, signals))

describe('the inputs of a column', () => {
  const humid = { ...fine, from: '{place}/humidity' }
  const percent = { ...mean, unit: '%' }
  it.each<[string, OneColumn, readonly string[]]>([
    [
      'of a number',
      [mean, { ...fine, from: '{asset}/open' }],
      ['from: "press-7/open" is a bool, and the column holds numbers'],
    ],
    [
      'of a text',
      [mean, { ...fine, from: '{asset}/text' }],
      ['from: "press-7/text" is a string, and the column holds numbers'],
    ],
    [
      'of another dimension',
      [mean, { ...fine, from: '{asset}/pressure' }],
      ['from: "press-7/pressure" is in bar, which cannot be converted to Cel'],
    ],
    [
      'without a unit',
      [mean, { ...fine, from: '{asset}/bare' }],
      ['from: "press-7/bare" is in 1, which cannot be converted to Cel'],
    ],
    ['in another unit', [mean, { ...fine, from: '{asset}/kelvin' }], []],
    ['that are not there', [mean, { ...fine, from: '{asset}/oi' }], ['from: there is no signal "press-7/oi"']],
    ['that a wildcard may bring', [mean, fine, { assets: { 'press-8': press } }], []],
    [
      'of each asset that lacks one',
      [mean, fine, { assets: { 'press-7': press, a: press, b: press } }],
      ['from: there is no signal "a/oil"', 'from: there is no signal "b/oil"'],
    ],
    ['of a place', [percent, humid], []],
    [
      'of a place that is not known',
      [percent, humid, { assets: { 'press-7': { class: 'press' } } }],
      ['assets.press-7: "press-7" has no place, which {place}/humidity needs'],
    ],
    [
      'that every row shares are told once',
      [mean, { ...fine, from: 'x/y' }, { assets: { a: press, b: press } }],
      ['from: there is no signal "x/y"'],
    ],
  ])('%s', (_, given, expected) => expect(told(given)).toEqual(expected))

  it('name the signal, its asset and its source, row by row', () => {
    const contract = contractOf({ s: { kind: 'stream', grid: '1m', columns: { x: percent } } })
    const inputs = (from: string) => {
      const policy = policyOf({ s: { x: { ...humid, from } } }, { assets: { a: press, b: press } })
      return planOf(contract, policy, signals, ['a/h', 'b/h']).datasets[0]!.columns[0]!.inputs
    }
    expect(inputs('{place}/humidity')).toEqual([
      [{ id: 'hall/humidity', asset: 'hall', sources: ['broker'], hold: 0 }],
      [{ id: 'hall/humidity', asset: 'hall', sources: ['broker'], hold: 0 }],
    ])
    expect(inputs('{asset}/h')).toEqual([
      [{ id: 'a/h', asset: 'a', sources: ['plc'], hold: 0 }],
      [{ id: 'b/h', asset: 'b', sources: ['plc'], hold: 0 }],
    ])
  })
})
