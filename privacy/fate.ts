import type { LedgerEntry } from '../core/ledger.ts'

/**
 * What became of a reading that the cursor passes, or what it was for one window: of several windows the one with the
 * highest number says most. A `pending` one is passed by eviction alone.
 */
export const FATE = {
  new_stream: 0,
  late: 1,
  unusable: 2,
  floor: 3,
  exhausted: 4,
  redraw_refused: 5,
  pending: 6,
  disclosed: 7,
  unlisted: 8,
  bad: 9,
  clock: 10,
} as const
/** A value of FATE: numbers, since every reading has one. */
export type Fate = number

const NAMES = Object.keys(FATE) as readonly (keyof typeof FATE)[]

/** Readings counted by signal and fate. */
export interface AccountSums {
  add(signal: number, fate: Fate): void
  /** One a signal, account and reason. */
  entries(): readonly LedgerEntry[]
}

export function makeAccountSums(): AccountSums {
  /** signal × fate → readings */
  let sums = new Float64Array(64 * NAMES.length)
  return {
    add(signal, fate) {
      const at = signal * NAMES.length + fate
      if (at >= sums.length) {
        const wider = new Float64Array(2 * (signal + 1) * NAMES.length)
        wider.set(sums)
        sums = wider
      }
      sums[at]! += 1
    },
    entries: () =>
      Array.from(sums).flatMap((n, at) =>
        n > 0 ? [entryOf(Math.floor(at / NAMES.length), NAMES[at % NAMES.length]!, n)] : [],
      ),
  }
}

function entryOf(signal: number, became: keyof typeof FATE, n: number): LedgerEntry {
  switch (became) {
    case 'disclosed':
      return { signal, account: 'disclosed', reason: '', n }
    case 'pending':
      return { signal, account: 'evicted', reason: 'full', n }
    default:
      return { signal, account: 'withheld', reason: became, n }
  }
}
