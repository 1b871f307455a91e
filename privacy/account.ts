import type { LedgerEntry, WithheldReason } from '../core/ledger.ts'
import { FORM_NULL } from '../core/reading-block.ts'
import type { StoredBlock } from '../core/stored-block.ts'
import type { Disclosed } from './disclosed.ts'
import { LEFT_OUT, type Route, USE, usableValue } from './route.ts'
import { firstSlotOf, type OpenDataset } from './series.ts'
import { floorTo } from './window.ts'

/** What became of readings, once everything before them is settled. */
export interface Accounting {
  /** Remembers how far a dataset was closed when the block had been taken. */
  see(dataset: OpenDataset, block: StoredBlock): void
  /** Nothing before this sequence is asked for any more. */
  forget(seq: number): void
  account(block: StoredBlock, from: number, to: number, after?: Disclosed): readonly LedgerEntry[]
}

/** Reasons of a reading with several windows: the one that says most wins. */
const WEIGHT = ['new_stream', 'late', 'unusable', 'floor'] as const satisfies readonly WithheldReason[]

export function makeAccounting(input: {
  readonly datasets: readonly OpenDataset[]
  readonly routes: (signal: number) => readonly Route[]
  /** first slot of the stream */
  readonly since: (dataset: OpenDataset) => number
  readonly max_skew: number
}): Accounting {
  /** Steps of each dataset's closing: everything up to `until` was closed by the block at `position`. */
  const steps = new Map<OpenDataset, { position: number; seq: number; until: number }[]>(
    input.datasets.map((dataset) => [dataset, []]),
  )

  /** Whether the window that ends at `end` was closed before the block came. */
  function wasClosed(dataset: OpenDataset, end: number, block: StoredBlock): boolean {
    return steps.get(dataset)!.some((step) => step.position < block.position && step.until >= end)
  }

  function fateOfRoute(route: Route, block: StoredBlock, i: number, after?: Disclosed): (typeof WEIGHT)[number] | '' {
    const { series } = route.intake
    const { dataset } = series
    const start = floorTo(block.block.times[i]!, series.window)
    const shown = firstSlotOf(series, start)
    if (shown < input.since(dataset)) return 'new_stream'
    if (usableValue(route, block.block, i) === undefined) return 'unusable'
    if (wasClosed(dataset, start + series.window, block)) return 'late'
    const sealed = after?.dataset === dataset.plan.name ? after.until : dataset.sealed
    if (shown >= sealed) return 'unusable'
    return series.cell(start).reason
  }

  function fate(block: StoredBlock, i: number, after?: Disclosed): WithheldReason | '' {
    const { times, forms, qualities, signals } = block.block
    const routes = input.routes(signals[i]!)
    if (routes.length === 0) return 'unlisted'
    if (USE[qualities[i]!] === LEFT_OUT || forms[i] === FORM_NULL) return 'bad'
    if (!block.sane || times[i]! > block.arrival + input.max_skew) return 'clock'
    let weight = 0
    for (const route of routes) {
      const reason = fateOfRoute(route, block, i, after)
      if (reason === '') return ''
      weight = Math.max(weight, WEIGHT.indexOf(reason))
    }
    return WEIGHT[weight]!
  }

  return {
    see(dataset, { position, seq }) {
      const own = steps.get(dataset)!
      const until = dataset.closing.until()
      if (until > (own.at(-1)?.until ?? Number.NEGATIVE_INFINITY)) own.push({ position, seq, until })
    },
    forget(seq) {
      for (const own of steps.values()) {
        // The block that holds `seq` may itself have been a step, so the one before it is still asked for.
        const kept = own.findLastIndex((step) => step.seq < seq) - 1
        if (kept > 0) own.splice(0, kept)
      }
    },
    account(block, from, to, after) {
      const sums = new Map<string, LedgerEntry>()
      const { signals } = block.block
      const end = Math.min(signals.length, to - block.seq)
      for (let i = Math.max(0, from - block.seq); i < end; i++) {
        const signal = signals[i]!
        const reason = fate(block, i, after)
        const key = `${signal} ${reason}`
        const n = (sums.get(key)?.n ?? 0) + 1
        sums.set(key, { signal, account: reason === '' ? 'disclosed' : 'withheld', reason, n })
      }
      return [...sums.values()]
    },
  }
}
