import { describe, expect, it } from 'vitest'
import { type UnixMs, unixMs } from '../../core/brand.ts'
import { defectChance, makePlant, PRESSES } from './plant.ts'
import { makeTruth } from './truth.ts'

const START = Date.UTC(2026, 0, 5)
const WINDOW = 600_000
const at = (seconds: number): UnixMs => unixMs(START + seconds * 1000)

describe('the plant', () => {
  it.each([1, 7, 42, 2026])('of seed %i has a defect rate that follows oil temperature and humidity', (seed) => {
    const plant = makePlant(seed)
    const truth = makeTruth(plant, WINDOW)
    for (let s = 0; s <= 12 * 600; s++) {
      plant.step(at(s))
      truth.record(at(s))
    }
    const correlation = truth.correlation()
    expect(correlation.n).toBe(12 * PRESSES.length)
    expect(correlation.multiple).toBeGreaterThan(0.85)
    expect(correlation.oil_temperature).toBeGreaterThan(0.2)
    expect(correlation.humidity).toBeGreaterThan(0.1)
  })

  it.each([3, 99])('of seed %i stays within what such machines do', (seed) => {
    const plant = makePlant(seed)
    const states = new Set<number>()
    let [cycles, total, least] = [0, 0, Number.POSITIVE_INFINITY]
    for (let s = 0; s <= 24 * 600; s++) {
      plant.step(at(s))
      const press = plant.press(0)
      const quality = plant.quality(0)
      const hall = plant.hall()
      states.add(press.state)
      expect(press.oil_temperature).toBeGreaterThan(30)
      expect(press.oil_temperature).toBeLessThan(80)
      expect(press.pressure).toBeGreaterThanOrEqual(0)
      expect(press.pressure).toBeLessThan(200)
      expect(press.vibration).toBeGreaterThan(0)
      expect(press.vibration).toBeLessThan(10)
      expect(hall.temperature).toBeGreaterThan(10)
      expect(hall.temperature).toBeLessThan(40)
      expect(hall.humidity).toBeGreaterThanOrEqual(15)
      expect(hall.humidity).toBeLessThanOrEqual(95)
      expect(press.cycles).toBeGreaterThanOrEqual(cycles)
      expect(quality.total).toBe(quality.good + quality.ng)
      expect(quality.total).toBeGreaterThanOrEqual(total)
      if (s > 0 && s % 600 === 0) {
        least = Math.min(least, quality.total - total)
        total = quality.total
      }
      cycles = press.cycles
    }
    expect(states).toEqual(new Set([0, 1, 2]))
    // The table's floor is 500 parts.
    expect(least).toBeGreaterThan(500)
  })

  it('shows the same whatever the steps it is asked in', () => {
    const [often, seldom, other] = [makePlant(5), makePlant(5), makePlant(6)]
    for (const plant of [often, seldom, other]) plant.step(at(0))
    for (let ms = 0; ms <= 3_600_000; ms += 700) often.step(unixMs(START + ms))
    for (const plant of [often, seldom, other]) plant.step(at(3600))
    const seen = [often, seldom, other].map((p) => ({ press: p.press(1), hall: p.hall(), quality: p.quality(1) }))
    expect(seen[1]).toEqual(seen[0])
    expect(seen[2]).not.toEqual(seen[0])
  })

  it('does not go back when the clock does', () => {
    const plant = makePlant(5)
    plant.step(at(0))
    plant.step(at(600))
    const before = plant.quality(0)
    plant.step(at(300))
    expect(plant.quality(0)).toEqual(before)
  })

  it('makes more defects in hot oil and damp air', () => {
    expect(defectChance(54, 52)).toBeCloseTo(0.047, 3)
    expect(defectChance(60, 52)).toBeGreaterThan(defectChance(54, 52))
    expect(defectChance(54, 65)).toBeGreaterThan(defectChance(54, 52))
  })
})
