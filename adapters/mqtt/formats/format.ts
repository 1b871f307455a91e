import type { UnixMs } from '../../../core/brand.ts'
import type { RefusedReason } from '../../../core/ledger.ts'
import type { Decoded } from '../payload.ts'
import type { Origin } from '../session-steps.ts'
import type { SparkplugPart } from './sparkplug-part.ts'

/** What a PUBLISH says. */
export interface Message {
  readonly topic: string
  readonly payload: Uint8Array
  readonly retain: boolean
  /** the subscriptions that brought it (MQTT 5); none where that is not known */
  readonly origins: readonly Origin[]
  /** Sparkplug: what it says about the node or device of its topic */
  readonly part?: SparkplugPart
}

/** Why a message, or a part of it, could not be read. Says nothing of what it contains. */
export interface PayloadProblem {
  readonly reason: RefusedReason
  /** what is wrong, such as `not UTF-8` */
  readonly detail: string
  /** where: byte of the payload, from 0 */
  readonly byte?: number
  /** where: item of the message, from 0 */
  readonly item?: number
}

/** Takes what a reader finds. */
export interface Sink {
  /**
   * A value of the subscription's signal number `field`, in the order of the configuration. `at` undefined: stamped on
   * arrival. `late`: the sender stored it while it was cut off, so that it says nothing about what has come until now.
   */
  add(field: number, at: UnixMs | undefined, decoded: Decoded, late?: boolean): void
  /** Items that no signal names. */
  pass(items: number): void
}

/**
 * Reads the messages of one subscription. Never throws, whatever the payload; several readers may read one message, and
 * what they parse is parsed once.
 */
export interface PayloadReader {
  /** Gives to the sink what it finds, and the first problem where something could not be read. */
  read(message: Message, sink: Sink): PayloadProblem | undefined
}

/** What is in a payload, or why it cannot be read. */
export type Parsed<T> = { readonly document: T } | PayloadProblem

/** Remembers the last message, so that the readers of one message parse it once. */
export function once<T>(parse: (payload: Uint8Array) => Parsed<T>): (message: Message) => Parsed<T> {
  let last: Message | undefined
  let parsed: Parsed<T> | undefined
  return (message) => {
    if (parsed === undefined || message !== last) {
      parsed = parse(message.payload)
      last = message
    }
    return parsed
  }
}
