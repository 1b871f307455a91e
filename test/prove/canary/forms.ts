import { createHash } from 'node:crypto'

/** Something that must stay inside: a text, or a raw value. */
export interface Canary {
  /** what it is, for the report */
  readonly what: string
  readonly text: string
  /** of a raw value: also sought as a double, and as a cell */
  readonly value?: number
}

/** One way in which a canary could leave. */
export interface Form {
  readonly name: string
  readonly bytes: Buffer
}

const HASHES = ['md5', 'sha1', 'sha256'] as const

/**
 * All forms of a canary: plain, other case, UTF-16, reversed, hexadecimal, base64 and base64url wherever in a longer text it
 * begins, and each digest as bytes, hexadecimal and base64. None is shorter than eight bytes, so that none is met by chance.
 */
export function formsOf({ text, value }: Canary): readonly Form[] {
  const plain = Buffer.from(text, 'utf8')
  const forms: Form[] = [
    ...encodings('plain', plain),
    { name: 'upper', bytes: Buffer.from(text.toUpperCase()) },
    { name: 'lower', bytes: Buffer.from(text.toLowerCase()) },
    { name: 'utf16', bytes: Buffer.from(text, 'utf16le') },
    ...encodings('reversed', Buffer.from([...text].reverse().join(''), 'utf8')),
    ...HASHES.flatMap((hash) => {
      const digest = createHash(hash).update(plain).digest()
      return [{ name: hash, bytes: digest }, ...hexes(hash, digest), ...base64s(hash, digest, [0])]
    }),
  ]
  if (value !== undefined) {
    const double = doubles([value])
    forms.push({ name: 'double', bytes: double }, { name: 'double, big endian', bytes: Buffer.from(double).reverse() })
    if (Math.fround(value) !== value) forms.push({ name: 'rounded to a single', bytes: doubles([Math.fround(value)]) })
  }
  const short = forms.find(({ bytes }) => bytes.length < 8)
  if (short) throw new Error(`${text} is too short for a canary: its form ${short.name} would be found by chance`)
  return forms
}

/** Numbers as doubles, little endian, one after the other. */
export function doubles(values: readonly number[]): Buffer {
  return Buffer.from(Float64Array.from(values).buffer)
}

function encodings(name: string, bytes: Buffer): readonly Form[] {
  return [{ name, bytes }, ...hexes(name, bytes), ...base64s(name, bytes, [0, 1, 2])]
}

function hexes(name: string, bytes: Buffer): readonly Form[] {
  const hex = bytes.toString('hex')
  return [
    { name: `${name} hex`, bytes: Buffer.from(hex) },
    { name: `${name} HEX`, bytes: Buffer.from(hex.toUpperCase()) },
  ]
}

/** The characters of base64 that depend on these bytes alone, where they begin `offsets` bytes into a group of three. */
function base64s(name: string, bytes: Buffer, offsets: readonly number[]): readonly Form[] {
  return offsets.flatMap((offset) => {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes])
    const bits = 8 * padded.length
    const sure = padded.toString('base64').slice(Math.ceil((8 * offset) / 6), Math.floor(bits / 6))
    const url = sure.replaceAll('+', '-').replaceAll('/', '_')
    return [
      { name: `${name} base64+${offset}`, bytes: Buffer.from(sure) },
      ...(url === sure ? [] : [{ name: `${name} base64url+${offset}`, bytes: Buffer.from(url) }]),
    ]
  })
}
