import { EXCEPTION, type FrameFilter, HEADER, type OpenTransaction, readRequestOf } from './frame.ts'

/** A request on its way over Modbus/TCP. */
export interface TcpTransaction extends OpenTransaction {
  /** on the wire */
  readonly id: number
}

/** Longest frame: unit id and a PDU of 253 bytes (Modbus Application Protocol V1.1b3 §4.1). */
const MAX_LENGTH = 254

/**
 * Makes a filter for one Modbus/TCP connection; `firstId` is where transaction ids start. Every request goes out under a
 * transaction id of its own out of 65,536 (the library has 256 and would take a late answer for a new one). Only what
 * answers an open transaction comes in: transaction id, unit id, function code, length and byte count must all be right
 * (Modbus Messaging on TCP/IP V1.0b §3.1.3).
 */
export function makeFrameFilter(firstId = 1): FrameFilter<TcpTransaction> {
  const open = new Map<number, TcpTransaction>()
  let nextId = firstId & 0xffff
  let held: Buffer = Buffer.alloc(0)
  let dropped = 0

  /** An answer to this transaction, whichever unit it is from. */
  function answers(frame: Buffer, t: TcpTransaction): boolean {
    if (frame[7] === (t.function_code | EXCEPTION)) return frame.length === HEADER + 3
    return frame[7] === t.function_code && frame[8] === t.byte_count && frame.length === HEADER + 3 + t.byte_count
  }

  return {
    outgoing(bytes) {
      const frame = Buffer.from(bytes)
      const transaction: TcpTransaction = { frame, id: nextId, ...readRequestOf(frame) }
      nextId = (nextId + 1) & 0xffff
      frame.writeUInt16BE(transaction.id, 0)
      // The library has forgotten whatever it used this id for before.
      for (const old of open.values()) if (old.library_id === transaction.library_id) open.delete(old.id)
      open.set(transaction.id, transaction)
      return transaction
    },

    incoming(chunk) {
      const passed: Buffer[] = []
      let rest = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk])
      while (rest.length >= HEADER) {
        const length = rest.readUInt16BE(4)
        if (rest.readUInt16BE(2) !== 0 || length < 2 || length > MAX_LENGTH)
          throw new RangeError('not a Modbus/TCP frame')
        if (rest.length < HEADER + length) break
        const frame = rest.subarray(0, HEADER + length)
        rest = rest.subarray(HEADER + length)
        const transaction = open.get(frame.readUInt16BE(0))
        const answered = transaction !== undefined && answers(frame, transaction)
        if (answered && frame[6] === transaction.unit_id) {
          open.delete(transaction.id)
          frame.writeUInt16BE(transaction.library_id, 0)
          passed.push(frame)
          continue
        }
        if (answered) transaction.answered_by = frame[6]!
        dropped++
      }
      held = rest
      return passed
    },

    close(transaction) {
      if (open.get(transaction.id) === transaction) open.delete(transaction.id)
    },
    // A transaction id tells every answer from every other.
    before: () => undefined,
    get dropped() {
      return dropped
    },
  }
}
