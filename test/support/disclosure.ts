import { rawSeq, unixMs } from '../../core/brand.ts'
import { type Contract, contractSchema } from '../../core/contract.ts'
import type { LedgerEntry } from '../../core/ledger.ts'
import type { NoiseState } from '../../core/noise.ts'
import type { Problem } from '../../core/problem.ts'
import { GOOD } from '../../core/quality.ts'
import { makeBlockBuilder } from '../../core/reading-block.ts'
import type { SignalSpec, Value } from '../../core/signal.ts'
import type { Cursor, StoredBlock } from '../../core/stored-block.ts'
import { compilePolicy, type DisclosurePlan } from '../../privacy/compile.ts'
import { type Disclosure, makeDisclosure } from '../../privacy/disclose.ts'
import type { Disclosed } from '../../privacy/disclosed.ts'
import { makeAccountSums } from '../../privacy/fate.ts'
import { makePseudonyms } from '../../privacy/keys.ts'
import type { Laplace } from '../../privacy/noise.ts'
import type { PolicyRecord } from '../../privacy/policy-record.ts'
import { policySchema } from '../../privacy/schema.ts'

/** 2026-03-02T10:00:00Z */
export const T0 = Date.UTC(2026, 2, 2, 10)
export const MINUTE = 60_000
export const HOUR = 3_600_000
export const pseudonyms = makePseudonyms(new Uint8Array(32).fill(7), 'krjp')

type Json = Readonly<Record<string, unknown>>

/** A signal row; `id` is `asset/name`. */
export function signalOf(id: string, rest: Partial<SignalSpec> = {}): SignalSpec {
  const [asset, name] = id.split('/') as [string, string]
  return { id, asset, name, source: 'plc', type: 'float64', unit: '1', cadence: { kind: 'event' }, ...rest }
}

/** A contract as its file would say it, with these datasets. */
export function contractOf(datasets: Json, rest: Json = {}): Contract {
  return contractSchema.parse({
    version: 1,
    pool: 'krjp',
    epochs: ['2026-01-01', '2027-01-01'],
    asset_classes: ['press', 'oven'],
    datasets,
    ...rest,
  })
}

/** A policy document with these rules. */
export function policyOf(datasets: Json, rest: Json = {}): Json {
  return {
    version: 1,
    pool: 'krjp',
    contract: { file: 'contract.yaml', sha256: 'a'.repeat(64) },
    expires: '2028-12-31',
    plant_key: 'secret',
    assets: { 'press-7': { class: 'press', place: 'hall' } },
    datasets,
    ...rest,
  }
}

/** Compiles a policy document; signals that are not listed are unknown. */
export function compile(
  contract: Contract,
  policy: Json,
  signals: readonly SignalSpec[],
  possible: readonly string[] = [],
): { readonly plan: DisclosurePlan | undefined; readonly problems: readonly Problem[] } {
  return compilePolicy({
    policy: policySchema.parse(policy),
    contract,
    contract_sha256: 'a'.repeat(64),
    pool: 'krjp',
    known: (id) => signals.find((s) => s.id === id) ?? (possible.includes(id) ? { sources: ['plc'] } : undefined),
  })
}

/** A plan without problems. */
export function planOf(...args: Parameters<typeof compile>): DisclosurePlan {
  const { plan, problems } = compile(...args)
  if (!plan) throw new Error(JSON.stringify(problems))
  return plan
}

/** A column of a contract, its rule, and what else the policy and the dataset say. */
export type OneColumn = readonly [
  column: object,
  rule: object,
  rest?: { readonly profile?: string; readonly assets?: Json; readonly grid?: string },
]

/** Compiles the column `x` of a stream that has no other, with slots of a minute; a wildcard may bring `press-8/oil`. */
export function compileOne(
  [column, rule, { grid = '1m', ...rest } = {}]: OneColumn,
  signals: readonly SignalSpec[],
): ReturnType<typeof compile> {
  const contract = contractOf({ s: { kind: 'stream', grid, columns: { x: column } } })
  const assets = { 'press-7': { class: 'press', place: 'hall', cycle_time: '40s' } }
  return compile(contract, policyOf({ s: { x: rule } }, { assets, ...rest }), signals, ['press-8/oil'])
}

/** Problems as `path: message`, with paths below the column `x` of `compileOne`. A plan comes only without any. */
export function toldOf({ plan, problems }: ReturnType<typeof compile>): readonly string[] {
  if ((plan === undefined) !== problems.length > 0) throw new Error('a plan and problems')
  return problems.map(({ path, message, hint }) => {
    if (!hint) throw new Error(`nothing is said that could be done: ${message}`)
    return `${path.join('.').replace(/^datasets\.s\.x\.?/, '')}: ${message}`
  })
}

/** One reading: signal index, time, value, quality byte. */
export type Row = readonly [signal: number, at: number, value: Value | null, quality?: number]

/** A stored block to be numbered: what came, when, and what was said to be complete. */
export interface Written {
  readonly rows?: readonly Row[]
  readonly arrival: number
  readonly complete?: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly sane?: boolean
}

/** Numbers blocks as the raw log does. */
export function logOf(blocks: readonly Written[]): readonly StoredBlock[] {
  let seq = 0
  return blocks.map(({ rows = [], arrival, complete = {}, sane = true }, position) => {
    const builder = makeBlockBuilder()
    for (const [signal, at, value, quality = GOOD] of rows) builder.add(signal, at, value, quality)
    const first = seq
    seq += rows.length
    return {
      seq: rawSeq(first),
      position,
      arrival: unixMs(arrival),
      monotonic: arrival,
      boot: 'boot',
      sane,
      waits: false,
      complete: complete as StoredBlock['complete'],
      block: builder.take(unixMs(arrival)),
    }
  })
}

/** What a publication left behind: its periods, the ledger in sum, and where the cursor stands. */
export interface Published {
  readonly periods: readonly Disclosed[]
  /** `signal account reason` → readings */
  readonly ledger: Readonly<Record<string, number>>
  readonly cursor: Cursor
  readonly noise: NoiseState
}

/**
 * Publishes a log as the agent does: takes some blocks, seals what is ready, accounts what the cursor passes; where
 * `crash` says so, everything but cursor and ledger is lost and it begins anew.
 * @param stride how many blocks to take before looking
 */
export function publishLog(
  log: readonly StoredBlock[],
  plan: DisclosurePlan,
  signals: readonly SignalSpec[],
  options: {
    readonly since?: number
    readonly cursor?: Cursor
    readonly record?: PolicyRecord
    readonly stride?: () => number
    readonly crash?: () => boolean
    /** draws what noised columns need; default: no noise at all */
    readonly laplace?: Laplace
    readonly noise?: NoiseState
    /** lose everything between the high-water mark of the noise and the commit */
    readonly crashAtMark?: () => boolean
    /** move the cursor without a batch where possible */
    readonly advance?: () => boolean
    /** called with what became of a block's readings, as far as the cursor passes them */
    readonly accounted?: (block: StoredBlock, entries: readonly LedgerEntry[]) => void
  } = {},
): Published {
  const {
    since = T0,
    stride = () => 1,
    crash = () => false,
    advance = () => false,
    crashAtMark = () => false,
  } = options
  let cursor = options.cursor ?? { raw_seq: rawSeq(0), sealed_until: {} }
  const ledger = new Map<string, number>()
  const periods: Disclosed[] = []
  let noise: NoiseState = options.noise ?? { charges: [], counted_from: null, drawn_until: {} }
  const begin = (): { disclosure: Disclosure; position: number } => ({
    disclosure: makeDisclosure({
      plan,
      pseudonyms,
      cursor,
      record: options.record,
      stream_since: unixMs(since),
      signalOf: (index) => signals[index]!,
      max_skew: 5 * MINUTE,
      noise: { state: noise, laplace: options.laplace ?? (() => 0) },
    }),
    position: positionOf(log, cursor.raw_seq),
  })
  const commit = (disclosure: Disclosure, next: Cursor, after?: Disclosed): (() => void) => {
    let n = 0
    for (const block of log.slice(positionOf(log, cursor.raw_seq))) {
      if (block.seq >= next.raw_seq) break
      const sums = makeAccountSums()
      disclosure.account(block, cursor.raw_seq, next.raw_seq, sums, after)
      const entries = sums.entries()
      options.accounted?.(block, entries)
      for (const entry of entries) {
        n += entry.n
        const key = `${signals[entry.signal]!.id} ${entry.account} ${entry.reason}`.trim()
        ledger.set(key, (ledger.get(key) ?? 0) + entry.n)
      }
    }
    if (n !== next.raw_seq - cursor.raw_seq)
      throw new Error(`${n} readings accounted where the cursor passes ${next.raw_seq - cursor.raw_seq}`)
    const remembered = disclosure.remember(next, after)
    cursor = remembered
    return () => disclosure.moved()
  }

  let { disclosure, position } = begin()
  while (true) {
    for (let period = disclosure.ready(); period; period = disclosure.ready()) {
      const entry = disclosure.noise(period)
      if (crash()) ({ disclosure, position } = begin())
      else if (entry && crashAtMark()) {
        noise = { ...noise, drawn_until: { ...noise.drawn_until, [period.dataset]: period.until } }
        ;({ disclosure, position } = begin())
      } else {
        if (entry)
          noise = {
            ...entry,
            charges: [...noise.charges, ...entry.charges].filter(({ start }) => start >= entry.counted_from),
            drawn_until: { ...noise.drawn_until, [period.dataset]: period.until },
          }
        const moved = commit(disclosure, disclosure.cursor(period), period)
        disclosure.sealed(period)
        moved()
        periods.push(period)
      }
    }
    if (advance()) commit(disclosure, disclosure.cursor())()
    if (position >= log.length) break
    for (const block of log.slice(position, position + stride())) {
      disclosure.take(block)
      position = block.position + 1
    }
    if (crash()) ({ disclosure, position } = begin())
  }
  return { periods, ledger: Object.fromEntries([...ledger].toSorted()), cursor, noise }
}

/** Position of the first block that holds `seq` or lies after it; empty ones count. */
function positionOf(log: readonly StoredBlock[], seq: number): number {
  const at = log.findIndex((b) => b.seq >= seq || b.seq + b.block.times.length > seq)
  return at < 0 ? log.length : at
}

/** Cells of one column as `[value, q]`, row by row. */
export function cellsOf(period: Disclosed, column: string): readonly (readonly [number | string | null, number])[] {
  const found = period.columns.find((c) => c.name === column)!
  return found.values.map((value, i) => [value, found.q[i]!] as const)
}

/** Sum of a ledger's entries. */
export function total(entries: readonly LedgerEntry[]): number {
  return entries.reduce((n, entry) => n + entry.n, 0)
}
