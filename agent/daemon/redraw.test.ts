import { describe, expect, it } from 'vitest'
import { liveTwice } from '../../test/support/second-life.ts'

describe('noise of a folder that lives twice', () => {
  it('is drawn once where it was killed between mark and commit: the cells of that batch are null', () => {
    const { redraws, drawn, empty, problems } = liveTwice('killed before the commit', 40)
    expect({ redraws, problems }).toEqual({ redraws: 0, problems: [] })
    expect(empty).toBeGreaterThanOrEqual(10)
    expect(drawn).toBeGreaterThan(0)
  })

  it.each(['restored', 'restored without its mark'] as const)('is drawn once where it was %s', (kind) => {
    const { redraws, drawn, problems } = liveTwice(kind, 40)
    expect({ redraws, problems }).toEqual({ redraws: 0, problems: [] })
    expect(drawn).toBeGreaterThan(0)
  })

  it('would be drawn twice but for the mark', () => {
    expect(liveTwice('put back whole', 40).redraws).toBeGreaterThan(0)
  })
})
