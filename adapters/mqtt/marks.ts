import { hash } from 'node:crypto'
import type { Marks } from '../source.ts'

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
  }): Marks['seen'][number] | undefined
  /** true: a message of this content is marked, whatever its packet id */
  has(hash: Buffer): boolean
}

/** @param stored what the store holds of the session */
export function makeMarkTable(stored: Marks['seen']): MarkTable {
  const hashes = new Map<number, Buffer>(stored.map((mark) => [mark.packet_id, Buffer.from(mark.hash)]))
  return {
    clear: () => hashes.clear(),
    mark({ packet_id, dup, topic, payload }) {
      const content = contentHash(topic, payload)
      if (dup && hashes.get(packet_id)?.equals(content)) return undefined
      hashes.set(packet_id, content)
      return { packet_id, hash: content }
    },
    has: (hash) => hashes.values().some((marked) => marked.equals(hash)),
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
  return hash('sha256', scratch.subarray(0, end + 1 + payload.length), 'buffer').subarray(0, 16)
}
