import type { DataSets } from './data.ts'
import { defects } from './defects.ts'
import { events } from './events.ts'
import { lakeOf, linkage, steelPlants } from './linkage.ts'
import { HOUR, MINUTE, planOf, SECOND } from './plant.ts'
import { type Setting, settingOf } from './setting.ts'

/** One way to disclose: how often it is linked, and what is left of the models. */
export interface CurvePoint {
  readonly name: string
  /** A2, top-1 of who holds an hour, and a shift */
  readonly linked_1h: number
  readonly linked_8h: number
  /** area under the curve; null where the data set is absent, or nothing could be learnt */
  readonly defects: number | null
  readonly events: number | null
}
export type Curve = readonly CurvePoint[]

const PLANTS = 100

/** Wider windows, coarser steps, more noise: A2 against U2 and U3. The first point is `ml-stream`, the second `balanced`. */
export function tradeOff(sets: DataSets, say: (line: string) => void): Curve {
  const plants = steelPlants(sets.steel!, PLANTS)
  return settings().map((setting): CurvePoint => {
    say(`privacy: curve: ${setting.name}`)
    const lake = lakeOf(setting, plants)
    return {
      name: setting.name,
      linked_1h: linkage(lake, 1).value,
      linked_8h: linkage(lake, 8).value,
      defects: sets.ai4i ? defects(sets.ai4i, setting).auc : null,
      events: sets.skab ? events(sets.skab, setting) : null,
    }
  })
}

function settings(): readonly Setting[] {
  const ways: readonly (readonly [window: number, permille: number, epsilon: number | null])[] = [
    [10 * SECOND, 2, null],
    [MINUTE, 10, null],
    [MINUTE, 20, null],
    [MINUTE, 50, null],
    [MINUTE, 100, null],
    [10 * MINUTE, 10, null],
    [10 * MINUTE, 50, null],
    [HOUR, 20, null],
    [HOUR, 100, null],
    [4 * HOUR, 20, null],
    [MINUTE, 10, 1_000],
    [MINUTE, 10, 360],
    [10 * MINUTE, 20, 36],
    [HOUR, 20, 12],
    [HOUR, 20, 4],
    [HOUR, 20, 1],
  ]
  const shape = { every: 10 * SECOND, measured: [{ name: 'x', range: [0, 100] as const, value: () => 0 }] }
  return ways
    .map(([window, step_permille, epsilon_day]) => ({
      ...settingOf(window < MINUTE ? 'ml-stream' : 'balanced'),
      name: `${text(window)}, ${step_permille / 10} %${epsilon_day === null ? '' : `, ε ${epsilon_day} a day`}`,
      window,
      step_permille,
      rate_step: step_permille / 1_000,
      epsilon_day,
    }))
    .filter((setting) => planOf(setting, shape, ['2026-01-01']).plan !== undefined)
}

function text(window: number): string {
  return window < MINUTE ? `${window / SECOND} s` : window < HOUR ? `${window / MINUTE} min` : `${window / HOUR} h`
}
