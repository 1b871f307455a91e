import { functionCode, isBitTable } from './address.ts'
import type { ReadRequest } from './library.ts'

/** What an answer to a read looks like on every transport. */
export interface AnswerShape {
  readonly unit_id: number
  readonly function_code: number
  /** data bytes of a good answer */
  readonly byte_count: number
}

/** A request on its way. */
export interface OpenTransaction extends AnswerShape {
  /** as it goes on the wire */
  readonly frame: Buffer
  /** the library's transaction id */
  readonly library_id: number
  /** unit id of an answer that was right but for it, and was dropped */
  answered_by?: number
}

/**
 * Stands between the Modbus library and the wire, in both directions, and believes neither. Outgoing, only whole read
 * requests pass (function codes 1–4); incoming, only what answers an open one. The library speaks Modbus/TCP.
 */
export interface FrameFilter<T extends OpenTransaction = OpenTransaction> {
  /**
   * The frame to put on the wire for a frame of the library.
   * @throws RangeError for anything but a whole read request; nothing may be sent then.
   */
  outgoing(frame: Uint8Array): T
  /**
   * The frames, as the library knows them, that these bytes complete.
   * @throws RangeError where nothing after these bytes can be believed.
   */
  incoming(chunk: Uint8Array): Buffer[]
  /** Ends a transaction that nobody waits for any more: its answer, if it still comes, is dropped. */
  close(transaction: T): void
  /** What must come before this request, because the answer to an older one could pass for the answer to it. */
  before(request: ReadRequest): Precaution | undefined
  /** frames, or runs of bytes, that answered no open transaction */
  readonly dropped: number
}

/** What keeps the answers to two requests apart. */
export type Precaution =
  /** Read so many at the same address: units answer in order, so nothing older comes after the answer. */
  | { readonly kind: 'read'; readonly quantity: number }
  /** No read would tell: leave the unit alone for so many ms, then the older request counts as lost. */
  | { readonly kind: 'wait'; readonly ms: number }

/** Set in the function code of an answer that is an exception (Modbus Application Protocol V1.1b3 §7). */
export const EXCEPTION = 0x80
/** Modbus/TCP: transaction id, protocol 0, length. */
export const HEADER = 6
const REQUEST = 12

/** What a frame of the library asks for. @throws RangeError for anything but a whole read request */
export function readRequestOf(frame: Buffer): AnswerShape & { readonly library_id: number } {
  if (frame.length !== REQUEST || frame.readUInt32BE(2) !== REQUEST - HEADER) throw new RangeError('not a read request')
  const function_code = frame[7]!
  if (function_code < 1 || function_code > 4) throw new RangeError(`function code ${function_code} is not a read`)
  const quantity = frame.readUInt16BE(10)
  return {
    library_id: frame.readUInt16BE(0),
    unit_id: frame[6]!,
    function_code,
    byte_count: function_code <= 2 ? Math.ceil(quantity / 8) : quantity * 2,
  }
}

/** What the answer to a request will look like. */
export function shapeOf({ unit_id, table, quantity }: ReadRequest): AnswerShape {
  const byte_count = isBitTable(table) ? Math.ceil(quantity / 8) : quantity * 2
  return { unit_id, function_code: functionCode(table), byte_count }
}

export function sameShape(a: AnswerShape, b: AnswerShape): boolean {
  return a.unit_id === b.unit_id && a.function_code === b.function_code && a.byte_count === b.byte_count
}

/** What an operator is told of answers from another unit than the one that was asked. */
export function strangerText(asked: number, answered_by: number): string {
  return `unit id ${asked} was asked, answers came from unit id ${answered_by} and were dropped: check \`unit_id\``
}
