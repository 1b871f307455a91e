import type { SealedBatch } from '../../core/batch.ts'
import type { Clock } from '../../core/clock.ts'

/** How fast a backlog becomes less. */
export interface Drain {
  delivered(batch: Pick<SealedBatch, 'dataset' | 'from' | 'until'>): void
  /**
   * Time (ms) after which a dataset that is `behind` ms of slots is fresh again at today's pace, or null where it is not
   * known or not gaining.
   */
  freshIn(dataset: string, behind: number): number | null
}

/** Deliveries older than this say little about the pace of today. */
const SPAN = 600_000

export function makeDrain(clock: Clock): Drain {
  const recent = new Map<string, { readonly at: number; readonly span: number }[]>()
  return {
    delivered({ dataset, from, until }) {
      const at = clock.monotonic()
      const past = recent.get(dataset)?.filter((one) => at - one.at < SPAN) ?? []
      recent.set(dataset, [...past, { at, span: until - from }])
    },
    freshIn(dataset, behind) {
      const [first, ...rest] = recent.get(dataset) ?? []
      const last = rest.at(-1)
      if (!first || !last || last.at === first.at) return null
      const pace = rest.reduce((sum, { span }) => sum + span, 0) / (last.at - first.at)
      // While it drains, time brings new slots too.
      return pace > 1 ? behind / (pace - 1) : null
    },
  }
}
