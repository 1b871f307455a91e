/** Levels that a document may have. */
export const MOST_LEVELS = 64

/** What a path can not reach and no type takes. */
const OPAQUE = Symbol('neither text nor number')

/**
 * A document as JSON would have it, for what CBOR and MessagePack can say beyond: numbers as names become text, times ISO
 * 8601, undefined null, numeric arrays lists. Objects have no prototype, so a name is never more than a name.
 * @throws RangeError for a document that is nested too deeply
 */
export function toPlain(value: unknown, levels = MOST_LEVELS): unknown {
  if (typeof value !== 'object' || value === null) {
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
    return value === undefined ? null : typeof value === 'symbol' || typeof value === 'function' ? OPAQUE : value
  }
  if (levels === 0) throw new RangeError('nested too deeply')
  if (Array.isArray(value)) return value.map((item) => toPlain(item, levels - 1))
  if (value instanceof Date) return Number.isFinite(value.getTime()) ? value.toISOString() : OPAQUE
  if (value instanceof Uint8Array) return OPAQUE
  const entries = value instanceof Map ? value.entries() : isBare(value) ? Object.entries(value) : undefined
  // A CBOR tag without a meaning here is looked through.
  if (!entries) return 'contents' in value ? toPlain(value.contents, levels - 1) : OPAQUE
  const plain: Record<string, unknown> = Object.create(null)
  for (const [name, inner] of entries)
    if (['string', 'number', 'bigint'].includes(typeof name)) plain[String(name)] = toPlain(inner, levels - 1)
  return plain
}

function isBare(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
