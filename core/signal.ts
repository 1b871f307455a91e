/** Types a signal's readings can have; 64-bit integers keep their exact value. */
export const VALUE_TYPES = [
  'bool',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float32',
  'float64',
  'string',
] as const
export type ValueType = (typeof VALUE_TYPES)[number]

/** A decoded value. bigint only where a 64-bit integer lies outside ±2^53. */
export type Value = number | bigint | boolean | string

/** How often readings of a signal are due; milliseconds. */
export type Cadence =
  | { readonly kind: 'periodic'; readonly every: number }
  | { readonly kind: 'on_change'; readonly heartbeat: number }
  | { readonly kind: 'event' }

/**
 * One measured quantity of an asset: a row of the signal dictionary.
 * A stored index stands for exactly this row for ever; any change makes a new index.
 */
export interface SignalSpec {
  /** `asset/name`, both NFC, from letters, digits, `_ . -` */
  readonly id: string
  readonly asset: string
  readonly name: string
  /** the configured source that feeds it; windows wait for it */
  readonly source: string
  readonly type: ValueType
  /** UCUM code; `1` for a bare number; absent for strings and booleans */
  readonly unit?: string
  /** value = raw × scale + offset, as decimal text, already applied to the readings */
  readonly scale?: string
  readonly offset?: string
  /** names of enumerated raw values */
  readonly labels?: Readonly<Record<string, string>>
  readonly cadence: Cadence
  /** `sender`: the times came with the readings; absent: they are of this machine's clock */
  readonly stamped_by?: 'sender'
}
