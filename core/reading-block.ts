import { type UnixMs, unixMs } from './brand.ts'
import { GOOD } from './quality.ts'
import type { Value } from './signal.ts'

/** What a reading's value column entry means; stored in chunks, so only ever appended. */
export const FORMS = ['null', 'number', 'bool', 'text', 'bigint'] as const
export const FORM_NULL = 0
export const FORM_NUMBER = 1
export const FORM_BOOL = 2
export const FORM_TEXT = 3
export const FORM_BIGINT = 4

/**
 * Readings as columns; entry i of each column is reading i. Readings travel this way from the source to the windows,
 * never as an object a reading.
 */
export interface ReadingBlock {
  /** signal indexes: the source's own on the way to the store, the dictionary's from there on */
  readonly signals: Uint32Array
  /** UnixMs */
  readonly times: Float64Array
  /** number: the value; bool: 0 or 1; text and bigint: index into `texts`; null: 0. Told apart by `forms` */
  readonly values: Float64Array
  /** index into FORMS */
  readonly forms: Uint8Array
  /** index into QUALITY_CODES */
  readonly qualities: Uint8Array
  /** strings as they are, bigints in decimal */
  readonly texts: readonly string[]
  /** wall time at which the last of it arrived here */
  readonly arrival: UnixMs
  /** per asset: the source has nothing older than this still to come (UnixMs) */
  readonly complete_until: Readonly<Record<string, UnixMs>>
}

/** Value of reading i, or null. */
export function valueAt(block: ReadingBlock, i: number): Value | null {
  const v = block.values[i]!
  switch (block.forms[i]) {
    case FORM_NUMBER:
      return v
    case FORM_BOOL:
      return v !== 0
    case FORM_TEXT:
      return block.texts[v]!
    case FORM_BIGINT:
      return BigInt(block.texts[v]!)
    default:
      return null
  }
}

export interface BlockBuilder {
  readonly length: number
  /** A null value must come with a bad quality. */
  add(signal: number, at: number, value: Value | null, quality?: number): void
  /** Hands out what was added and starts anew. */
  take(arrival: UnixMs, completeUntil?: Readonly<Record<string, UnixMs>>): ReadingBlock
}

/** Collects readings into columns; grows by doubling from `capacity`. */
export function makeBlockBuilder(capacity = 64): BlockBuilder {
  let room = Math.max(1, capacity)
  let n = 0
  let signals = new Uint32Array(room)
  let times = new Float64Array(room)
  let values = new Float64Array(room)
  let forms = new Uint8Array(room)
  let qualities = new Uint8Array(room)
  let texts: string[] = []

  function grow(): void {
    room *= 2
    const wider = <A extends Uint32Array | Float64Array | Uint8Array>(next: A, old: A): A => {
      next.set(old)
      return next
    }
    signals = wider(new Uint32Array(room), signals)
    times = wider(new Float64Array(room), times)
    values = wider(new Float64Array(room), values)
    forms = wider(new Uint8Array(room), forms)
    qualities = wider(new Uint8Array(room), qualities)
  }

  return {
    get length() {
      return n
    },
    add(signal, at, value, quality = GOOD) {
      if (n === room) grow()
      signals[n] = signal
      times[n] = at
      qualities[n] = quality
      if (typeof value === 'number') {
        values[n] = value
        forms[n] = FORM_NUMBER
      } else if (typeof value === 'boolean') {
        values[n] = value ? 1 : 0
        forms[n] = FORM_BOOL
      } else if (value === null) {
        values[n] = 0
        forms[n] = FORM_NULL
      } else {
        values[n] = texts.push(String(value)) - 1
        forms[n] = typeof value === 'bigint' ? FORM_BIGINT : FORM_TEXT
      }
      n++
    },
    take(arrival, completeUntil = {}) {
      const block: ReadingBlock = {
        signals: signals.slice(0, n),
        times: times.slice(0, n),
        values: values.slice(0, n),
        forms: forms.slice(0, n),
        qualities: qualities.slice(0, n),
        texts,
        arrival: unixMs(arrival),
        complete_until: completeUntil,
      }
      n = 0
      texts = []
      return block
    },
  }
}
