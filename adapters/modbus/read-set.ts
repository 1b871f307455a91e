import { isBitTable, TABLES, type Table } from './address.ts'
import type { LineTime } from './line-time.ts'

/** A run of registers or bits in one table of one unit. */
export interface Place {
  readonly table: Table
  /** on the wire, from 0 */
  readonly address: number
  /** registers, or bits for coils and discrete inputs */
  readonly size: number
  /** places of one group come from one response, or none of them does */
  readonly group?: number | undefined
}

/** One request and the places it feeds, in order of address. */
export interface PlannedRead<S extends Place = Place> {
  readonly table: Table
  readonly address: number
  readonly quantity: number
  readonly signals: readonly S[]
}

/** Addresses from `from` up to `to`, the latter not among them. */
export interface Span {
  readonly table: Table
  readonly from: number
  readonly to: number
}

/** What a read may be, and what it costs. */
export interface ReadLimits {
  readonly max_registers: number
  readonly max_bits: number
  /** unused registers or bits between two places that one read may bridge; what pays where absent */
  readonly max_gap?: number | undefined
  /** no read contains the whole of one of these, unless a single place does */
  readonly uncrossable?: readonly Span[] | undefined
  readonly cost: LineTime
}

/** Places that cannot be told apart by reading: one place, a group, and whatever lies inside them. */
export interface Atom<S extends Place> {
  readonly from: number
  /** first address behind it */
  readonly to: number
  readonly places: readonly S[]
}

/**
 * The cheapest set of reads that covers these places of one unit, each place whole in one of them. Among the cheapest
 * it is one with the fewest requests. n places take O(n log n) for sorting and O(n) for the rest.
 *
 * Why a row of neighbours is enough: of two reads one inside the other the inner is of no use, so the reads of a best
 * set have their starts and ends in the same order, and a place that fits in several of them fits in the last that
 * starts at or before it. Places inside another come with it. What is left has increasing starts and increasing ends,
 * and every best set cuts this row into runs.
 */
export function planReads<S extends Place>(places: readonly S[], limits: ReadLimits): PlannedRead<S>[] {
  const byTable = Map.groupBy(places, (place) => place.table)
  return TABLES.flatMap((table) => {
    const found = byTable.get(table)
    return found ? planTable(table, rowOf(found), limits) : []
  })
}

/** The atoms of places in one table, starts and ends both increasing. */
export function rowOf<S extends Place>(places: readonly S[]): Atom<S>[] {
  const row: { from: number; to: number; places: S[] }[] = []
  const sorted = gathered(places).sort((a, b) => a.from - b.from || b.to - a.to)
  for (const next of sorted) {
    const last = row.at(-1)
    if (last && next.to <= last.to) last.places.push(...next.places)
    else row.push(next)
  }
  for (const atom of row)
    if (atom.places.length > 1) atom.places.sort((a, b) => a.address - b.address || b.size - a.size)
  return row
}

/** One read of these neighbours in a row. */
export function readOf<S extends Place>(table: Table, atoms: readonly Atom<S>[]): PlannedRead<S> {
  const { from } = atoms[0]!
  const signals = atoms.length === 1 ? atoms[0]!.places : atoms.flatMap((atom) => atom.places)
  return { table, address: from, quantity: atoms.at(-1)!.to - from, signals }
}

/** What reads cost together, in milliseconds. */
export function costOf(reads: readonly Omit<PlannedRead, 'signals'>[], cost: LineTime): number {
  const each = (table: Table): number => (isBitTable(table) ? cost.register_ms / 16 : cost.register_ms)
  return reads.reduce((sum, read) => sum + cost.request_ms + each(read.table) * read.quantity, 0)
}

/** Every place as it stands, and each group as the run that spans it. */
function gathered<S extends Place>(places: readonly S[]): { from: number; to: number; places: S[] }[] {
  const groups = new Map<number, { from: number; to: number; places: S[] }>()
  const all: { from: number; to: number; places: S[] }[] = []
  for (const place of places) {
    const [from, to] = [place.address, place.address + place.size]
    const group = place.group === undefined ? undefined : groups.get(place.group)
    if (group) {
      group.from = Math.min(group.from, from)
      group.to = Math.max(group.to, to)
      group.places.push(place)
      continue
    }
    const atom = { from, to, places: [place] }
    if (place.group !== undefined) groups.set(place.group, atom)
    all.push(atom)
  }
  return all
}

function planTable<S extends Place>(table: Table, row: readonly Atom<S>[], limits: ReadLimits): PlannedRead<S>[] {
  const first = firstOfCheapest(row, firstAllowed(table, row, limits), weights(table, limits.cost))
  const reads: PlannedRead<S>[] = []
  for (let end = row.length; end > 0; end = first[end - 1]!) reads.push(readOf(table, row.slice(first[end - 1]!, end)))
  return reads.reverse()
}

/** Costs in sixteenths of a nanosecond: sums of whole numbers compare exactly. */
function weights(table: Table, { request_ms, register_ms }: LineTime): { request: number; address: number } {
  const bit = Math.round(register_ms * 1e6)
  return { request: Math.round(request_ms * 16e6), address: isBitTable(table) ? bit : 16 * bit }
}

/** For each atom the first that one read may take together with it; these never decrease. */
function firstAllowed<S extends Place>(table: Table, row: readonly Atom<S>[], limits: ReadLimits): Uint32Array {
  const max = isBitTable(table) ? limits.max_bits : limits.max_registers
  const gap = limits.max_gap ?? Number.POSITIVE_INFINITY
  const spans = (limits.uncrossable ?? []).filter((s) => s.table === table).sort((a, b) => a.to - b.to)
  const allowed = new Uint32Array(row.length)
  let first = 0
  let passed = 0
  /** a read that reaches this far must start behind it */
  let behind = -1
  for (let j = 0; j < row.length; j++) {
    const { from, to } = row[j]!
    for (; passed < spans.length && spans[passed]!.to <= to; passed++) behind = Math.max(behind, spans[passed]!.from)
    if (j > 0 && from - row[j - 1]!.to > gap) first = j
    while (first < j && (to - row[first]!.from > max || row[first]!.from <= behind)) first++
    allowed[j] = first
  }
  return allowed
}

/**
 * For each atom the first of its read in a cheapest plan of the row up to there. `best[j]` is what the first j atoms
 * cost; the read i…j costs `request + address × (to_j - from_i)`, so the i that minimises `best[i] - address × from_i`
 * is the one for every j that may reach back to it, and a queue holds the candidates of the window.
 */
function firstOfCheapest<S extends Place>(
  row: readonly Atom<S>[],
  allowed: Uint32Array,
  { request, address }: { readonly request: number; readonly address: number },
): Uint32Array {
  const n = row.length
  const first = new Uint32Array(n)
  const count = new Uint32Array(n + 1)
  const best = new Float64Array(n + 1)
  const start = new Float64Array(n)
  const queue = new Uint32Array(n)
  let [head, tail] = [0, 0]
  for (let j = 0; j < n; j++) {
    start[j] = best[j]! - address * row[j]!.from
    const beats = (other: number): boolean =>
      start[j]! < start[other]! || (start[j]! === start[other]! && count[j]! <= count[other]!)
    while (tail > head && beats(queue[tail - 1]!)) tail--
    queue[tail++] = j
    while (queue[head]! < allowed[j]!) head++
    const i = queue[head]!
    first[j] = i
    best[j + 1] = start[i]! + request + address * row[j]!.to
    count[j + 1] = count[i]! + 1
  }
  return first
}

/** One read for each distinct place or group: the least that can be asked for. */
export function singleReads<S extends Place>(places: readonly S[]): PlannedRead<S>[] {
  const singles = Map.groupBy(places, (p) =>
    p.group === undefined ? `${p.table} ${p.address} ${p.size}` : `${p.table} group ${p.group}`,
  )
  return [...singles.values()].map((same) => readOf(same[0]!.table, rowOf(same)))
}
