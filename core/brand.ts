declare const brand: unique symbol

/** A `T` that only the constructor which checked it hands out; costs nothing at run time. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Milliseconds since 1970-01-01T00:00:00Z, a finite number. */
export type UnixMs = Brand<number, 'UnixMs'>

/** @throws RangeError where `ms` is not finite. */
export function unixMs(ms: number): UnixMs {
  if (!Number.isFinite(ms)) throw new RangeError(`not a time: ${ms}`)
  return ms as UnixMs
}

/** Position of a reading in the raw log of one data folder: counts accepted readings from 0, never reused. */
export type RawSeq = Brand<number, 'RawSeq'>

/** @throws RangeError where `n` is not a whole number from 0 to 2^53 - 1. */
export function rawSeq(n: number): RawSeq {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`not a raw sequence: ${n}`)
  return n as RawSeq
}
