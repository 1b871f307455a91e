import type { Store } from '../../buffer/port.ts'
import type { UnixMs } from '../../core/brand.ts'
import { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import type { Cursor } from '../../core/stored-block.ts'

/** A dataset whose slots are sealed up to a time that has not come. */
export interface Ahead {
  readonly dataset: string
  /** UnixMs */
  readonly until: number
}

/** The dataset that is sealed furthest beyond the period that goes on at `now`, if any is. @param now UnixMs; cadences are ms */
export function furthestAhead(
  datasets: readonly { readonly name: string; readonly cadence: number }[],
  sealed_until: Cursor['sealed_until'],
  now: number,
): Ahead | undefined {
  return datasets
    .map(({ name, cadence }) => ({ dataset: name, until: sealed_until[name] ?? 0, cadence }))
    .filter(({ until, cadence }) => until > now + cadence)
    .toSorted((a, b) => b.until - a.until)[0]
}

/**
 * The alarm of a pool for which nothing is sealed because slots of the future are: no slot is sealed twice. It ends by itself
 * when their time has come.
 */
export function makeAheadAlarm(
  store: Pick<Store, 'raiseAlarm' | 'clearAlarm'>,
  log: Log,
): (pool: string, ahead: Ahead | undefined, at: UnixMs) => void {
  /** by pool, what was said last; nothing yet: the last run may have left an alarm */
  const told = new Map<string, string | null>()
  return (pool, ahead, at) => {
    const message = ahead ? inWords(ahead) : null
    if (told.get(pool) === message) return
    const key = `ahead:${pool}`
    if (ahead && message !== null) {
      const { code, hint } = new Fault('sealed-ahead', { pool, dataset: ahead.dataset }, message)
      store.raiseAlarm({ key, code, message, at })
      log.error({ pool, code, hint }, message)
    } else store.clearAlarm(key, at)
    told.set(pool, message)
  }
}

function inWords({ dataset, until }: Ahead): string {
  return `${dataset} is sealed up to ${new Date(until).toISOString()}, which has not come: the clock was ahead then, or is behind now`
}
