import { describe, expect, it } from 'vitest'
import { unitConversion, unitProblem } from './unit.ts'

describe('unit', () => {
  it.each([
    'Cel',
    '[degF]',
    'K',
    '%',
    '/min',
    '{count}',
    '1',
    'mm/s',
    'm/s2',
    'bar',
    'kPa',
    '[psi]',
    'kW.h',
    'V.A',
    'um',
    'Hz',
    'N.m',
    'm3/h',
    'L/min',
    'dB',
  ])('knows %s', (code) => expect(unitProblem(code)).toBeUndefined())

  it.each([
    ['℃', 'Cel'],
    ['°C', 'Cel'],
    ['rpm', '/min'],
    ['개', '{count}'],
    ['個', '{count}'],
    ['％', '%'],
    ['kWh', 'kW.h'],
    ['psi', '[psi]'],
    ['㎜/s', 'mm/s'],
  ])('says what to write for %s', (written, code) => {
    expect(unitProblem(written)?.hint).toContain(JSON.stringify(code))
    expect(unitProblem(code)).toBeUndefined()
  })

  it.each(['foo', '', 'toString', '도'])('does not know %j', (code) =>
    expect(unitProblem(code)?.message).toBe(`unknown unit "${code}"`),
  )

  // Defined values (SI Brochure, 9th edition; NIST SP 811, Appendix B).
  it.each([
    ['[degF]', 'Cel', 212, 100],
    ['[degF]', 'Cel', -40, -40],
    ['K', 'Cel', 273.15, 0],
    ['bar', 'kPa', 1, 100],
    ['[psi]', 'kPa', 1, 6.894757293168361],
    ['atm', 'kPa', 1, 101.325],
    ['mm/s', 'm/s', 250, 0.25],
    ['[in_i]', 'mm', 1, 25.4],
    ['[g]', 'm/s2', 1, 9.80665],
    ['kW.h', 'MJ', 1, 3.6],
    ['/min', 'Hz', 90, 1.5],
    ['%', '1', 50, 0.5],
    ['L/min', 'm3/h', 100, 6],
    ['[lb_av]', 'kg', 1, 0.45359237],
    ['Pa', 'bar', 100_000, 1],
    ['h', 's', 1.5, 5400],
  ])('converts %s to %s', (from, to, value, expected) => {
    const { factor, offset } = unitConversion(from, to)!
    expect(value * factor + offset).toBeCloseTo(expected, 9)
  })

  it.each([
    ['bar', 'Cel'],
    ['mm/s', 'mm'],
    ['%', 'Cel'],
  ])('does not convert %s to %s', (from, to) => expect(unitConversion(from, to)).toBeUndefined())
})
