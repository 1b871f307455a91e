import { meet, staleFilters } from './session.ts'
import { subscriptionId } from './topic-filter.ts'

/** Sets of filters that are remembered, one for each change of the topics; messages that are older than these may be read twice. */
const MOST_SETS = 8

/** What is noted of the session at the broker. */
export interface SessionNotes {
  /** filters that it may have */
  readonly filters: readonly string[]
  /** filters that were all in force at one time, oldest set first; the last set still is. Only filters that overlap are noted */
  readonly together: readonly (readonly string[])[]
}

/** Of a session that is new. */
export const NOTHING_NOTED: SessionNotes = { filters: [], together: [] }

/** What is done to bring the session to what is configured. */
export type Step =
  /** make durable */
  | { readonly kind: 'note'; readonly notes: SessionNotes }
  /** ask for all filters, with the identifiers that say they are `together` */
  | { readonly kind: 'subscribe'; readonly together: readonly string[] }
  | { readonly kind: 'unsubscribe'; readonly filters: readonly string[] }

/**
 * The steps from what is noted of a session to these filters; a step begins when the one before is durable or answered.
 * After any of them the agent may crash. What holds at every moment:
 * - A filter is noted before the broker learns of it and until it is gone there, so that none is ever forgotten.
 * - An identifier that says filters are together is used only while each of them is acknowledged and in force. So a message
 *   that has it has a copy for each of them that matches, and it is safe to leave the copies of a filter that is gone unread.
 * - A filter goes only when the new ones are in force, so that nothing falls between them.
 * @param identified true: the broker says with each message which subscription it is for (MQTT 5)
 */
export function stepsTo(
  wanted: ReadonlyMap<string, 0 | 1>,
  before: SessionNotes,
  identified: boolean,
): readonly Step[] {
  const filters = [...wanted.keys()]
  const stale = staleFilters(before.filters, wanted)
  const both = [...filters, ...stale]
  const together = identified && doOverlap(filters) ? filters.toSorted() : []
  const isKnown = isSame(before.together.at(-1) ?? [], together)
  const after = isKnown ? before.together : [...before.together, together].slice(-MOST_SETS)
  return [
    { kind: 'note', notes: { filters: both, together: before.together } },
    // Without the identifiers of the set before, which shall not outlive those of its filters that go.
    { kind: 'subscribe', together: isKnown ? together : [] },
    ...(isKnown ? [] : [{ kind: 'note', notes: { filters: both, together: after } } as const]),
    ...(isKnown || together.length === 0 ? [] : [{ kind: 'subscribe', together } as const]),
    ...(stale.length === 0
      ? []
      : [
          { kind: 'unsubscribe', filters: stale } as const,
          { kind: 'note', notes: { filters, together: after } } as const,
        ]),
  ]
}

/** The subscription that brought a message. */
export interface Origin {
  readonly filter: string
  /** filters for which the broker sent a copy each, where they match */
  readonly together: ReadonlySet<string>
}

/** Finds the subscriptions by the identifiers of a message; those that are not known are left out. */
export function makeOrigins(
  filters: Iterable<string>,
  sets: SessionNotes['together'],
): (ids: readonly number[]) => readonly Origin[] {
  const byId = new Map<number, Origin>()
  for (const set of sets)
    for (const filter of set) byId.set(subscriptionId(filter, set), { filter, together: new Set(set) })
  for (const filter of filters) byId.set(subscriptionId(filter, []), { filter, together: new Set() })
  return (ids) => ids.flatMap((id) => byId.get(id) ?? [])
}

/** Of the subscriptions that match a message, those that read it. */
export function readersOf<T extends { readonly filter: string }>(
  matching: readonly T[],
  origins: readonly Origin[],
): readonly T[] {
  if (origins.length === 0) return matching
  // A broker that brings a message once for each subscription says which one (MQTT 5.0 §3.3.4).
  const named = matching.filter(({ filter }) => origins.some((origin) => origin.filter === filter))
  if (named.length > 0) return named
  // One of a subscription that is gone is for those that have no copy of their own.
  return matching.filter(({ filter }) => !origins.some((origin) => origin.together.has(filter)))
}

function doOverlap(filters: readonly string[]): boolean {
  return filters.some((filter, i) => filters.slice(0, i).some((other) => meet(other, filter)))
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((filter, i) => filter === b[i])
}
