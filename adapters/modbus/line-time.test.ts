import { describe, expect, it } from 'vitest'
import { characterTime, frameSilence, lineTime } from './line-time.ts'

describe('frameSilence', () => {
  it.each([
    [1200, 32.083],
    [9600, 4.01],
    [19_200, 2.005],
    [38_400, 1.75],
    [115_200, 1.75],
  ])('at %d baud is %d ms', (baud, ms) => {
    expect(frameSilence(baud)).toBeCloseTo(ms, 2)
  })
  it('counts the bits of a character without parity', () => {
    expect(characterTime(9600, 10)).toBeCloseTo(1.0417, 3)
    expect(frameSilence(9600, 10)).toBeCloseTo(3.646, 3)
  })
})

describe('lineTime', () => {
  it('on a serial line counts 13 characters, two silences and a turnaround a request, two characters a register', () => {
    const { request_ms, register_ms } = lineTime('rtu', 9600)
    expect(request_ms).toBeCloseTo(13 * 1.1458 + 2 * 4.0104 + 5, 2)
    expect(register_ms).toBeCloseTo(2.2917, 3)
  })
  it.each([
    // A hole up to this many registers is cheaper to read than to ask twice.
    ['rtu', 1200, 10],
    ['rtu', 9600, 12],
    ['rtu', 115_200, 51],
    ['rtu_over_tcp', 9600, 14],
    ['tcp', 9600, 500],
    ['tls', 9600, 500],
  ] as const)('on %s at %d baud makes a request worth %d registers', (transport, baud, registers) => {
    const { request_ms, register_ms } = lineTime(transport, baud)
    expect(Math.floor(request_ms / register_ms + 1e-9)).toBe(registers)
  })
})
