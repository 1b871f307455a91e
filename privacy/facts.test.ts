import { describe, expect, it } from 'vitest'
import { EXAMPLE_SIGNALS, exampleFacts } from '../test/support/policy-facts.ts'
import { explainColumn } from './column-words.ts'

const facts = exampleFacts()
const columnOf = (name: string) =>
  facts.datasets.flatMap(({ columns }) => columns).find(({ column }) => column === name)!
const signalOf = (id: string) => EXAMPLE_SIGNALS.find((signal) => signal.id === id)

describe('a policy in figures', () => {
  it('counts the rows of a file, and names columns without a rule', () =>
    expect(facts.datasets.map(({ dataset, rows, empty }) => ({ dataset, rows, empty }))).toEqual([
      { dataset: 'stream', rows: 120, empty: ['peak'] },
      { dataset: 'hourly', rows: 2, empty: [] },
    ]))

  it('needs less than the size class at worst', () => {
    for (const { worst_case, size_class } of facts.datasets) expect(worst_case).toBeLessThan(size_class)
  })

  it('bounds what cells can tell: values × 4 marks each, cells that machines share once', () => {
    // 201 values, two presses, 60 windows an hour
    expect(columnOf('oil').cells_an_hour).toBe(120)
    expect(columnOf('oil').bits_an_hour).toBeCloseTo(120 * Math.log2(201 * 4), 9)
    expect(columnOf('state').bits_an_hour).toBeCloseTo(120 * Math.log2(2 * 4), 9)
    // one hall
    expect(columnOf('humidity').cells_an_hour).toBe(1)
    expect(columnOf('humidity').bits_an_hour).toBeCloseTo(Math.log2(101 * 4), 9)
  })

  it('says what the profile asks for: of rates a thousandth of one, in the column’s unit', () => {
    expect(columnOf('oil').least).toEqual({ window_ms: 60_000, step: '1' })
    expect(columnOf('defects').least).toEqual({ window_ms: 60_000, step: '0.1' })
    expect(columnOf('state').least).toEqual({ window_ms: 60_000, step: null })
  })

  it('has the noise in the column’s unit: √2 × scale for a scale of many steps', () => {
    const { noise } = columnOf('defects')
    expect(noise).toMatchObject({ epsilon: '0.5', sensitivity: 10 })
    expect(noise!.sd).toBeCloseTo(Math.SQRT2 * (10 / 0.5) * 0.1, 2)
    expect(facts.budget).toEqual({ window_ms: 86_400_000, epsilon: '4' })
  })

  it('has a hash of its content, whatever the order of its keys and its plant key', () => {
    expect(facts.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(exampleFacts({ policy: { plant_key: 'another' } }).hash).toBe(facts.hash)
    expect(exampleFacts({ policy: { expires: '2028-12-30' } }).hash).not.toBe(facts.hash)
  })
})

describe('a column in words', () => {
  const stepsOf = (name: string) => explainColumn(columnOf(name), signalOf).steps
  const textOf = (name: string, step: string) => stepsOf(name).find((one) => one.step === step)?.text

  it('clamps readings before a mean, and the result of a rate', () => {
    const order = (name: string) => stepsOf(name).map(({ step }) => step)
    expect(order('oil')).toEqual(['quality', 'unit', 'window', 'clamp', 'statistic', 'grid', 'noise', 'row'])
    expect(order('defects')).toEqual(['quality', 'unit', 'window', 'statistic', 'clamp', 'grid', 'noise', 'row'])
    expect(order('state')).toEqual(['quality', 'labels', 'window', 'vocabulary', 'statistic', 'row'])
  })

  it('has the real numbers of each step', () => {
    expect(textOf('oil', 'unit')).toBe('from K to Cel: × 1 − 273.15')
    expect(textOf('oil', 'clamp')).toContain('each reading to 0 … 100 Cel')
    expect(textOf('oil', 'grid')).toContain('0 + k × 0.5 Cel')
    expect(textOf('defects', 'statistic')).toContain('less than 100')
    expect(textOf('defects', 'clamp')).toContain('the result to 0 … 20 %')
    expect(textOf('defects', 'noise')).toMatch(/epsilon 0\.5, sensitivity 10 steps: standard deviation 2\.83 %/)
    expect(textOf('humidity', 'unit')).toBe('%, taken as it is')
  })

  it('tells of a column with noise what the noise is added to', () => {
    expect(textOf('defects', 'statistic')).toContain('counted forward (its steps back count nothing)')
    const noised = [...stepsOf('defects').map(({ text }) => text), ...explainColumn(columnOf('defects'), signalOf).can]
    expect(noised.join('\n')).not.toMatch(/marked clipped|or clipped|a value was beyond/)
    expect(textOf('humidity', 'clamp')).toContain('marked clipped')
    const mean = { ...columnOf('humidity'), noise: columnOf('defects').noise }
    const { steps } = explainColumn(mean, signalOf)
    expect(steps.find(({ step }) => step === 'statistic')?.text).toMatch(/^the mean of as many readings as are due/)
  })

  it('tells a floor that is not met, where a risk was accepted', () => {
    expect(explainColumn(columnOf('oil'), signalOf).floors).toEqual([
      { what: 'window', is: '1m', least: '1m', met: true },
      { what: 'step', is: '0.5 Cel', least: '1 Cel', met: false },
    ])
  })

  it('says that the last reading of a window is a reading', () => {
    const told = (name: string) => explainColumn(columnOf(name), signalOf).can.join('\n')
    expect(told('state')).toContain('one reading of the window')
    expect(told('oil')).not.toContain('one reading of the window')
    expect(told('defects')).toContain('fewer than 100')
  })
})
