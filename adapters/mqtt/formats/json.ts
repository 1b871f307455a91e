import type { Parsed } from './format.ts'
import { jsonErrorAt } from './json-error.ts'
import { firstNotUtf8 } from './utf8.ts'

/** The decoder takes a byte order mark away; no other character at the start of JSON begins with its first byte. */
const BOM = 3

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The JSON document (RFC 8259) in a payload.
 * @param exact keeps whole numbers beyond 2^53 as bigint
 */
export function parseJson(payload: Uint8Array, exact: boolean): Parsed<unknown> {
  let text: string
  try {
    text = utf8.decode(payload)
  } catch {
    return { reason: 'malformed', detail: 'not UTF-8', byte: firstNotUtf8(payload) }
  }
  try {
    // A reviver makes parsing several times slower, so it is used only where a number is long enough to need it.
    return { document: exact && /\d{16}/.test(text) ? JSON.parse(text, keepExact) : JSON.parse(text) }
  } catch {
    // The message of the error quotes the payload.
    const at = jsonErrorAt(text) ?? text.length
    return {
      reason: 'malformed',
      detail: at >= text.length ? 'the JSON ends too early' : 'not JSON',
      byte: Buffer.byteLength(text.slice(0, at)) + (payload[0] === 0xef ? BOM : 0),
    }
  }
}

function keepExact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source
  return typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
    ? BigInt(source)
    : value
}
