import type { ValueType } from '../../core/signal.ts'

interface TypeFacts {
  /** registers it takes, where `length` does not say so */
  readonly registers: number
  /** what its readings are */
  readonly value: ValueType
}

/** Types a register signal can be declared with; README.md has what each stands for. */
const TYPES = {
  bool: { registers: 1, value: 'bool' },
  int8: { registers: 1, value: 'int16' },
  uint8: { registers: 1, value: 'uint16' },
  int16: { registers: 1, value: 'int16' },
  uint16: { registers: 1, value: 'uint16' },
  int32: { registers: 2, value: 'int32' },
  uint32: { registers: 2, value: 'uint32' },
  int64: { registers: 4, value: 'int64' },
  uint64: { registers: 4, value: 'uint64' },
  float16: { registers: 1, value: 'float32' },
  float32: { registers: 2, value: 'float32' },
  float64: { registers: 4, value: 'float64' },
  bcd16: { registers: 1, value: 'uint16' },
  bcd32: { registers: 2, value: 'uint32' },
  mod10k: { registers: 2, value: 'uint64' },
  unix32: { registers: 2, value: 'int64' },
  unix64: { registers: 4, value: 'int64' },
  unix64_ms: { registers: 4, value: 'int64' },
  string: { registers: 1, value: 'string' },
} as const satisfies Readonly<Record<string, TypeFacts>>

export type SignalType = keyof typeof TYPES
export const SIGNAL_TYPES = Object.keys(TYPES) as [SignalType, ...SignalType[]]

/** Types of which bits can be taken. */
export const WORD_TYPES = ['uint16', 'uint32', 'uint64'] as const satisfies readonly SignalType[]

/** Order of the bytes ABCD of a 32-bit value on the wire; 64-bit values follow the same scheme. */
export const BYTE_ORDERS = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const
export type ByteOrder = (typeof BYTE_ORDERS)[number]

/** Halves of a register. */
export const BYTES = ['high', 'low'] as const
export type Byte = (typeof BYTES)[number]

/** Encodings of text; `shift_jis` and `euc-kr` with the extensions of Windows (code pages 932 and 949). */
export const TEXT_ENCODINGS = ['ascii', 'utf-8', 'shift_jis', 'euc-kr', 'utf-16'] as const
export type TextEncoding = (typeof TEXT_ENCODINGS)[number]

/** Registers (or, for coils and discrete inputs, bits) a value takes; uint16 where no type is given. */
export function registersOf(type: SignalType | undefined, length?: number): number {
  return type === 'string' || type === 'mod10k' ? (length ?? TYPES[type].registers) : TYPES[type ?? 'uint16'].registers
}

/** Bits of the raw value that sentinels are compared with: the registers', or the one byte's. */
export function rawBits(type: SignalType, registers: number): number {
  return type === 'int8' || type === 'uint8' ? 8 : registers * 16
}

/** What readings of a type are. */
export function valueTypeOf(type: SignalType): ValueType {
  return TYPES[type].value
}

/** Whether readings of the type are times: milliseconds since 1970 UTC. */
export function isTime(type: SignalType): boolean {
  return type === 'unix32' || type === 'unix64' || type === 'unix64_ms'
}

/** Smallest and largest value of an integer type that readings can have; undefined for other types. */
export function rangeOf(type: SignalType, registers: number): readonly [bigint, bigint] | undefined {
  const bits = BigInt(rawBits(type, registers))
  switch (type) {
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'uint64':
      return [0n, (1n << bits) - 1n]
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
      return [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n]
    case 'bcd16':
    case 'bcd32':
    case 'mod10k':
      return [0n, 10n ** (bits / 4n) - 1n]
    case 'bool':
    case 'float16':
    case 'float32':
    case 'float64':
    case 'unix32':
    case 'unix64':
    case 'unix64_ms':
    case 'string':
      return undefined
  }
}
