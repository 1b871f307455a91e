import { randomFillSync } from 'node:crypto'
import { rawSeq, unixMs } from '../core/brand.ts'
import { contractSchema } from '../core/contract.ts'
import type { SignalSpec } from '../core/signal.ts'
import type { StoredBlock } from '../core/stored-block.ts'
import { compilePolicy, type DisclosurePlan } from '../privacy/compile.ts'
import { makeDisclosure } from '../privacy/disclose.ts'
import type { Disclosed } from '../privacy/disclosed.ts'
import { makePseudonyms } from '../privacy/keys.ts'
import { makeLaplace } from '../privacy/noise.ts'
import { policySchema } from '../privacy/schema.ts'
import { seal } from '../uplink/seal.ts'
import { newSigningKey, parseSigningKey } from '../uplink/signature.ts'
import { kindOf, makePlantReadings } from './plant-readings.ts'
import { wireSizes } from './wire-formats.ts'

export interface DiscloseResult {
  /** stored readings taken and turned into cells a second, on one core */
  readonly readings_per_s: number
  /** exact draws at a scale of 100 steps */
  readonly laplace_per_s: number
  /** of the sealed file, as it is sent; then the same cells in other formats, a raw reading disclosed */
  readonly bytes_per_cell: number
  readonly bytes_per_reading: number
  readonly json_gzip: number
  readonly senml_zstd: number
  readonly line_gzip: number
  /** of the sealed file without what fills it to its size class */
  readonly unpadded_bytes_per_cell: number
  readonly unpadded_bytes_per_reading: number
  /** a cell, of the other formats */
  readonly per_cell: { readonly json_gzip: number; readonly senml_zstd: number; readonly line_gzip: number }
}

const ASSETS = 10
const SIGNALS = 1_000
const HOUR = 3_600_000
const POOL = 'bench'
/** An hour begins. */
const START = Date.UTC(2026, 0, 5)

/** Disclosure of a plant of 1,000 signals read once a second, ten machines with a hundred each, into rows of a minute. */
export function benchDisclose(options: {
  readonly quick: boolean
  readonly say: (line: string) => void
}): DiscloseResult {
  const { quick, say } = options
  const plant = makePlantReadings(SIGNALS, ASSETS)
  const size_class = smallestClass(plant.signals)
  const plan = planOf(plant.signals, size_class)
  const pseudonyms = makePseudonyms(new Uint8Array(32).fill(7), POOL)
  say('disclose: an hour of readings')
  const log = Array.from({ length: HOUR / 1_000 + 60 }, (_, second): StoredBlock => {
    const at = unixMs(START + second * 1_000)
    const block = plant.tick(at)
    return {
      seq: rawSeq(second * SIGNALS),
      position: second,
      arrival: block.arrival,
      monotonic: block.arrival,
      boot: 'bench',
      sane: true,
      waits: false,
      complete: { plc: block.complete_until },
      block,
    }
  })
  const run = (): { readonly periods: readonly Disclosed[]; readonly seconds: number } => {
    const began = performance.now()
    const disclosure = makeDisclosure({
      plan,
      pseudonyms,
      cursor: { raw_seq: rawSeq(0), sealed_until: {} },
      stream_since: unixMs(START),
      signalOf: (index) => plant.signals[index]!,
      max_skew: 300_000,
    })
    const periods: Disclosed[] = []
    for (const block of log) {
      disclosure.take(block)
      for (let period = disclosure.ready(); period; period = disclosure.ready()) {
        periods.push(period)
        disclosure.sealed(period)
      }
    }
    return { periods, seconds: (performance.now() - began) / 1_000 }
  }
  const runs = Array.from({ length: quick ? 3 : 7 }, run)
  const seconds = runs.map((each) => each.seconds).toSorted((a, b) => a - b)[runs.length >> 1]!
  const period = runs[0]!.periods[0]!
  const { bytes } = seal({
    disclosed: period,
    pool: POOL,
    contributor: pseudonyms.contributor(0),
    stream: pseudonyms.stream(0, new Uint8Array(8)),
    seq: 0,
    contract: { id: POOL, sha256: 'a'.repeat(64) },
    policy: 'b'.repeat(64),
    size_class,
    signing: parseSigningKey(newSigningKey()),
  })
  const cells = period.columns.reduce((n, column) => n + column.values.length, 0)
  const readings = SIGNALS * (HOUR / 1_000)
  const wire = wireSizes(period, bytes)
  say('disclose: draws of noise')
  return {
    readings_per_s: Math.round((log.length * SIGNALS) / seconds),
    laplace_per_s: Math.round(laplaceRate(quick ? 1 : 3)),
    bytes_per_cell: round(bytes.length / cells),
    bytes_per_reading: round(bytes.length / readings),
    json_gzip: round(wire.json_gzip / readings),
    senml_zstd: round(wire.senml_zstd / readings),
    line_gzip: round(wire.line_gzip / readings),
    unpadded_bytes_per_cell: round(wire.unpadded / cells),
    unpadded_bytes_per_reading: round(wire.unpadded / readings),
    per_cell: {
      json_gzip: round(wire.json_gzip / cells),
      senml_zstd: round(wire.senml_zstd / cells),
      line_gzip: round(wire.line_gzip / cells),
    },
  }
}

/** The smallest size class, in 64 KiB, whose worst case the compiler proves to fit. */
function smallestClass(signals: readonly SignalSpec[]): number {
  for (let size = 65_536; ; size += 65_536) if (compile(signals, size).plan) return size
}

function planOf(signals: readonly SignalSpec[], size_class: number): DisclosurePlan {
  const { plan, problems } = compile(signals, size_class)
  if (!plan) throw new Error(JSON.stringify(problems))
  return plan
}

function compile(signals: readonly SignalSpec[], size_class: number) {
  const columns = Array.from({ length: SIGNALS / ASSETS }, (_, i) => {
    const kind = kindOf(i)
    const [stat, range, step] = kind === 'counter' ? ['last', ['0', '2000'], '20'] : ['mean', ['-100', '200'], '3']
    const spec =
      kind === 'switched'
        ? { meaning: 'a switch', type: 'category', stat: 'last', vocabulary: ['true', 'false'] }
        : { meaning: 'a value', unit: '1', stat, range, step: '0.1' }
    const rule = { from: `{asset}/signal-${i}`, ...(kind !== 'switched' && { range, step }) }
    return [`signal_${i}`, spec, rule] as const
  })
  const contract = contractSchema.parse({
    version: 1,
    pool: POOL,
    epochs: ['2026-01-01'],
    asset_classes: ['machine'],
    datasets: {
      machines: {
        kind: 'stream',
        grid: '1m',
        size_class: `${size_class}B`,
        columns: Object.fromEntries(columns.map(([name, spec]) => [name, spec])),
      },
    },
  })
  const policy = policySchema.parse({
    version: 1,
    pool: POOL,
    contract: { file: 'contract.yaml', sha256: 'a'.repeat(64) },
    expires: '2028-12-31',
    plant_key: 'key',
    assets: Object.fromEntries(
      Array.from({ length: ASSETS }, (_, i) => [`asset-${i}`, { class: 'machine', cycle_time: '20s' }]),
    ),
    datasets: { machines: Object.fromEntries(columns.map(([name, , rule]) => [name, rule])) },
  })
  const byId = new Map(signals.map((signal) => [signal.id, signal]))
  return compilePolicy({
    policy,
    contract,
    contract_sha256: 'a'.repeat(64),
    pool: POOL,
    known: (id) => byId.get(id),
  })
}

function laplaceRate(seconds: number): number {
  const draw = makeLaplace((bytes) => {
    randomFillSync(bytes)
  })
  const scale = { t: 100, s: 1 }
  let n = 0
  const began = performance.now()
  const end = began + seconds * 1_000
  while (performance.now() < end) for (let i = 0; i < 10_000; i++, n++) draw(scale)
  return n / ((performance.now() - began) / 1_000)
}

function round(x: number): number {
  return Number(x.toPrecision(4))
}
