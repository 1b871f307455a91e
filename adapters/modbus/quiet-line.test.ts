import { describe, expect, it } from 'vitest'
import { makeQuietLine } from './quiet-line.ts'

describe('makeQuietLine', () => {
  const line = makeQuietLine({ silence: 4, timeout: 1_000 })
  it('is noisy until the silence after the last byte is over', () => {
    line.touched(100)
    expect(line.noise(101)).toBe(3)
    line.touched(102)
    expect(line.noise(104)).toBe(2)
    expect(line.noise(106)).toBe(0)
  })
  it('lets a unit rest for one more timeout, and that unit alone', () => {
    line.unanswered(7, 2_000)
    expect(line.rest(7, 2_400)).toBe(600)
    expect(line.rest(7, 3_000)).toBe(0)
    expect(line.rest(8, 2_400)).toBeLessThanOrEqual(0)
  })
})
