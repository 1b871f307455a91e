/** Writes unsigned bytes, varints and text one after the other; grows by doubling. */
export interface ByteWriter {
  byte(v: number): void
  /** LEB128; whole numbers from 0 to 2^53 - 1 */
  varint(v: number): void
  /** whole numbers of either sign, |v| < 2^52, the small ones short */
  signed(v: number): void
  float32(v: number): void
  float64(v: number): void
  bytes(v: Uint8Array): void
  taken(): Buffer
}

export function makeByteWriter(capacity = 256): ByteWriter {
  let buf = Buffer.allocUnsafe(capacity)
  let at = 0

  function room(n: number): void {
    if (at + n <= buf.length) return
    const wider = Buffer.allocUnsafe(Math.max(buf.length * 2, at + n))
    buf.copy(wider, 0, 0, at)
    buf = wider
  }
  function varint(v: number): void {
    room(8)
    while (v > 0x7fff_ffff) {
      buf[at++] = (v % 128) | 128
      v = Math.floor(v / 128)
    }
    while (v > 127) {
      buf[at++] = (v & 127) | 128
      v >>>= 7
    }
    buf[at++] = v
  }

  return {
    byte(v) {
      room(1)
      buf[at++] = v
    },
    varint,
    signed: (v) => varint(v < 0 ? -2 * v - 1 : 2 * v),
    float32(v) {
      room(4)
      at = buf.writeFloatLE(v, at)
    },
    float64(v) {
      room(8)
      at = buf.writeDoubleLE(v, at)
    },
    bytes(v) {
      room(v.length)
      buf.set(v, at)
      at += v.length
    },
    taken: () => buf.subarray(0, at),
  }
}

/** Reads what a ByteWriter wrote. Every method @throws RangeError past the end. */
export interface ByteReader {
  byte(): number
  varint(): number
  signed(): number
  float32(): number
  float64(): number
  bytes(n: number): Uint8Array
}

export function makeByteReader(buf: Buffer): ByteReader {
  let at = 0
  function byte(): number {
    if (at >= buf.length) throw new RangeError('the chunk ends too early')
    return buf[at++]!
  }
  function varint(): number {
    // Most are of one to four bytes; in whole numbers of 31 bits no result is a heap object.
    let v = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const b = byte()
      v |= (b & 127) << shift
      if (b < 128) return v
    }
    return longVarint(v, 2 ** 28)
  }
  function longVarint(low: number, from: number): number {
    let v = low
    for (let unit = from; ; unit *= 128) {
      const b = byte()
      v += (b & 127) * unit
      if (b < 128) return v
      if (unit > 2 ** 49) throw new RangeError('a number in the chunk is too long')
    }
  }
  function skip(n: number): number {
    if (at + n > buf.length) throw new RangeError('the chunk ends too early')
    at += n
    return at - n
  }

  return {
    byte,
    varint,
    signed() {
      const v = varint()
      if (v < 2 ** 28) return (v >>> 1) ^ -(v & 1)
      return v % 2 === 1 ? -(v + 1) / 2 : v / 2
    },
    float32: () => buf.readFloatLE(skip(4)),
    float64: () => buf.readDoubleLE(skip(8)),
    bytes(n) {
      const from = skip(n)
      return buf.subarray(from, from + n)
    },
  }
}
