import { type UnixMs, unixMs } from '../core/brand.ts'
import { lastTrusted } from './restamp.ts'
import type { Tables } from './tables.ts'

/** The time before this run, of which both ends are known only once the clock is trusted. */
export interface Downtime {
  /** where it stands in the journal until then, without a length (UnixMs) */
  readonly noted: UnixMs
  /** monotonic time (ms) of the last block of the run before, where that clock goes on */
  readonly last: number | undefined
  /** monotonic time (ms) of this run's first block, once there is one */
  readonly begun?: number
}

/**
 * Outages that the last run left open end where it was last heard of; from there to `now` the agent was down, for each of
 * these sources. Callers bring the transaction.
 * @param run.boot the machine's boot that goes on
 * @param run.heard when the last run was heard of, by the high-water file; asked only where no block can say
 * @returns what `endDowntime` has to say later, where the last run's clock or the present one is wrong
 */
export function beginRun(
  tables: Tables,
  sources: readonly string[],
  run: { readonly boot: string; readonly heard: number | undefined; readonly now: UnixMs },
): Downtime | undefined {
  const { log, journal, dictionary } = tables
  const { boot, heard, now } = run
  const last = log.last()
  const isFirst = last === undefined && heard === undefined
  const from = unixMs((last ? lastTrusted(tables, boot)?.at : heard) ?? now)
  const isKnown = from <= now && last?.sane !== 0
  journal.endOutages(from)
  if (isFirst || (isKnown && from === now)) return undefined
  const until = isKnown ? now : from
  for (const source of sources) journal.recordDown(source, from, until)
  if (isKnown) return undefined
  return { noted: from, last: last && dictionary.boot(last.boot) === boot ? last.monotonic : undefined }
}

/** The clock is trusted: says of a downtime when it was, from the monotonic clock. Callers bring the transaction. */
export function endDowntime(
  { journal }: Tables,
  { noted, last, begun }: Downtime,
  commit: { readonly arrival: UnixMs; readonly monotonic: number },
): void {
  const wallOf = (monotonic: number): number => Math.round(commit.arrival - (commit.monotonic - monotonic))
  const until = wallOf(begun ?? commit.monotonic)
  const from = last === undefined ? noted : wallOf(last)
  journal.moveDown(noted, Math.min(from, until), until)
}
