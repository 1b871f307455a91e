import { type LineTime, lineTime } from '../adapters/modbus/line-time.ts'
import { costOf, type Place, type PlannedRead, planReads, type ReadLimits } from '../adapters/modbus/read-set.ts'
import { cheapestByTrial } from '../test/support/read-trial.ts'
import { LAYOUTS, type Layout, sequence } from './layouts.ts'
import { maxInsert } from './max-insert.ts'

interface Figures {
  readonly requests: number
  /** registers, or bits of coils and discrete inputs, that are read */
  readonly registers: number
  /** milliseconds of the line a cycle, by the cost model of the layout */
  readonly cost: number
}

interface LayoutResult {
  readonly name: string
  readonly ours: Figures
  readonly max_insert: Figures & { readonly complete: boolean }
  /** best of all sets of reads, tried one by one; null where these are too many */
  readonly optimal: Figures | null
  /** ours with the peer's own rules (its widest hole, fewest requests first): both figures can be compared singly */
  readonly same_rules: { readonly requests: number; readonly registers: number }
}

export interface PlanResult {
  readonly layouts: readonly LayoutResult[]
  /** layouts in which the peer reads everything and costs less, or reads less or asks less often by its own rules */
  readonly worse_than_max_insert: number
  readonly above_optimal: number
  /** 10,000 signals of one device, median, ms */
  readonly plan_10k_ms: number
}

/** Requests as good as a fixed price of this many registers: none is ever spent to read fewer. */
const FEWEST_REQUESTS: LineTime = { request_ms: 1_000, register_ms: 0.001 }
/** Places that can be tried in every way: 21,147 ways for 9. */
const TRIED = 9

const LINES: Readonly<Record<Layout['line'], LineTime>> = {
  tcp: lineTime('tcp', 0),
  'rtu 9600': lineTime('rtu', 9_600),
  'rtu 19200': lineTime('rtu', 19_200),
}

/** Requests and registers that layouts of signals cost: ours, a peer's greedy way, and the best there is. */
export function benchPlan(options: { readonly quick: boolean; readonly say: (line: string) => void }): PlanResult {
  const layouts = LAYOUTS.map(compare)
  for (const l of layouts)
    options.say(
      `plan: ${l.name.padEnd(42)} ours ${text(l.ours)}  max_insert ${text(l.max_insert)}${l.max_insert.complete ? '' : ' (cuts a value off)'}  optimal ${l.optimal ? text(l.optimal) : '-'}`,
    )
  return {
    layouts,
    worse_than_max_insert: layouts.filter(isWorse).length,
    above_optimal: layouts.filter((l) => l.optimal && l.ours.cost > l.optimal.cost + 1e-9).length,
    plan_10k_ms: median(options.quick ? 5 : 25),
  }
}

function compare({ name, places, line, fill, max_registers }: Layout): LayoutResult {
  const limits: ReadLimits = { max_registers, max_bits: 2_000, cost: LINES[line] }
  const figures = (reads: readonly Omit<PlannedRead, 'signals'>[]): Figures => ({
    requests: reads.length,
    registers: reads.reduce((sum, r) => sum + r.quantity, 0),
    cost: Math.round(costOf(reads, limits.cost) * 1_000) / 1_000,
  })
  const peer = maxInsert(places, { fill, max: max_registers })
  const { requests, registers } = figures(planReads(places, { ...limits, max_gap: fill, cost: FEWEST_REQUESTS }))
  return {
    name,
    ours: figures(planReads(places, limits)),
    max_insert: { ...figures(peer.reads), complete: peer.complete },
    optimal: trial(places, limits),
    same_rules: { requests, registers },
  }
}

function trial(places: readonly Place[], limits: ReadLimits): Figures | null {
  if (new Set(places.map((p) => `${p.table} ${p.address} ${p.size}`)).size > TRIED) return null
  const distinct = [...new Map(places.map((p) => [`${p.table} ${p.address} ${p.size}`, p])).values()]
  const { cost, requests, registers } = cheapestByTrial(distinct, limits)
  return { requests, registers, cost: Math.round(cost * 1_000) / 1_000 }
}

function isWorse({ ours, max_insert: peer, same_rules: same }: LayoutResult): boolean {
  return peer.complete && (ours.cost > peer.cost || same.requests > peer.requests || same.registers > peer.registers)
}

function median(runs: number): number {
  const random = sequence(7)
  const places = Array.from(
    { length: 10_000 },
    (): Place => ({
      table: random() < 0.5 ? 'holding' : 'input',
      address: Math.floor(random() * 65_000),
      size: 1 + Math.floor(random() * 4),
    }),
  )
  const limits: ReadLimits = { max_registers: 125, max_bits: 2_000, cost: LINES['rtu 9600'] }
  const times = Array.from({ length: runs }, () => {
    const began = performance.now()
    planReads(places, limits)
    return performance.now() - began
  })
  return Math.round(times.sort((a, b) => a - b)[runs >> 1]! * 100) / 100
}

function text({ requests, registers, cost }: Figures): string {
  return `${requests} requests ${registers} registers ${cost} ms`
}
