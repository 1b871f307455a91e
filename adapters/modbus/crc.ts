/** CRC-16 of Modbus RTU (Modbus over Serial Line V1.02 §6.2.2); goes on the wire with its low byte first. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  }
  return crc
}

/** The bytes with their CRC behind them. */
export function withCrc(bytes: Uint8Array): Buffer {
  const frame = Buffer.alloc(bytes.length + 2)
  frame.set(bytes)
  frame.writeUInt16LE(crc16(bytes), bytes.length)
  return frame
}

/** The last two bytes are the CRC of those before them. */
export function crcHolds(frame: Buffer): boolean {
  return frame.length > 2 && crc16(frame.subarray(0, -2)) === frame.readUInt16LE(frame.length - 2)
}
