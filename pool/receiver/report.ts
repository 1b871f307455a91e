import { withdrawalReceiptSchema } from '../../uplink/signature.ts'
import type { BatchIndex, IndexedBatch } from './batch-index.ts'

/** What the pool has of one stream of one contributor and dataset. Times are RFC 3339, UTC. */
export interface StreamReport {
  readonly dataset: string
  readonly stream: string
  readonly epoch: number
  readonly first_seq: number
  readonly last_seq: number
  readonly batches: number
  readonly rows: number
  /** null where nothing of the stream came */
  readonly from: string | null
  readonly until: string | null
  /** inclusive ranges of batch numbers that neither came nor were given up by the plant */
  readonly gaps: readonly (readonly [number, number])[]
  /** batches that the plant says it dropped, and why */
  readonly tombstones: readonly { readonly seq: number; readonly reason: string }[]
}

/** What the pool has of one contributor. */
export interface ContributorReport {
  readonly contributor: string
  readonly rows: number
  readonly streams: readonly StreamReport[]
  /** the same slots from two streams: both are kept */
  readonly overlaps: readonly { readonly dataset: string; readonly from: string; readonly until: string }[]
  /** refused files by problem; they are in no stream */
  readonly rejected: Readonly<Record<string, number>>
}

export interface PoolReport {
  readonly pool: string
  readonly contributors: readonly ContributorReport[]
  /** streams that their contributors took back, and how many batches went with each; they are in no other list */
  readonly withdrawn: readonly { readonly stream: string; readonly batches: number; readonly withdrawn: string }[]
  /** refused files that named no contributor */
  readonly rejected: Readonly<Record<string, number>>
}

/** What a pool holds and what it lacks. Accounts are not in it: they would link the epochs of a plant. */
export function reportOf(pool: string, index: BatchIndex): PoolReport {
  const batches = Map.groupBy(index.stored(pool), (batch) => batch.contributor)
  const withdrawn = index.withdrawals(pool).map(({ stream, receipt }) => {
    const said = withdrawalReceiptSchema.parse(JSON.parse(receipt))
    return { stream, batches: said.batches, withdrawn: said.withdrawn }
  })
  const tombstones = index.tombstones(pool).filter((t) => !withdrawn.some(({ stream }) => stream === t.stream))
  const rejections = Map.groupBy(index.rejections(pool), (rejection) => rejection.contributor)
  const rejectedOf = (contributor: string): Record<string, number> => {
    const counts: Record<string, number> = {}
    for (const { problem, n } of rejections.get(contributor) ?? []) counts[problem] = (counts[problem] ?? 0) + n
    return counts
  }
  const names = new Set([...batches.keys(), ...tombstones.map((t) => t.contributor), ...rejections.keys()])
  names.delete('')
  return {
    pool,
    contributors: [...names].sort().map((contributor) => {
      const own = batches.get(contributor) ?? []
      const dropped = tombstones.filter((t) => t.contributor === contributor)
      const streams = Map.groupBy([...own, ...dropped], (b) => `${b.dataset} ${b.stream} ${b.epoch}`)
      return {
        contributor,
        rows: sum(own),
        streams: [...streams.values()].map((of) => streamReport(of)),
        overlaps: overlapsOf(own),
        rejected: rejectedOf(contributor),
      }
    }),
    withdrawn,
    rejected: rejectedOf(''),
  }
}

type Dropped = ReturnType<BatchIndex['tombstones']>[number]

function streamReport(members: readonly (IndexedBatch | Dropped)[]): StreamReport {
  const stored = members.filter((m): m is IndexedBatch => 'sha256' in m)
  const here = new Set(stored.map((b) => b.seq))
  const dropped = members.filter((m): m is Dropped => !('sha256' in m) && !here.has(m.seq))
  const seqs = [...new Set(members.map((m) => m.seq))].sort((a, b) => a - b)
  const { dataset, stream, epoch } = members[0]!
  return {
    dataset,
    stream,
    epoch,
    first_seq: seqs[0]!,
    last_seq: seqs.at(-1)!,
    batches: stored.length,
    rows: sum(stored),
    from: stored.length === 0 ? null : isoTime(stored.reduce((t, b) => Math.min(t, b.from_ms), Infinity)),
    until: stored.length === 0 ? null : isoTime(stored.reduce((t, b) => Math.max(t, b.until_ms), 0)),
    gaps: seqs.flatMap((seq, i) => (i > 0 && seq > seqs[i - 1]! + 1 ? [[seqs[i - 1]! + 1, seq - 1] as const] : [])),
    tombstones: dropped.map(({ seq, reason }) => ({ seq, reason })),
  }
}

function overlapsOf(batches: readonly IndexedBatch[]): ContributorReport['overlaps'] {
  return [...Map.groupBy(batches, (b) => b.dataset)].flatMap(([dataset, of]) => {
    const byTime = of.toSorted((a, b) => a.from_ms - b.from_ms)
    let last = byTime[0]!
    return byTime.slice(1).flatMap((batch) => {
      const [before, until] = [last, Math.min(last.until_ms, batch.until_ms)]
      if (batch.until_ms > last.until_ms) last = batch
      return before.stream !== batch.stream && batch.from_ms < until
        ? [{ dataset, from: isoTime(batch.from_ms), until: isoTime(until) }]
        : []
    })
  })
}

function sum(batches: readonly { readonly rows: number }[]): number {
  return batches.reduce((n, { rows }) => n + rows, 0)
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
