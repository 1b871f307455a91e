import { jointOf, type Lesson, partsOf, spanOf } from './bisect.ts'
import { type Place, type PlannedRead, singleReads } from './read-set.ts'

/**
 * Finds what a device is silent to, where another would answer exception 2: a hole, a length, a place. A silent read
 * tells nothing of it as long as the unit may be dead, so it counts only where the unit answered something in between.
 * Pure but for what it remembers.
 */
export interface SilentReads<S extends Place> {
  /** Puts reads in doubt behind all others and halves those that were silent twice; first comes one that may answer. */
  arrange(reads: readonly PlannedRead<S>[]): readonly PlannedRead<S>[]
  /** The device answered; a lesson where it answered both halves of a read that it was silent to. */
  served(read: PlannedRead): Lesson | undefined
  /** The device did not answer in time. True where nothing smaller can be asked and it was so again and again. */
  silent(read: PlannedRead<S>): boolean
}

interface Doubt<S extends Place> {
  readonly read: PlannedRead<S>
  readonly times: number
  /** halves that were answered */
  readonly fine: Set<string>
  /** asked where both halves were answered: does the border between them matter, or the length? */
  joint?: PlannedRead<S>
}

/** Silences before a read is halved, and before a place is given up: one may be a lost packet. */
const HALVE = 2
const GIVE_UP = 3

export function makeSilentReads<S extends Place>(): SilentReads<S> {
  const doubts = new Map<string, Doubt<S>>()
  let answered = false
  let tries = 0

  function halves(read: PlannedRead<S>): readonly PlannedRead<S>[] {
    const { refused, reads } = partsOf(read)
    return refused ? [] : reads
  }

  function parted(read: PlannedRead<S>): readonly PlannedRead<S>[] {
    const doubt = doubts.get(keyOf(read))
    const parts = doubt && doubt.times >= HALVE ? halves(read) : []
    if (parts.length === 0) return [read]
    return [...parts, ...(doubt?.joint ? [doubt.joint] : [])].flatMap(parted)
  }

  /** What follows once both halves were answered; undefined where the joint must be asked first. */
  function concluded(doubt: Doubt<S>, left: PlannedRead<S>, right: PlannedRead<S>): Lesson | undefined {
    const joint = jointOf(left, right)
    const apart = left.address + left.quantity < right.address
    if (apart || joint.quantity === doubt.read.quantity) return { kind: 'span', span: spanOf(left, right) }
    doubt.joint = joint
    const key = keyOf(joint)
    // In doubt from the start, so that it goes behind what is sure to be answered.
    if (!doubts.has(key)) doubts.set(key, { read: joint, times: 0, fine: new Set() })
    return undefined
  }

  /** The device answered across the border between two halves: it was silent to the length. */
  function lengthFrom(read: PlannedRead): Lesson | undefined {
    const key = keyOf(read)
    for (const { read: whole, joint } of doubts.values()) {
      if (!joint || keyOf(joint) !== key) continue
      const quantity = Math.max(...halves(whole).map((half) => half.quantity))
      return { kind: 'length', table: read.table, quantity }
    }
    return undefined
  }

  return {
    arrange(reads) {
      if (doubts.size === 0 || reads.length === 0) return reads
      const [calm, doubtful] = [[] as PlannedRead<S>[], [] as PlannedRead<S>[]]
      for (const read of reads) {
        if (!doubts.has(keyOf(read))) calm.push(read)
        else for (const part of parted(read)) (doubts.has(keyOf(part)) ? doubtful : calm).push(part)
      }
      if (calm.length > 0) return [...calm, ...doubtful]
      const singles = singleReads(doubtful.flatMap((read) => read.signals))
      return [singles[tries++ % singles.length]!, ...doubtful]
    },
    served(read) {
      answered = true
      if (doubts.size === 0) return undefined
      const key = keyOf(read)
      const length = lengthFrom(read)
      if (length) doubts.clear() // the plan that follows from a lesson has other reads
      for (const [of, doubt] of doubts) if (covers(read, doubt.read)) doubts.delete(of)
      for (const doubt of doubts.values()) {
        const [left, right] = halves(doubt.read)
        if (doubt.times < HALVE || !left || !right || (keyOf(left) !== key && keyOf(right) !== key)) continue
        doubt.fine.add(key)
        const lesson = doubt.fine.size < 2 || doubt.joint ? undefined : concluded(doubt, left, right)
        if (!lesson) continue
        doubts.clear()
        return lesson
      }
      return length
    },
    silent(read) {
      const key = keyOf(read)
      const before = doubts.get(key)
      const times = before ? before.times + Number(answered) : 1
      answered = false
      doubts.set(key, { ...before, read, times, fine: before?.fine ?? new Set() })
      return times >= GIVE_UP && halves(read).length === 0
    },
  }
}

function covers(outer: PlannedRead, inner: PlannedRead): boolean {
  const behind = inner.address + inner.quantity
  return outer.table === inner.table && outer.address <= inner.address && behind <= outer.address + outer.quantity
}

function keyOf({ table, address, quantity }: Omit<PlannedRead, 'signals'>): string {
  return `${table} ${address} ${quantity}`
}
