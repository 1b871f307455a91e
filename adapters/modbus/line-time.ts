/** How frames travel. */
export const TRANSPORTS = ['tcp', 'rtu', 'rtu_over_tcp', 'tls'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** What reading costs on a connection, in real milliseconds. */
export interface LineTime {
  /** of a request whatever it reads: characters of both frames but the data, silences, turnaround */
  readonly request_ms: number
  /** of each register on top; a bit takes a sixteenth */
  readonly register_ms: number
}

/** Bits of a character: start, 8 data, parity, stop; without parity a second stop (Modbus over Serial Line V1.02 §2.5.1). */
const CHARACTER_BITS = 11
/** Unit id, function code, address, quantity, CRC. */
const REQUEST_CHARACTERS = 8
/** Unit id, function code, byte count, CRC. */
const ANSWER_CHARACTERS = 5
const REGISTER_CHARACTERS = 2
/** From the end of a request to the start of its answer: assumed, devices take from 1 to 50 ms. */
const SERIAL_TURNAROUND = 5
/** Round trip in a plant network with a PLC that answers between two of its cycles: assumed, 1 to 20 ms. */
const NETWORK_TURNAROUND = 5
/** Copying a register in the device and the agent; the wire takes far less. */
const NETWORK_REGISTER = 0.01

/** Milliseconds that one character takes on a serial line. */
export function characterTime(baud_rate: number, bits: number = CHARACTER_BITS): number {
  return (bits * 1000) / baud_rate
}

/**
 * The silence before a frame: 3.5 characters, 1.75 ms above 19200 baud, since a machine cannot keep shorter ones
 * (Modbus over Serial Line V1.02 §2.5.1.1). Milliseconds.
 */
export function frameSilence(baud_rate: number, bits: number = CHARACTER_BITS): number {
  return baud_rate > 19_200 ? 1.75 : 3.5 * characterTime(baud_rate, bits)
}

/**
 * The default cost of reading, before anything was measured. `baud_rate` is that of the serial line; behind an RTU over
 * TCP device server it is the line beyond it. TCP and TLS do not look at it. Pure.
 */
export function lineTime(transport: Transport, baud_rate: number, bits: number = CHARACTER_BITS): LineTime {
  const network = { request_ms: NETWORK_TURNAROUND, register_ms: NETWORK_REGISTER }
  if (transport === 'tcp' || transport === 'tls') return network
  const character = characterTime(baud_rate, bits)
  const frames = (REQUEST_CHARACTERS + ANSWER_CHARACTERS) * character + 2 * frameSilence(baud_rate, bits)
  const serial = { request_ms: frames + SERIAL_TURNAROUND, register_ms: REGISTER_CHARACTERS * character }
  if (transport === 'rtu') return serial
  return { ...serial, request_ms: serial.request_ms + NETWORK_TURNAROUND }
}
