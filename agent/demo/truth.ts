import type { UnixMs } from '../../core/brand.ts'
import { type Correlation, correlate, type TableRow } from './correlation.ts'
import { type Plant, PRESSES } from './plant.ts'

/**
 * What an observer inside the plant would have written down: the same windows as the pool's table, before anything was
 * clamped, rounded or suppressed. The demo compares the relation in it with the one that arrived.
 */
export interface Truth {
  /** Call after each `plant.step` with the same time. */
  record(at: UnixMs): void
  correlation(): Correlation
}

/** @param window length of a window in ms, aligned to UTC */
export function makeTruth(plant: Plant, window: number): Truth {
  const rows: TableRow[] = []
  let slot: number | undefined
  let open: Tally[] = []

  const begin = (): Tally[] =>
    PRESSES.map((_, i) => ({ n: 0, oil: 0, humidity: 0, ng: plant.quality(i).ng, total: plant.quality(i).total }))

  return {
    record(at) {
      const now = Math.floor(at / window)
      if (slot === undefined) open = begin()
      else if (now !== slot) {
        rows.push(...open.flatMap((tally, i) => closed(tally, plant, i)))
        open = begin()
      }
      slot = now
      open.forEach((tally, i) => {
        tally.n++
        tally.oil += plant.press(i).oil_temperature
        tally.humidity += plant.hall().humidity
      })
    },
    correlation: () => correlate(rows),
  }
}

interface Tally {
  n: number
  oil: number
  humidity: number
  readonly ng: number
  readonly total: number
}

function closed(tally: Tally, plant: Plant, i: number): TableRow[] {
  const { ng, total } = plant.quality(i)
  const parts = total - tally.total
  return parts === 0
    ? []
    : [
        {
          oil_temperature: tally.oil / tally.n,
          humidity: tally.humidity / tally.n,
          defect_rate: (ng - tally.ng) / parts,
        },
      ]
}
