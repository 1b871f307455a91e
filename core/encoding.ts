import canonicalize from 'canonicalize'

/** RFC 4648 §7 base32 with the extended hex alphabet, without padding. Keeps byte order when sorted. */
export function base32hex(bytes: Uint8Array): string {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUV'
  let out = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += alphabet[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits > 0 ? out + alphabet[(held << (5 - bits)) & 31] : out
}

/** `n` as four bytes, big endian. */
export function u32be(n: number): Buffer {
  const b = Buffer.alloc(4)
  b.writeUInt32BE(n)
  return b
}

/** u32be(byte length) ‖ UTF-8 bytes, so that concatenated parts cannot run into each other. */
export function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  return Buffer.concat([u32be(bytes.length), bytes])
}

/** RFC 8785 canonical JSON. @throws TypeError for what JSON cannot say (undefined at the root, NaN, a bigint). */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('not a JSON value')
  return text
}
