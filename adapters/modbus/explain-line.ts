import { formatDuration } from '../../core/option.ts'
import type { Candidate } from './explain.ts'
import { signalLine } from './profile-text.ts'
import type { ModbusSignalConfig } from './schema.ts'
import { rangeOf, rawBits, registersOf, type SignalType, valueTypeOf, WORD_TYPES } from './signal-type.ts'

/**
 * The YAML line of a signal as a candidate says it: its own options, but those that its new type cannot have. Pure.
 * @param inherited the byte order that the signal has without one of its own
 */
export function candidateLine(
  name: string,
  signal: ModbusSignalConfig,
  candidate: Candidate,
  inherited: string,
): string {
  const { type, registers, byte_orders, byte } = candidate
  const own = signal.type ?? 'uint16'
  const { holding, input, reference, unit, scale, offset, range, period, deadband } = signal
  const isNumber = !['bool', 'string'].includes(valueTypeOf(type)) && !type.startsWith('unix')
  const isWhole = rangeOf(type, registers) !== undefined
  const hasBits = (WORD_TYPES as readonly SignalType[]).includes(type)
  const sameBits = type !== 'string' && rawBits(type, registers) === rawBits(own, registersOf(own, signal.length))
  const options = {
    ...{ holding, input, reference, type },
    length: type === 'string' || (type === 'mod10k' && registers > 2) ? registers : undefined,
    encoding: type === 'string' ? signal.encoding : undefined,
    byte: byte ?? (type === 'string' && own === type ? signal.byte : undefined),
    byte_order: byte_orders.includes(inherited as never) ? undefined : byte_orders[0],
    bit: hasBits ? signal.bit : undefined,
    bits: hasBits && signal.bits ? signal.bits.join('-') : undefined,
    ...(isNumber ? { unit, scale, offset, range } : {}),
    labels: isWhole ? signal.labels : undefined,
    invalid: sameBits ? signal.invalid?.map((raw) => `0x${BigInt(raw).toString(16).toUpperCase()}`) : undefined,
    period: period === undefined ? undefined : formatDuration(period),
    deadband: isNumber && deadband ? { ...deadband, heartbeat: formatDuration(deadband.heartbeat) } : undefined,
  }
  return signalLine(name, Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)))
}
