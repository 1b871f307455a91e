export const QUALITIES = ['good', 'uncertain', 'bad'] as const
/** OPC-style quality: `good` is used, `uncertain` is used and marked, `bad` carries no usable value. */
export type Quality = (typeof QUALITIES)[number]

/**
 * Quality and reason of a reading as one byte: the index in this table.
 * The byte is stored in chunks, so rows are only ever appended.
 */
export const QUALITY_CODES = [
  { quality: 'good', reason: '' },
  { quality: 'uncertain', reason: 'clock' }, // time is from a clock that was not sane, or lies in the future
  { quality: 'uncertain', reason: 'reported' }, // the source itself marked the value
  { quality: 'uncertain', reason: 'retained' }, // MQTT retained message: old by an unknown amount
  { quality: 'bad', reason: 'reported' }, // the source itself marked the value as bad
  { quality: 'bad', reason: 'not_a_number' }, // NaN or an infinity
  { quality: 'bad', reason: 'sentinel' }, // a raw value that the device uses for "no value"
  { quality: 'bad', reason: 'type' }, // the payload's value is not of the signal's type
  { quality: 'bad', reason: 'encoding' }, // text bytes that are not valid in the stated encoding
  { quality: 'bad', reason: 'illegal_function' }, // Modbus exception 1
  { quality: 'bad', reason: 'illegal_address' }, // Modbus exception 2
  { quality: 'bad', reason: 'illegal_value' }, // Modbus exception 3
  { quality: 'bad', reason: 'device_failure' }, // Modbus exception 4
  { quality: 'bad', reason: 'device_busy' }, // Modbus exceptions 5 and 6
  { quality: 'bad', reason: 'gateway_path' }, // Modbus exception 10
  { quality: 'bad', reason: 'gateway_target' }, // Modbus exception 11
  { quality: 'bad', reason: 'exception' }, // any other Modbus exception
  { quality: 'bad', reason: 'label' }, // a whole number that none of the signal's labels names
  { quality: 'bad', reason: 'digits' }, // decimal digits (BCD and the like) that are none
  { quality: 'bad', reason: 'time' }, // a time outside the years 1970 to 9999
  { quality: 'uncertain', reason: 'sequence' }, // messages were lost before it, which may have changed what it means
  { quality: 'bad', reason: 'offline' }, // the sender's death certificate: it is gone until its next birth
] as const satisfies readonly { readonly quality: Quality; readonly reason: string }[]

export type QualityReason = Exclude<(typeof QUALITY_CODES)[number]['reason'], ''>

export const GOOD = 0

/** The byte for a quality and reason. @throws RangeError for a pair that is not in the table (a bug). */
export function qualityCode(quality: Exclude<Quality, 'good'>, reason: QualityReason): number {
  const code = QUALITY_CODES.findIndex((q) => q.quality === quality && q.reason === reason)
  if (code < 0) throw new RangeError(`no quality code for ${quality}/${reason}`)
  return code
}

/** The row for a stored byte; a byte of a newer version reads as `bad` without a reason. */
export function qualityOf(code: number): { readonly quality: Quality; readonly reason: string } {
  return QUALITY_CODES[code] ?? { quality: 'bad', reason: '' }
}
