import { compileTopic } from './topic-filter.ts'

/** A filter and the QoS it is wanted at; several may name the same filter. */
interface Wanted {
  readonly topic: string
  readonly qos: 0 | 1
}

/**
 * What the broker is asked for: each filter once, at the highest QoS that a subscription wants.
 * @param identified true: the broker says with each message which subscriptions it is for. Where it does not, filters that
 *   another one covers are left out, because a broker may send a copy for each (MQTT 3.1.1 §3.3.5), and filters that
 *   overlap have the same QoS, so that copies keep their order
 */
export function filtersOf(subscriptions: readonly Wanted[], identified: boolean): ReadonlyMap<string, 0 | 1> {
  const filters = new Map<string, 0 | 1>()
  for (const { topic, qos } of subscriptions) {
    const compiled = compileTopic(topic)
    if ('message' in compiled) continue
    const { filter } = compiled.pattern
    filters.set(filter, filters.get(filter) === 1 ? 1 : qos)
  }
  if (identified) return filters
  const names = [...filters.keys()]
  const kept = names.filter((name) => !names.some((other) => other !== name && covers(other, name)))
  const isRaised = (filter: string): boolean =>
    names.some((other) => filters.get(other) === 1 && meet(other, filter) && !isShared(other) && !isShared(filter))
  return new Map(kept.map((filter) => [filter, isRaised(filter) ? 1 : filters.get(filter)!]))
}

/** Filters that the session at the broker still has and that nothing wants any more. */
export function staleFilters(remembered: readonly string[], wanted: ReadonlyMap<string, 0 | 1>): readonly string[] {
  return remembered.filter((filter) => !wanted.has(filter))
}

/** true: every topic of filter `b` is one of filter `a` (MQTT 5.0 §4.7) */
export function covers(a: string, b: string): boolean {
  const [one, other] = [partsOf(a), partsOf(b)]
  if (one.share !== other.share || isHidden(one.levels, other.levels)) return false
  for (const [i, level] of one.levels.entries()) {
    if (level === '#') return true
    const its = other.levels[i]
    if (its === undefined || its === '#' || (level !== '+' && level !== its)) return false
  }
  return one.levels.length === other.levels.length
}

/** true: some topic is of both filters */
export function meet(a: string, b: string): boolean {
  const [one, other] = [partsOf(a).levels, partsOf(b).levels]
  if (isHidden(one, other) || isHidden(other, one)) return false
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    const [mine, its] = [one[i], other[i]]
    if (mine === '#' || its === '#') return true
    if (mine === undefined || its === undefined) return false
    if (mine !== its && mine !== '+' && its !== '+') return false
  }
  return true
}

/** A filter that covers both of two that have topics in common. */
export function covering(a: string, b: string): string {
  const [one, other] = [partsOf(a).levels, partsOf(b).levels]
  const both: string[] = []
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    const [mine, its] = [one[i], other[i]]
    if (mine === undefined || its === undefined || mine === '#' || its === '#') return [...both, '#'].join('/')
    both.push(mine === its ? mine : '+')
  }
  return both.join('/')
}

/** true: a shared subscription, whose messages go to one of its members each (MQTT 5.0 §4.8.2) */
export function isShared(filter: string): boolean {
  return filter.startsWith('$share/')
}

function partsOf(filter: string): { readonly share: string; readonly levels: readonly string[] } {
  const share = /^\$share\/[^/]+\//.exec(filter)?.[0] ?? ''
  return { share, levels: filter.slice(share.length).split('/') }
}

/** A wildcard in front matches no topic that begins with `$` (MQTT 5.0 §4.7.2). */
function isHidden(a: readonly string[], b: readonly string[]): boolean {
  return (a[0] === '#' || a[0] === '+') && b[0]!.startsWith('$')
}
