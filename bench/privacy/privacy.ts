import type { Estimate } from '../../attack/estimate.ts'
import type { RelationShift } from '../../attack/relation.ts'
import { makeRandom } from '../../test/prove/random.ts'
import { type Curve, tradeOff } from './curve.ts'
import { type DataSets, loadDataSets } from './data.ts'
import { defects } from './defects.ts'
import { dictionary } from './dictionary.ts'
import { events } from './events.ts'
import { enginePlants, fingerprint, noiseEpochs, publishedEpochs, rawEpochs } from './fingerprint.ts'
import { type Lake, lakeOf, linkage, noiseLake, rawLake, steelPlants } from './linkage.ts'
import { type NoiseQuality, noiseQuality } from './noise-quality.ts'
import { planOf, SECOND } from './plant.ts'
import { type Setting, settingOf } from './setting.ts'
import { observe, worstOf } from './traffic.ts'
import { recipe, volume } from './volume.ts'
import { location, nowhere } from './weather.ts'

/** How many plants, days and names; all seeds are fixed. */
export interface Size {
  readonly names: number
  readonly plants: number
  readonly engines: number
  readonly halls: number
  readonly weather_days: number
  readonly traffic_days: number
  readonly lines: number
  readonly recipes: number
}

export const QUICK: Size = {
  names: 10_000,
  plants: 50,
  engines: 30,
  halls: 20,
  weather_days: 3,
  traffic_days: 10,
  lines: 40,
  recipes: 8,
}
export const FULL: Size = {
  names: 300_000,
  plants: 200,
  engines: 100,
  halls: 80,
  weather_days: 7,
  traffic_days: 45,
  lines: 600,
  recipes: 40,
}

/** Hours of raw readings that the attacker of A2 holds; his score is of a shift. */
export const PIECES = [1, 8, 24] as const
const SHIFT = 8

type Top1 = Omit<Estimate, 'value'> & { readonly top1: number }
type Auc = Omit<Estimate, 'value'> & { readonly auc: number }
type Share<Key extends string> = Omit<Estimate, 'value'> & Readonly<Record<Key, number>>

/** What attackers find, and what is left to learn from; null where a data set is absent. */
export interface ProfileResult {
  readonly A1: Share<'recovered'>
  readonly A2: (Top1 & { readonly by_hours: Readonly<Record<string, number>> }) | null
  readonly A3: Top1 | null
  readonly A4: Top1
  /** null where there is no noise */
  readonly A5: NoiseQuality | null
  readonly A6: (Auc & { readonly polled: number; readonly speaks: number }) | null
  readonly A7: Share<'exact'> & {
    readonly cycle: number
    readonly cycle_lo: number
    readonly cycle_hi: number
    readonly set_point_error: number
  }
  readonly U1: RelationShift | null
  readonly U2: { readonly auc: number | null; readonly loss: number | null; readonly rows: number } | null
  readonly U3: { readonly auc: number; readonly loss: number } | null
  readonly U4: { readonly coverage: number; readonly rates: number } | null
}

export interface PrivacyResult {
  readonly profiles: Readonly<Record<string, ProfileResult>>
  /** pure noise in place of rows: every attacker at what guessing gives */
  readonly noise: { readonly A2: Top1 | null; readonly A3: Top1 | null; readonly A4: Top1 }
  readonly controls_ok: boolean
  /** profiles that could not be measured, and why */
  readonly skipped: Readonly<Record<string, string>>
  readonly curve: Curve | null
  readonly seconds: number
}

export function benchPrivacy(options: {
  readonly size: Size
  readonly data: string
  /** measure the trade-off curve too */
  readonly curve: boolean
  readonly say: (line: string) => void
}): PrivacyResult {
  const began = performance.now()
  const { size, say } = options
  const sets = loadDataSets(options.data, say)
  const plants = sets.steel ? steelPlants(sets.steel, size.plants) : undefined
  const engines = sets.cmapss ? enginePlants(sets.cmapss, size.engines) : undefined
  const names = dictionary(size.names)
  const raw = utilityOf(sets, null)

  const measure = (setting: Setting | null): { readonly result: ProfileResult; readonly lake: Lake | undefined } => {
    const label = setting?.name ?? 'passthrough'
    const note = (what: string): void => say(`privacy: ${label}: ${what}`)
    note('A2, trace linkage')
    const lake = plants && (setting ? lakeOf(setting, plants) : rawLake(plants))
    const linked = lake && PIECES.map((hours) => ({ hours, found: linkage(lake, hours) }))
    note('A3, fingerprints')
    const epochs = engines && (setting ? publishedEpochs(setting, engines) : rawEpochs(engines))
    note('A4, weather')
    const located = location(setting, size.weather_days, size.halls)
    note('A5, noise')
    const noise = setting ? noiseQuality(setting) : undefined
    note('A6, traffic')
    const seen =
      sets.steel &&
      [false, true].map((speaks) => observe(setting ?? settingOf('balanced'), sets.steel!, size.traffic_days, speaks))
    const traffic = seen?.map(({ sealed, unpadded }) => worstOf(setting ? sealed : unpadded))
    note('A7, volume and recipe')
    const counts = volume(setting, size.lines)
    const { cycle, set_point_error } = recipe(setting, size.recipes)
    note('utility')
    const useful = setting ? utilityOf(sets, setting) : raw
    const worst = traffic?.toSorted((a, b) => b.value - a.value)[0]
    const shift = linked?.find(({ hours }) => hours === SHIFT)?.found
    const result: ProfileResult = {
      A1: named(setting ? names.keyed : names.unkeyed, 'recovered'),
      A2: shift
        ? {
            ...named(shift, 'top1'),
            by_hours: Object.fromEntries(linked!.map(({ hours, found }) => [`${hours}h`, found.value])),
          }
        : null,
      A3: epochs ? named(fingerprint(epochs), 'top1') : null,
      A4: named(located, 'top1'),
      A5: noise ?? null,
      A6: worst ? { ...named(worst, 'auc'), polled: traffic![0]!.value, speaks: traffic![1]!.value } : null,
      A7: {
        ...named(counts.exact, 'exact'),
        cycle: cycle.value,
        cycle_lo: cycle.lo,
        cycle_hi: cycle.hi,
        set_point_error,
      },
      U1: useful.defects?.relation ?? null,
      U2: useful.defects
        ? { auc: useful.defects.auc, loss: difference(raw.defects?.auc, useful.defects.auc), rows: useful.defects.rows }
        : null,
      U3: useful.events === undefined ? null : { auc: useful.events, loss: raw.events! - useful.events },
      U4: lake ? { coverage: coverageOf(lake), rates: counts.coverage } : null,
    }
    return { result, lake }
  }

  const settings = (['strict', 'balanced', 'ml-stream'] as const).map(settingOf)
  const refused = settings.flatMap((setting) => {
    const shape = { every: 10 * SECOND, measured: [{ name: 'x', range: [0, 100] as const, value: () => 0 }] }
    const { plan, problems } = planOf(setting, shape, ['2026-01-01'])
    return plan ? [] : [[setting.name, problems.map((p) => p.message).join('; ')] as const]
  })
  const skipped = Object.fromEntries(refused)
  for (const [name, why] of refused) say(`privacy: ${name} is skipped: ${why}`)
  const measured = [null, ...settings.filter((s) => !Object.hasOwn(skipped, s.name))].map(
    (setting) => [setting?.name ?? 'passthrough', measure(setting)] as const,
  )
  const balanced = measured.find(([name]) => name === 'balanced')?.[1].lake
  const noise = {
    A2: balanced ? named(linkage(noiseLake(balanced), SHIFT), 'top1') : null,
    A3: engines ? named(fingerprint(noiseEpochs(rawEpochs(engines), makeRandom(4))), 'top1') : null,
    A4: named(nowhere(size.weather_days, size.halls), 'top1'),
  }
  const profiles = Object.fromEntries(measured.map(([name, { result }]) => [name, result]))
  return {
    profiles,
    noise,
    controls_ok: controlsHold(profiles.passthrough!, noise),
    skipped,
    curve: options.curve && sets.steel ? tradeOff(sets, say) : null,
    seconds: Math.round((performance.now() - began) / 1_000),
  }
}

/** Raw readings are broken, pure noise is not. */
function controlsHold(passthrough: ProfileResult, noise: PrivacyResult['noise']): boolean {
  const atBaseline = (found: Top1 | null): boolean =>
    found === null || (found.lo <= found.baseline && found.hi >= found.baseline)
  return (
    (passthrough.A2 === null || passthrough.A2.top1 >= 0.9) &&
    passthrough.A1.recovered === 1 &&
    (passthrough.A3 === null || passthrough.A3.lo > passthrough.A3.baseline) &&
    passthrough.A4.lo > passthrough.A4.baseline &&
    (passthrough.A6 === null || passthrough.A6.lo > 0.5) &&
    passthrough.A7.exact > 0.1 &&
    [noise.A2, noise.A3, noise.A4].every(atBaseline)
  )
}

function utilityOf(sets: DataSets, setting: Setting | null) {
  return {
    defects: sets.ai4i && defects(sets.ai4i, setting),
    events: sets.skab && events(sets.skab, setting),
  }
}

function named<Key extends string>({ value, ...rest }: Estimate, key: Key): Share<Key> {
  return { [key]: value, ...rest } as Share<Key>
}

function difference(raw: number | null | undefined, now: number | null): number | null {
  return raw === null || raw === undefined || now === null ? null : raw - now
}

/** Share of cells that are there. */
function coverageOf({ candidates }: Lake): number {
  const all = candidates.flat()
  const there = all.reduce((sum, cells) => sum + cells.reduce((n, x) => n + (Number.isFinite(x) ? 1 : 0), 0), 0)
  return there / all.reduce((sum, cells) => sum + cells.length, 0)
}
