import { type Place, type PlannedRead, readOf, rowOf, type Span, singleReads } from './read-set.ts'

/** What a device taught by refusing a read and answering all its parts. */
export type Lesson =
  /** no read may contain the whole of it: a hole that is not there, or a border inside the device */
  | { readonly kind: 'span'; readonly span: Span }
  /** it answers this much at once and no more */
  | { readonly kind: 'length'; readonly table: Place['table']; readonly quantity: number }

/** What to ask for when the device refuses a read. */
export interface Parts<S extends Place> {
  /** nothing smaller holds these: they are what it refuses */
  readonly refused?: PlannedRead<S>
  readonly reads: readonly PlannedRead<S>[]
}

/**
 * Halves a refused read between two of its neighbours. A read of one place (or group) is refused for good; what lies
 * inside it may still be fine. Pure.
 */
export function partsOf<S extends Place>(read: PlannedRead<S>): Parts<S> {
  const { table, address, quantity } = read
  const row = rowOf(read.signals)
  if (row.length > 1) {
    const middle = row.length >> 1
    return { reads: [readOf(table, row.slice(0, middle)), readOf(table, row.slice(middle))] }
  }
  const [whole, inner] = partition(singleReads(read.signals), (r) => r.address === address && r.quantity === quantity)
  const refused = { ...read, signals: whole.flatMap((r) => r.signals) }
  const rest = rowOf(inner.flatMap((r) => r.signals))
  return { refused, reads: rest.length === 0 ? [] : [readOf(table, rest)] }
}

/** The shortest read over the joint of two neighbours, which tells a hole from a read that is too long. Pure. */
export function jointOf<S extends Place>(left: PlannedRead<S>, right: PlannedRead<S>): PlannedRead<S> {
  return readOf(left.table, [rowOf(left.signals).at(-1)!, rowOf(right.signals)[0]!])
}

/** What no read may contain where the joint is refused: the hole; without one, the addresses at both sides. Pure. */
export function spanOf(left: PlannedRead, right: PlannedRead): Span {
  const { table } = left
  const [end, start] = [left.address + left.quantity, right.address]
  if (end < start) return { table, from: end, to: start }
  return { table, from: start - 1, to: end + 1 }
}

/** The reads of the first 1, 2, 3 … neighbours: one of them is the longest that the device answers. Pure. */
export function prefixesOf<S extends Place>(read: PlannedRead<S>): readonly PlannedRead<S>[] {
  const row = rowOf(read.signals)
  return row.map((_, i) => readOf(read.table, row.slice(0, i + 1)))
}

function partition<T>(all: readonly T[], test: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [all.filter(test), all.filter((item) => !test(item))]
}
