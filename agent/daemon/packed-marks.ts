import type { Commit } from '../../buffer/port.ts'

type Marks = Commit['marks']

/** Marks of one session side by side: `hashes` holds that of `packet_ids[i]` up to `ends[i]`. */
export interface PackedMarks {
  readonly session: string
  readonly packet_ids: Uint32Array
  readonly hashes: Uint8Array
  readonly ends: Uint32Array
}

/** For the way to the worker: a thousand small objects take longer to post than to make durable. */
export function packMarks(marks: Marks): readonly PackedMarks[] {
  return [...Map.groupBy(marks, ({ session }) => session)].map(([session, own]) => {
    const ends = new Uint32Array(own.length)
    let end = 0
    for (const [i, { hash }] of own.entries()) {
      end += hash.length
      ends[i] = end
    }
    const hashes = new Uint8Array(end)
    for (const [i, { hash }] of own.entries()) hashes.set(hash, ends[i]! - hash.length)
    return { session, packet_ids: Uint32Array.from(own, ({ packet_id }) => packet_id), hashes, ends }
  })
}

/** The marks again, by session and in their order. */
export function unpackMarks(packed: readonly PackedMarks[]): Marks {
  return packed.flatMap(({ session, packet_ids, hashes, ends }) =>
    Array.from(packet_ids, (packet_id, i) => ({
      session,
      packet_id,
      hash: hashes.subarray(i === 0 ? 0 : ends[i - 1], ends[i]),
    })),
  )
}
