import { crcHolds, withCrc } from '../../adapters/modbus/crc.ts'

/** A read as the device of the proof got it, and the one right answer to it. */
export interface Asked {
  /** unit id and PDU as they came in */
  readonly request: Buffer
  /** unit id and PDU of the right answer; its byte count is even */
  readonly right: Buffer
  /** Modbus/TCP */
  readonly transaction_id: number
}

/** Makes wrong frames, and puts frames on the wire, of one way to frame. */
export interface FrameMaker {
  /** the right answer, framed */
  right(asked: Asked): Buffer
  /** One frame, or run of bytes, that no client may take for an answer to anything that is open. */
  wrong(asked: Asked, earlier: readonly Asked[]): Buffer
  /** A frame after which nothing on this connection can be believed; empty where there is none. */
  desync(asked: Asked): Buffer
}

/** Unit ids of the proof are below this one. */
export const FOREIGN_UNIT = 100

export function pick<T>(random: () => number, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!
}

export function randomBytes(random: () => number, n: number): Buffer {
  return Buffer.from(Array.from({ length: n }, () => Math.floor(random() * 256)))
}

function changed(bytes: Buffer, at: number, to: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = to
  return copy
}

/** Unit id and PDU of answers that are right in all but one thing: unit, function code, byte count, length. */
function foreign(random: () => number, { right }: Asked): Buffer {
  const other = Math.floor(random() * 100)
  return pick(random, [
    () => changed(right, 0, FOREIGN_UNIT + other),
    () => changed(right, 1, 5 + other),
    // The byte count of no request: theirs are even.
    () => changed(right, 2, 251 + 2 * Math.floor(random() * 3)),
    () => Buffer.concat([changed(right, 2, right[2]! + 1), Buffer.of(other)]).subarray(0, right.length + 1),
    () => Buffer.from([FOREIGN_UNIT + other, right[1]! | 0x80, 1 + (other % 11)]),
    () => Buffer.from([right[0]!, (5 + (other % 90)) | 0x80, 2]),
  ])()
}

/** Modbus/TCP: whatever has a foreign or used transaction id, or contradicts itself. */
export function makeTcpFrames(random: () => number): FrameMaker {
  const framed = (transaction_id: number, body: Buffer, length = body.length): Buffer => {
    const header = Buffer.alloc(6)
    header.writeUInt16BE(transaction_id, 0)
    header.writeUInt16BE(length, 4)
    return Buffer.concat([header, body])
  }
  return {
    right: ({ transaction_id, right }) => framed(transaction_id, right),
    wrong(asked, earlier) {
      const { transaction_id, right } = asked
      // Up to 4 requests are open, and their transaction ids follow each other.
      const apart = (transaction_id + 100 + Math.floor(random() * 60_000)) & 0xffff
      return pick(random, [
        () => framed(transaction_id, foreign(random, asked)),
        () => framed(apart, right),
        () => framed(apart, randomBytes(random, 2 + Math.floor(random() * 250))),
        () => framed(transaction_id, right.subarray(0, 3 + Math.floor(random() * (right.length - 3)))),
        () => framed(transaction_id, Buffer.concat([right, randomBytes(random, 1 + Math.floor(random() * 4))])),
        () => {
          const again = earlier.length > 0 ? pick(random, earlier) : undefined
          return again ? framed(again.transaction_id, again.right) : framed(apart, right)
        },
        () => framed(apart, asked.request),
      ])()
    },
    desync: ({ transaction_id, right }) =>
      pick(random, [
        () => changed(framed(transaction_id, right), 2 + Math.floor(random() * 2), 1 + Math.floor(random() * 255)),
        () => framed(transaction_id, right, pick(random, [0, 1, 255, 256, 0xffff])),
        () => framed((transaction_id + 1_000) & 0xffff, right, 20 + Math.floor(random() * 230)),
        () => randomBytes(random, 8 + Math.floor(random() * 60)),
      ])(),
  }
}

/** RTU: what has another unit, function or byte count, or a wrong CRC. */
export function makeRtuFrames(random: () => number): FrameMaker {
  function broken(body: Buffer): Buffer {
    const frame = withCrc(body)
    do frame[Math.floor(random() * frame.length)]! ^= 1 + Math.floor(random() * 255)
    while (crcHolds(frame))
    return frame
  }
  return {
    right: ({ right }) => withCrc(right),
    wrong: (asked) =>
      pick(random, [
        () => broken(asked.right),
        () => broken(asked.right),
        () => withCrc(foreign(random, asked)),
        () => broken(foreign(random, asked)),
        () => withCrc(asked.right).subarray(0, 1 + Math.floor(random() * (asked.right.length + 1))),
        () => randomBytes(random, 1 + Math.floor(random() * 40)),
        () => Buffer.of(asked.right[0]!, asked.right[1]!, asked.right[2]!),
      ])(),
    // A line always comes back to its senses.
    desync: () => Buffer.alloc(0),
  }
}

/**
 * Whether RTU bytes before the right answer happen to hold a frame that is right by all that the protocol says: by chance
 * a CRC of 16 bits fits, or two broken frames make a whole one. No master could tell, so the proof does not send them.
 */
export function holdsAnswer(bytes: Buffer, before: number, right: Buffer): boolean {
  for (let at = 0; at < before; at++) {
    if (bytes[at] !== right[0]) continue
    const code = bytes[at + 1]
    if (code === right[1] && bytes[at + 2] === right[2] && crcHolds(bytes.subarray(at, at + right.length + 2)))
      return true
    if (code === (right[1]! | 0x80) && crcHolds(bytes.subarray(at, at + 5))) return true
  }
  return false
}
