import type { PolicyCard } from '../../privacy/card.ts'
import type { PolicyFacts } from '../../privacy/facts.ts'
import type { Explained } from '../../privacy/preview.ts'
import type { RecentView } from './recent.ts'

/** What `sluice preview` shows of one pool. */
export type PoolPreview = { readonly pool: string } & (
  | {
      readonly gate: 'open'
      readonly facts: PolicyFacts
      readonly signals: readonly Explained[]
      /** one a language */
      readonly cards: readonly PolicyCard[]
      /** what recent readings become, or why there is nothing to show */
      readonly recent: RecentView | { readonly absent: string }
    }
  | { readonly gate: 'shut'; readonly reason: string }
)

/** What leaves in an hour at most, all columns together. */
export function hourly({ datasets }: PolicyFacts): { readonly cells: number; readonly bits: number } {
  const columns = datasets.flatMap((dataset) => dataset.columns)
  const sum = (of: 'cells_an_hour' | 'bits_an_hour'): number => columns.reduce((all, column) => all + column[of], 0)
  return { cells: sum('cells_an_hour'), bits: Math.ceil(sum('bits_an_hour')) }
}

/** How `bits` was computed. */
export const BITS_TEXT =
  'An upper bound: for each distinct cell, log2(range ÷ step + 1) bits for its value, or log2 of the number of words, and 2 bits for its mark. Cells that several machines share count once. Noise adds chance, not information, and does not count.'
