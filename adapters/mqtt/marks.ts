import { hash } from 'node:crypto'
import type { Marks } from '../source.ts'

type Mark = Marks['seen'][number]

/** Packet ids are two bytes (MQTT 5.0 §2.2.1). */
const PACKET_IDS = 65_536
/** Bytes of a hash. */
const SIZE = 16

/**
 * The marks that are durable: the hash of each packet id in its place, zeros where there is none. A broker uses every id
 * in time, so this is what the marks come to: a megabyte, kept from one connection to the next, and not 65,535 rows that
 * each connection reads again.
 * @param next the next marks behind a packet id, none where there are no more
 */
export async function readMarks(next: (after: number) => Promise<readonly Mark[]>): Promise<Buffer> {
  const durable = Buffer.alloc(PACKET_IDS * SIZE)
  for (let marks = await next(0); marks.length > 0; marks = await next(marks.at(-1)!.packet_id))
    for (const { packet_id, hash } of marks) durable.set(hash, packet_id * SIZE)
  return durable
}

/**
 * Which QoS 1 messages of the session at the broker are stored already (DESIGN §8). A mark stays until its packet id
 * arrives again without DUP or with another content, because an acknowledgement may be lost on its way.
 */
export interface MarkTable {
  /** The broker lost the session: nothing of it is ever redelivered. */
  clear(): void
  /** The mark of a message that is new, or undefined for the redelivery of one that is marked. */
  mark(message: {
    readonly packet_id: number
    readonly dup: boolean
    readonly topic: string
    readonly payload: Uint8Array
  }): Mark | undefined
  /** These are durable: the next connection knows them too. */
  committed(marks: readonly Mark[]): void
  /** true: a message of this content is marked, whatever its packet id */
  has(hash: Buffer): boolean
}

/**
 * The marks of one connection. What it gave and was not committed ends with it: nothing of that is stored, so the
 * redelivery must be taken for new.
 * @param durable from `readMarks`; the same for all connections to a session
 */
export function makeMarkTable(durable: Buffer): MarkTable {
  const fresh = new Map<number, Uint8Array>()
  return {
    clear() {
      fresh.clear()
      durable.fill(0)
    },
    mark({ packet_id, dup, topic, payload }) {
      const content = contentHash(topic, payload)
      const at = packet_id * SIZE
      if (dup && content.equals(fresh.get(packet_id) ?? durable.subarray(at, at + SIZE))) return undefined
      fresh.set(packet_id, content)
      return { packet_id, hash: content }
    },
    committed(marks) {
      for (const { packet_id, hash } of marks) {
        durable.set(hash, packet_id * SIZE)
        if (fresh.get(packet_id) === hash) fresh.delete(packet_id)
      }
    },
    has: (hash) => durable.includes(hash) || fresh.values().some((marked) => hash.equals(marked)),
  }
}

/** Where the bytes of one message stand together for hashing; a call never outlives it. */
let scratch = Buffer.allocUnsafe(4_096)

/** First 128 bits of SHA-256(topic ‖ 0 ‖ payload); a topic never contains the zero byte (MQTT 5.0 §4.7.3). */
export function contentHash(topic: string, payload: Uint8Array): Buffer {
  const most = 3 * topic.length + 1 + payload.length
  if (scratch.length < most) scratch = Buffer.allocUnsafe(2 * most)
  const end = scratch.write(topic)
  scratch[end] = 0
  scratch.set(payload, end + 1)
  return hash('sha256', scratch.subarray(0, end + 1 + payload.length), 'buffer').subarray(0, SIZE)
}
