import { rawSeq, unixMs } from '../../core/brand.ts'
import { contractSchema } from '../../core/contract.ts'
import { GOOD } from '../../core/quality.ts'
import { FORM_NUMBER } from '../../core/reading-block.ts'
import type { SignalSpec } from '../../core/signal.ts'
import type { StoredBlock } from '../../core/stored-block.ts'
import { compilePolicy, type DisclosurePlan } from '../../privacy/compile.ts'
import { makeDisclosure } from '../../privacy/disclose.ts'
import type { Disclosed } from '../../privacy/disclosed.ts'
import { makePseudonyms, type Pseudonyms } from '../../privacy/keys.ts'
import { type Laplace, makeLaplace } from '../../privacy/noise.ts'
import { policySchema } from '../../privacy/schema.ts'
import { makeRandom } from '../../test/prove/random.ts'
import type { Setting } from './setting.ts'

/** Virtual plants: one machine each, whose readings go through the disclosure code that runs in the agent. */

export const POOL = 'bench'
export const DATASET = 'machines'
/** A Monday */
export const DAY_ONE = Date.UTC(2026, 0, 5)
export const SECOND = 1_000
export const MINUTE = 60_000
export const HOUR = 3_600_000
export const DAY = 86_400_000

/** A measured quantity, disclosed as the mean over the window. */
export interface Measured {
  readonly name: string
  readonly range: readonly [number, number]
  /** @param at ms since the plant's first reading */
  value(at: number): number
}

/** Two counters, disclosed as the one divided by the other. */
export interface Counted {
  readonly name: string
  readonly range: readonly [number, number]
  /** parts below which the window is suppressed */
  readonly floor: number
  of(at: number): number
  over(at: number): number
}

export interface Plant {
  /** of whom the pseudonyms are: any number */
  readonly id: number
  /** UnixMs */
  readonly from: number
  /** ms */
  readonly length: number
  /** ms between readings */
  readonly every: number
  readonly measured: readonly Measured[]
  readonly counted?: readonly Counted[]
}

type Shape = Pick<Plant, 'every' | 'measured' | 'counted'>

/** The plan of such plants, compiled from a policy and a contract; the problems where the policy is refused. */
export function planOf(setting: Setting, { every, measured, counted = [] }: Shape, epochs: readonly string[]) {
  const { window } = setting
  const column = (range: readonly [number, number], stat: string, step: number) => ({
    meaning: 'of the bench',
    unit: '1',
    stat,
    range: range.map(String),
    step: decimal(step),
  })
  const columns = [
    ...measured.map(({ name, range }) => {
      const spec = column(range, 'mean', ((range[1] - range[0]) * setting.step_permille) / 1_000)
      return { name, spec, from: { from: `{asset}/${name}` } }
    }),
    ...counted.map(({ name, range, floor }) => {
      const step = setting.rate_step ?? ((range[1] - range[0]) * setting.step_permille) / 1_000
      const spec = column(range, 'rate', step)
      const rate = { of: `{asset}/${name}_of`, over: `{asset}/${name}_over`, kind: 'counter', floor }
      return { name, spec, from: { rate } }
    }),
  ]
  const signals = [
    ...measured.map(({ name }) => signal(name, every)),
    ...counted.flatMap(({ name }) => [signal(`${name}_of`, every), signal(`${name}_over`, every)]),
  ]
  const contract = contractSchema.parse({
    version: 1,
    pool: POOL,
    epochs,
    asset_classes: ['machine'],
    datasets: {
      [DATASET]: {
        kind: 'stream',
        grid: `${window}ms`,
        cadence: `${Math.max(HOUR, window)}ms`,
        size_class: `${setting.size_class}B`,
        columns: Object.fromEntries(columns.map(({ name, spec }) => [name, spec])),
      },
    },
  })
  const epsilon =
    setting.epsilon_day === null ? null : decimal(Math.floor((setting.epsilon_day * window * 1e6) / DAY) / 1e6)
  const policy = policySchema.parse({
    version: 1,
    pool: POOL,
    contract: { file: 'contract.yaml', sha256: 'a'.repeat(64) },
    profile: setting.profile,
    expires: '2028-12-31',
    plant_key: 'key',
    assets: { machine: { class: 'machine', cycle_time: '9s' } },
    datasets: {
      [DATASET]: Object.fromEntries(
        columns.map(({ name, spec, from }) => [
          name,
          {
            ...{ ...from, range: spec.range, step: spec.step },
            ...(epsilon !== null && { noise: { epsilon } }),
            ...(setting.accept_risk && { accept_risk: 'bench' }),
          },
        ]),
      ),
    },
    ...(epsilon !== null && { budget: { window: '1d', epsilon: decimal(setting.epsilon_day!) } }),
  })
  const known = (id: string): SignalSpec | undefined => signals.find((s) => s.id === id)
  const { plan, problems } = compilePolicy({ policy, contract, contract_sha256: 'a'.repeat(64), pool: POOL, known })
  return { plan, signals, problems }
}

function signal(name: string, every: number): SignalSpec {
  return {
    id: `machine/${name}`,
    asset: 'machine',
    name,
    source: 'plc',
    type: 'float64',
    unit: '1',
    cadence: { kind: 'periodic', every },
  }
}

function decimal(x: number): string {
  return x.toFixed(12).replace(/0+$/, '').replace(/\.$/, '')
}

export function pseudonymsOf(id: number): Pseudonyms {
  return makePseudonyms(
    new Uint8Array(32).map((_, i) => (id >> (8 * (i % 4))) & 255),
    POOL,
  )
}

/** What the plant publishes. @param epochs UTC dates on which pseudonyms change */
export function disclose(setting: Setting, plant: Plant, epochs: readonly string[] = ['2026-01-01']): Disclosed[] {
  const { plan, signals, problems } = planOf(setting, plant, epochs)
  // Of one seed a plant, so that a run can be repeated; the draws are those of the agent.
  const random = makeRandom(plant.id + 1)
  const laplace = makeLaplace((bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = random() * 256
  })
  if (!plan) throw new Error(`${setting.name} is refused: ${JSON.stringify(problems)}`)
  return runThrough(
    { plan, pseudonyms: pseudonymsOf(plant.id), signals, since: plant.from, laplace },
    logOf(plant),
  ).map(({ period }) => period)
}

/** Feeds a log to the disclosure step. @returns each period, and when the block that closed it arrived */
export function runThrough(
  by: {
    readonly plan: DisclosurePlan
    readonly pseudonyms: Pseudonyms
    readonly signals: readonly SignalSpec[]
    readonly since: number
    readonly laplace: Laplace
    /** up to where noise was drawn before: as after a start with a database that was put back */
    readonly drawn_until?: Readonly<Record<string, number>>
  },
  log: Iterable<StoredBlock>,
): { readonly period: Disclosed; readonly closed_at: number }[] {
  const { plan, pseudonyms, signals, since, laplace, drawn_until = {} } = by
  const disclosure = makeDisclosure({
    plan,
    pseudonyms,
    cursor: { raw_seq: rawSeq(0), sealed_until: {} },
    stream_since: unixMs(since),
    signalOf: (index) => signals[index]!,
    max_skew: 5 * MINUTE,
    noise: { state: { charges: [], counted_from: null, drawn_until }, laplace },
  })
  const periods: { readonly period: Disclosed; readonly closed_at: number }[] = []
  for (const block of log) {
    disclosure.take(block)
    for (let period = disclosure.ready(); period; period = disclosure.ready()) {
      periods.push({ period, closed_at: block.arrival })
      disclosure.sealed(period)
    }
  }
  return periods
}

/** Readings as stored blocks of ten minutes, and an empty one that closes the last slot: it arrives after `grace`. */
export function* logOf({ from, length, every, measured, counted = [] }: Plant): Generator<StoredBlock> {
  const values = [...measured.map((m) => m.value), ...counted.flatMap(({ of, over }) => [of, over])]
  const span = Math.max(every, 10 * MINUTE)
  let seq = 0
  let position = 0
  for (let start = 0; start < length; start += span) {
    const ticks = Math.ceil((Math.min(start + span, length) - start) / every)
    const n = ticks * values.length
    const signals = new Uint32Array(n)
    const times = new Float64Array(n)
    const readings = new Float64Array(n)
    for (let t = 0; t < ticks; t++) {
      for (let v = 0; v < values.length; v++) {
        const i = t * values.length + v
        signals[i] = v
        times[i] = from + start + t * every
        readings[i] = values[v]!(start + t * every)
      }
    }
    const arrival = from + start + ticks * every
    yield storedBlock({ seq, position: position++, arrival, signals, times, values: readings })
    seq += n
  }
  yield emptyBlock(seq, position, from + length + MINUTE)
}

/** A block in which all is good, and nothing older than its arrival is to come. */
export function storedBlock(input: {
  readonly seq: number
  readonly position: number
  readonly arrival: number
  readonly signals: Uint32Array
  readonly times: Float64Array
  readonly values: Float64Array
}): StoredBlock {
  const { seq, position, signals, times, values } = input
  const arrival = unixMs(input.arrival)
  return {
    seq: rawSeq(seq),
    position,
    arrival,
    monotonic: arrival,
    boot: 'bench',
    sane: true,
    waits: false,
    complete: { plc: { machine: arrival } },
    block: {
      signals,
      times,
      values,
      forms: new Uint8Array(times.length).fill(FORM_NUMBER),
      qualities: new Uint8Array(times.length).fill(GOOD),
      texts: [],
      arrival,
      complete_until: {},
    },
  }
}

export function emptyBlock(seq: number, position: number, arrival: number): StoredBlock {
  const none = new Float64Array()
  return storedBlock({ seq, position, arrival, signals: new Uint32Array(), times: none, values: none })
}

/** Cells of each column, period after period; NaN where null. Only for plants of one machine. */
export function cellsOf(periods: readonly Disclosed[]): Float64Array[] {
  const columns = periods[0]?.columns ?? []
  return columns.map((_, c) =>
    Float64Array.from(
      periods.flatMap(({ columns }) => columns[c]!.values.map((v) => (v === null ? Number.NaN : Number(v)))),
    ),
  )
}

/** The raw readings of a plant, as cells: what the positive control lets through. */
export function rawCellsOf({ length, every, measured }: Plant): Float64Array[] {
  return measured.map(({ value }) =>
    Float64Array.from({ length: Math.floor(length / every) }, (_, i) => value(i * every)),
  )
}
