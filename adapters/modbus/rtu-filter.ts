import { isBitTable } from './address.ts'
import { crcHolds, withCrc } from './crc.ts'
import {
  type AnswerShape,
  EXCEPTION,
  type FrameFilter,
  HEADER,
  type OpenTransaction,
  readRequestOf,
  sameShape,
  shapeOf,
} from './frame.ts'
import type { ReadRequest } from './library.ts'

/** Unit id, function code, exception code, CRC. */
const EXCEPTION_LENGTH = 5
/** Unit id, function code, byte count, CRC. */
const FRAME_LENGTH = 5
/** So many answers without the own request before them, and the adapter is one that does not echo. */
const PLAIN = 3

/** A request that nobody waits for any more and that was not answered. */
interface Owed extends AnswerShape {
  /** from then on it counts as lost */
  readonly until: number
}

/**
 * Makes a filter for one RTU line. Frames carry no transaction id, so one request is open at a time and an answer must
 * have its unit id, function code and byte count and a right CRC. Bytes that are none of that are passed over one by one,
 * so that an answer behind noise is found. What came before the request was sent is not its answer. The own request,
 * which some two-wire adapters send back, is passed over: it can look like an answer, CRC included.
 *
 * A request that was given up may be answered for `late` ms more; what could be that answer is dropped.
 * `now` is a monotonic clock in real ms.
 */
export function makeRtuFilter(late: number, now: () => number): FrameFilter {
  let open: OpenTransaction | undefined
  /** oldest first */
  let owed: Owed[] = []
  let held: Buffer = Buffer.alloc(0)
  let dropped = 0
  let plain = 0
  let echoed = false

  /** The oldest unanswered request whose answer would look like this one's. */
  function older(shape: AnswerShape): Owed | undefined {
    if (owed.length > 0) {
      const at = now()
      owed = owed.filter((o) => o.until > at)
    }
    return owed.find((o) => sameShape(o, shape))
  }

  /** A unit answers in order: what it owes from before this one will not come any more. */
  function heard(one: Owed): void {
    const last = owed.indexOf(one)
    owed = owed.filter((o, i) => o.unit_id !== one.unit_id || i > last)
  }

  /** Any exception could be to any request of that unit and function code. */
  function mayBeOlder(frame: Buffer, shape: AnswerShape): Owed | undefined {
    if (frame[1] === shape.function_code) return older(shape)
    return owed.find((o) => o.unit_id === shape.unit_id && o.function_code === shape.function_code)
  }

  /** Length of the echo at `at`, 0 where there is none, undefined where more bytes must tell. */
  function echo(at: number): number | undefined {
    if (!open || echoed || plain >= PLAIN) return 0
    const seen = held.subarray(at, at + open.frame.length)
    if (!seen.equals(open.frame.subarray(0, seen.length))) return 0
    return seen.length === open.frame.length ? seen.length : undefined
  }

  /** Length of the answer of this shape at `at`, 0 where there is none, undefined where more bytes must tell. */
  function answer(at: number, shape: AnswerShape): number | undefined {
    if (held[at] !== shape.unit_id) return 0
    if (at + 1 === held.length) return undefined
    const exception = held[at + 1] === (shape.function_code | EXCEPTION)
    if (!exception && held[at + 1] !== shape.function_code) return 0
    if (!exception && at + 2 < held.length && held[at + 2] !== shape.byte_count) return 0
    const length = exception ? EXCEPTION_LENGTH : FRAME_LENGTH + shape.byte_count
    if (at + length > held.length) return undefined
    return crcHolds(held.subarray(at, at + length)) ? length : 0
  }

  /** The first place that means something, and what: nothing inside what may yet become a frame is believed. */
  function next(): { readonly at: number; readonly end: number; readonly shape?: AnswerShape } | undefined {
    const shapes = open ? [open, ...owed] : owed
    for (let at = 0; at < held.length; at++) {
      const own = echo(at)
      if (own === undefined) return { at, end: at }
      if (own > 0) return { at, end: at + own }
      const lengths = shapes.map((shape) => answer(at, shape))
      const i = lengths.findIndex((length) => length !== 0)
      if (i < 0) continue
      const whole = lengths.findIndex((length) => length !== undefined && length > 0)
      if (whole >= 0) return { at, end: at + lengths[whole]!, shape: shapes[whole]! }
      return { at, end: at }
    }
    return undefined
  }

  function toLibrary(frame: Buffer, t: OpenTransaction): Buffer {
    const pdu = frame.subarray(0, -2)
    const framed = Buffer.alloc(HEADER + pdu.length)
    framed.writeUInt16BE(t.library_id, 0)
    framed.writeUInt16BE(pdu.length, 4)
    framed.set(pdu, HEADER)
    return framed
  }

  return {
    outgoing(bytes) {
      const asked = Buffer.from(bytes)
      const request = readRequestOf(asked)
      if (open) throw new RangeError('an RTU line carries one request at a time')
      if (held.length > 0) dropped++
      held = Buffer.alloc(0)
      echoed = false
      open = { ...request, frame: withCrc(asked.subarray(HEADER)) }
      return open
    },

    incoming(chunk) {
      const passed: Buffer[] = []
      held = Buffer.concat([held, chunk])
      for (let found = next(); ; found = next()) {
        if (found === undefined) {
          // No frame begins anywhere in it.
          if (held.length > 0) dropped++
          held = Buffer.alloc(0)
          break
        }
        const { at, end, shape } = found
        if (at > 0) dropped++
        const frame = held.subarray(at, end)
        held = held.subarray(end)
        if (end === at) break
        if (shape === undefined) {
          echoed = true
          plain = 0
          continue
        }
        const old = mayBeOlder(frame, shape)
        if (old) heard(old)
        if (old || !open || !sameShape(shape, open)) {
          dropped++
          continue
        }
        if (at === 0 && !echoed) plain++
        passed.push(toLibrary(frame, open))
        const { unit_id } = open
        owed = owed.filter((o) => o.unit_id !== unit_id)
        open = undefined
      }
      return passed
    },

    close(transaction) {
      if (open !== transaction) return
      const { unit_id, function_code, byte_count } = transaction
      owed.push({ unit_id, function_code, byte_count, until: now() + late })
      open = undefined
    },
    before(request) {
      const shape = shapeOf(request)
      const old = older(shape)
      if (!old) return undefined
      const quantity = shorterReads(request).find((quantity) => !older(shapeOf({ ...request, quantity })))
      return quantity === undefined ? { kind: 'wait', ms: old.until - now() } : { kind: 'read', quantity }
    },
    get dropped() {
      return dropped
    },
  }
}

/** Quantities that answers of fewer bytes belong to, shortest first. */
function shorterReads({ table, quantity }: ReadRequest): number[] {
  const step = isBitTable(table) ? 8 : 1
  return Array.from({ length: Math.ceil(quantity / step) - 1 }, (_, i) => i * step + 1)
}
