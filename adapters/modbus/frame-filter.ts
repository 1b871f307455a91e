/**
 * Stands between the Modbus library and the socket, in both directions, and believes neither. Outgoing, only read
 * requests pass (function codes 1–4), each under a transaction id of its own out of 65,536 (the library has 256 and
 * would take a late answer for a new one). Incoming, only what answers an open transaction passes: transaction id,
 * unit id, function code, length and byte count must all be right (Modbus Messaging on TCP/IP V1.0b §3.1.3).
 */
export interface FrameFilter {
  /**
   * The frame to put on the wire for a frame of the library.
   * @throws RangeError for anything but a whole read request; nothing may be sent then.
   */
  outgoing(frame: Uint8Array): OpenTransaction
  /**
   * The frames, under the library's transaction ids, that these bytes complete.
   * @throws RangeError where the stream is not Modbus/TCP: nothing after that can be believed.
   */
  incoming(chunk: Uint8Array): Buffer[]
  /** Ends a transaction that nobody waits for any more: its answer, if it still comes, is dropped. */
  close(transaction: OpenTransaction): void
  /** frames that answered no open transaction */
  readonly dropped: number
}

/** A request on its way. */
export interface OpenTransaction {
  /** as it goes on the wire */
  readonly frame: Buffer
  /** on the wire */
  readonly id: number
  /** the library's */
  readonly library_id: number
  readonly unit_id: number
  readonly function_code: number
  /** data bytes of a good answer */
  readonly byte_count: number
}

const HEADER = 6
const REQUEST = 12
/** Longest frame: unit id and a PDU of 253 bytes (Modbus Application Protocol V1.1b3 §4.1). */
const MAX_LENGTH = 254
const EXCEPTION = 0x80

/** Makes a filter for one connection; `firstId` is where transaction ids start. */
export function makeFrameFilter(firstId = 1): FrameFilter {
  const open = new Map<number, OpenTransaction>()
  let nextId = firstId & 0xffff
  let held: Buffer = Buffer.alloc(0)
  let dropped = 0

  function answers(frame: Buffer, t: OpenTransaction): boolean {
    if (frame[6] !== t.unit_id) return false
    if (frame[7] === (t.function_code | EXCEPTION)) return frame.length === HEADER + 3
    return frame[7] === t.function_code && frame[8] === t.byte_count && frame.length === HEADER + 3 + t.byte_count
  }

  return {
    outgoing(bytes) {
      const frame = Buffer.from(bytes)
      if (frame.length !== REQUEST || frame.readUInt32BE(2) !== REQUEST - HEADER)
        throw new RangeError('not a read request')
      const function_code = frame[7]!
      if (function_code < 1 || function_code > 4) throw new RangeError(`function code ${function_code} is not a read`)
      const quantity = frame.readUInt16BE(10)
      const transaction: OpenTransaction = {
        frame,
        id: nextId,
        library_id: frame.readUInt16BE(0),
        unit_id: frame[6]!,
        function_code,
        byte_count: function_code <= 2 ? Math.ceil(quantity / 8) : quantity * 2,
      }
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
        if (transaction && answers(frame, transaction)) {
          open.delete(transaction.id)
          frame.writeUInt16BE(transaction.library_id, 0)
          passed.push(frame)
        } else dropped++
      }
      held = rest
      return passed
    },

    close(transaction) {
      if (open.get(transaction.id) === transaction) open.delete(transaction.id)
    },
    get dropped() {
      return dropped
    },
  }
}
