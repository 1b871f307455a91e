import { type UnixMs, unixMs } from '../core/brand.ts'
import { makeBlockBuilder, type ReadingBlock } from '../core/reading-block.ts'
import type { SignalSpec, Value } from '../core/signal.ts'
import { makeRandom } from '../test/prove/random.ts'

/** A plant whose every signal is read once a second, in requests of this many signals that share a time. */
const A_REQUEST = 62

/** Readings as PLCs give them: two thirds of the measured values in tenths, one third with all digits of a float32. */
export interface PlantReadings {
  readonly signals: readonly SignalSpec[]
  /** Every signal once, read within 50 ms from `at` on; `indexes` are the dictionary's. */
  tick(at: UnixMs, indexes?: readonly number[]): ReadingBlock
}

/** `n` signals on `assets` machines: 72 % measured, 10 % constant, 10 % switched, 8 % counters. The same for the same seed. */
export function makePlantReadings(n: number, assets = 10, seed = 1): PlantReadings {
  const random = makeRandom(seed)
  const kinds = Array.from({ length: n }, (_, i) => kindOf(Math.floor(i / assets)))
  const levels = Float64Array.from({ length: n }, () => Math.round(random() * 1_000) / 10)
  const signals = kinds.map((kind, i): SignalSpec => {
    const asset = `asset-${i % assets}`
    const name = `signal-${Math.floor(i / assets)}`
    const type = kind === 'switched' ? 'bool' : kind === 'counter' ? 'uint32' : 'float32'
    return {
      id: `${asset}/${name}`,
      asset,
      name,
      source: 'plc',
      type,
      unit: '1',
      cadence: { kind: 'periodic', every: 1_000 },
    }
  })

  function next(i: number): Value {
    const step = random() - 0.5
    switch (kinds[i]!) {
      case 'tenths':
        levels[i] = Math.round((levels[i]! + step) * 10) / 10
        return levels[i]!
      case 'float32':
        levels[i] = Math.fround(levels[i]! + step)
        return Number(levels[i]!.toPrecision(7))
      case 'constant':
        return levels[i]!
      case 'switched':
        return random() < 0.02
      case 'counter':
        levels[i] = Math.floor(levels[i]!) + (random() < 0.3 ? 1 : 0)
        return levels[i]!
    }
  }

  return {
    signals,
    tick(at, indexes) {
      const builder = makeBlockBuilder(n)
      let time = at
      for (let i = 0; i < n; i++) {
        if (i % A_REQUEST === 0) time = unixMs(at + Math.floor(random() * 50))
        builder.add(indexes?.[i] ?? i, time, next(i))
      }
      return builder.take(
        unixMs(at + 50),
        Object.fromEntries(Array.from({ length: assets }, (_, i) => [`asset-${i}`, at])),
      )
    },
  }
}

const KINDS = ['tenths', 'float32', 'constant', 'switched', 'counter'] as const

/** Machines of a plant are alike: a signal's name says its kind. */
export function kindOf(name: number): (typeof KINDS)[number] {
  const place = name % 50
  if (place < 24) return 'tenths'
  if (place < 36) return 'float32'
  if (place < 41) return 'constant'
  return place < 46 ? 'switched' : 'counter'
}
