import { decode } from 'cbor2/decoder'
import type { Parsed } from './format.ts'
import { MOST_LEVELS, toPlain } from './plain.ts'

/**
 * Tags whose meaning is a number or text (RFC 8949 §3.4): a time as text (0) or Unix seconds (1) stays what it is written
 * as, big numbers (2, 3) become whole ones, decimal fractions (4) numbers.
 */
const TAGS = new Map<number, (tag: { readonly contents: unknown }) => unknown>([
  [0, ({ contents }) => contents],
  [1, ({ contents }) => contents],
  [2, ({ contents }) => bigNumber(contents)],
  [3, ({ contents }) => negative(bigNumber(contents))],
  [4, ({ contents }) => decimalFraction(contents)],
])

/** The CBOR document (RFC 8949) in a payload, all of it. Tags without a meaning here are looked through. */
export function parseCbor(payload: Uint8Array): Parsed<unknown> {
  try {
    const document = decode(payload, {
      maxDepth: MOST_LEVELS,
      ignoreGlobalTags: true,
      tags: TAGS,
      // Names that are numbers are common on small devices; a Map keeps every name from meaning something.
      preferMap: true,
    })
    return { document: toPlain(document) }
  } catch (error) {
    return { reason: 'malformed', detail: faultOf(error as Error) }
  }
}

/** Messages of the library may quote the payload. */
function faultOf(error: Error): string {
  if (/^Maximum depth|^nested too deeply/.test(error.message)) return 'CBOR nested too deeply'
  if (error.message === 'Extra data in input') return 'more than one CBOR item'
  return error instanceof RangeError ? 'the CBOR ends too early' : 'not CBOR'
}

function bigNumber(contents: unknown): unknown {
  if (!(contents instanceof Uint8Array) || contents.length > 64) return contents
  return contents.length === 0 ? 0n : BigInt(`0x${Buffer.from(contents).toString('hex')}`)
}

function negative(n: unknown): unknown {
  return typeof n === 'bigint' ? -1n - n : n
}

/** [exponent, mantissa] of ten. */
function decimalFraction(contents: unknown): unknown {
  const [exponent, mantissa] = Array.isArray(contents) ? contents : []
  const isWhole = (x: unknown): boolean => typeof x === 'bigint' || Number.isInteger(x)
  return typeof exponent === 'number' && isWhole(exponent) && isWhole(mantissa)
    ? Number(`${mantissa}e${exponent}`)
    : contents
}
