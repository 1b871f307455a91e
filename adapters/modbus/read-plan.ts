import { isBitTable } from './address.ts'
import type { Lesson } from './bisect.ts'
import type { Kept, Learnt } from './learnt.ts'
import type { PlannedSignal } from './plan.ts'
import { type PlannedRead, planReads, type ReadLimits, type Span, singleReads } from './read-set.ts'
import { makeSilentReads } from './silent-reads.ts'
import { ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE } from './unit-reader.ts'

type Read = PlannedRead<PlannedSignal>

/** The reads of one device as they change with what it refuses. Pure but for what it remembers. */
export interface ReadPlan {
  /** Reads for the signals of these periods, at monotonic time `now`; what the device refused is left out for a while. */
  reads(periods: readonly number[], now: number): readonly Read[]
  /** The device answered with data. */
  served(read: Read, now: number): void
  /** The device refused these signals (exceptions 1 to 3). True where that is news. */
  refused(read: Read, code: number, now: number): boolean
  /** The device did not answer in time. True where it never answers this, though it answers other reads. */
  silent(read: Read, now: number): boolean
  /** The device refused a read and answered its parts. */
  learn(lesson: Lesson, now: number): void
  /** What reads keep to at `now`. */
  limits(now: number): ReadLimits
  /** What is known of the device at `now`; `refused` holds only what it refused again and again. */
  learnt(now: number): Learnt
}

/** A refused signal is asked for again, alone: soon, since a device that starts up refuses too, then once a minute. */
const RETRY = { first: 2_000, last: 60_000 }
/** A hole or a length is tried again for the sake of cheaper reads only, so rarely. */
export const TRIAL = { first: 3_600_000, last: 86_400_000 }
/** Refused signals that are tried in one cycle; the others wait for the next. */
const RETRIES = 16
/** A device that refuses many is not asked for one of them more often than this on average, ms. */
const SPACING = 2_000
/** Refused for as long as this it is remembered: a device that only starts up is not worth a note. */
const STEADY = 16_000

const LENGTHS = ['max_registers', 'max_bits'] as const
type Length = (typeof LENGTHS)[number]

/** In place of an exception: the device is silent to it, and to nothing else. */
export const NO_ANSWER = 0

interface Refusal {
  /** until the next try; doubles with each */
  readonly wait: number
  readonly at: number
  readonly code: number
  /** another was given again: so may this one be, and it is asked for with all others */
  readonly pardoned: boolean
}

/** A hole or a length: kept to until `at`, then tried. */
interface Trial<T> {
  readonly what: T
  readonly wait: number
  readonly at: number
}

/** What a plan begins with, and whom it tells. */
export interface ReadPlanStart {
  /** monotonic ms */
  readonly now: number
  /** what an earlier run learnt of the same signals of the same unit */
  readonly known?: Learnt | undefined
  /** Called when what was learnt, or the time of a trial, has become another. */
  changed?(learnt: Learnt): void
}

export function makeReadPlan(
  signals: readonly PlannedSignal[],
  configured: ReadLimits,
  start: ReadPlanStart,
): ReadPlan {
  const known = start.known ?? { refused: [], spans: [] }
  const fromEarlier = <T>({ what, wait, trial_in }: Kept<T>): Trial<T> => ({ what, wait, at: start.now + trial_in })
  const codes = new Map(known.refused.flatMap(({ signals: ids, code }) => ids.map((id) => [id, code] as const)))
  const refused = new Map<PlannedSignal, Refusal>()
  for (const s of signals) {
    const code = codes.get(s.id)
    // Asked for once at the start, alone: every run says itself what has no value.
    if (code !== undefined) refused.set(s, { wait: RETRY.last, at: start.now, code, pardoned: false })
  }
  const spans = new Map(known.spans.map((span) => [keyOf(span.what), fromEarlier(span)]))
  const lengths = new Map(
    LENGTHS.flatMap((key) => (known[key] === undefined ? [] : [[key, fromEarlier(known[key])] as const])),
  )
  const all = (): readonly Trial<unknown>[] => [...spans.values(), ...lengths.values()]
  const firstOf = (trials: readonly Trial<unknown>[]): number => Math.min(...trials.map((t) => t.at))
  const plans = new Map<string, readonly Read[]>()
  const silences = makeSilentReads<PlannedSignal>()
  let pardoned = Number.NEGATIVE_INFINITY
  /** when the rules of the plans change next: at once after a lesson, else when one is due for a trial */
  let stale = Number.NEGATIVE_INFINITY
  /** when the first of the holes and lengths is due for a trial */
  let firstTrial = firstOf(all())
  let limits = configured

  /** A read that did what was thought impossible. */
  function disprove(read: Read, now: number): void {
    const { table, address, quantity } = read
    const size = spans.size + lengths.size
    for (const [key, { what, at }] of spans)
      if (at <= now && what.table === table && address <= what.from && what.to <= address + quantity) spans.delete(key)
    const length = isBitTable(table) ? 'max_bits' : 'max_registers'
    const known = lengths.get(length)
    if (known && known.at <= now && quantity > known.what) lengths.delete(length)
    firstTrial = firstOf(all())
    if (spans.size + lengths.size < size) start.changed?.(learnt(now))
  }

  function rulesAt(now: number): ReadLimits {
    if (now < stale) return limits
    plans.clear()
    const holds = (t: Trial<unknown>): boolean => t.at > now
    stale = firstOf(all().filter(holds))
    const most = (key: Length): number => {
      const trial = lengths.get(key)
      return trial && holds(trial) ? Math.min(configured[key], trial.what) : configured[key]
    }
    const places = [...refused].filter(([, r]) => !r.pardoned && r.code !== ILLEGAL_FUNCTION).map(([s]) => s)
    const uncrossable = [
      ...(configured.uncrossable ?? []),
      ...[...spans.values()].filter(holds).map((t) => t.what),
      ...places.map((s): Span => ({ table: s.table, from: s.address, to: s.address + s.size })),
    ]
    limits = { ...configured, max_registers: most('max_registers'), max_bits: most('max_bits'), uncrossable }
    return limits
  }

  function merged(periods: readonly number[], now: number): readonly Read[] {
    const rules = rulesAt(now)
    const key = periods.join()
    const planned = plans.get(key)
    if (planned) return planned
    const due = new Set(periods)
    const asked = signals.filter((s) => due.has(s.period) && (refused.get(s)?.pardoned ?? true))
    const reads = planReads(asked, rules)
    plans.set(key, reads)
    return reads
  }

  function keep<K, T>(trials: Map<K, Trial<T>>, key: K, what: T, now: number): void {
    const before = trials.get(key)
    const wait = before ? Math.min(TRIAL.last, before.wait * 2) : TRIAL.first
    trials.set(key, { what, wait, at: now + wait })
    firstTrial = Math.min(firstTrial, now + wait)
    stale = Number.NEGATIVE_INFINITY
    start.changed?.(learnt(now))
  }

  function refuse(read: Read, code: number, now: number): boolean {
    let [news, noted] = [false, false]
    for (const s of read.signals) {
      const before = refused.get(s)
      const wait = before ? Math.min(Math.max(RETRY.last, SPACING * refused.size), before.wait * 2) : RETRY.first
      refused.set(s, { wait, at: now + wait, code, pardoned: false })
      if (!before) news = true
      if (!before || before.pardoned) stale = Number.NEGATIVE_INFINITY
      if (wait >= STEADY && (before?.wait ?? 0) < STEADY) noted = true
    }
    if (noted) start.changed?.(learnt(now))
    return news
  }

  function learn(lesson: Lesson, now: number): void {
    if (lesson.kind === 'span') keep(spans, keyOf(lesson.span), lesson.span, now)
    else keep(lengths, isBitTable(lesson.table) ? 'max_bits' : 'max_registers', lesson.quantity, now)
  }

  function learnt(now: number): Learnt {
    const kept = <T>({ what, wait, at }: Trial<T>): Kept<T> => ({ what, trial_in: at - now, wait })
    const lasting = [...refused].filter(([, r]) => r.wait >= STEADY)
    const places = Map.groupBy(lasting, ([s, r]) => `${r.code} ${s.group ?? `${s.table} ${s.address} ${s.size}`}`)
    return {
      refused: [...places.values()].map((same) => ({ signals: same.map(([s]) => s.id), code: same[0]![1].code })),
      spans: [...spans.values()].map(kept),
      ...Object.fromEntries([...lengths].map(([key, t]) => [key, kept(t)])),
    }
  }

  return {
    reads(periods, now) {
      const reads = merged(periods, now)
      if (refused.size === 0) return silences.arrange(reads)
      const again = [...refused].filter(([s, r]) => !r.pardoned && now >= r.at && periods.includes(s.period))
      if (again.length === 0) return silences.arrange(reads)
      return [...silences.arrange(reads), ...singleReads(again.map(([s]) => s)).slice(0, RETRIES)]
    },
    served(read, now) {
      const lesson = silences.served(read)
      if (lesson) learn(lesson, now)
      if (now >= firstTrial) disprove(read, now)
      if (refused.size === 0) return
      const given = read.signals.filter((s) => refused.has(s))
      if (given.length === 0) return
      const noted = given.some((s) => refused.get(s)!.wait >= STEADY)
      for (const s of given) refused.delete(s)
      stale = Number.NEGATIVE_INFINITY
      if (now - pardoned >= RETRY.last) {
        pardoned = now
        for (const [s, r] of refused) refused.set(s, { ...r, pardoned: true })
      }
      if (noted) start.changed?.(learnt(now))
    },
    silent(read, now) {
      const codes = new Set(read.signals.map((s) => refused.get(s)?.code))
      const again = codes.size === 1 && codes.has(NO_ANSWER)
      if (!again && !silences.silent(read)) return false
      refuse(read, NO_ANSWER, now)
      return true
    },
    refused(read, code, now) {
      if (code !== ILLEGAL_FUNCTION && code !== ILLEGAL_ADDRESS && code !== ILLEGAL_VALUE) return false
      return refuse(read, code, now)
    },
    learn,
    limits: rulesAt,
    learnt,
  }
}

function keyOf({ table, from, to }: Span): string {
  return `${table} ${from} ${to}`
}
