/** The four tables of the Modbus data model (Modbus Application Protocol V1.1b3 §4.3). */
export const TABLES = ['holding', 'input', 'coil', 'discrete'] as const
export type Table = (typeof TABLES)[number]

/** A place on the wire, from 0. */
export interface Address {
  readonly table: Table
  readonly address: number
}

/** Bits are addressed and counted singly; registers are words of 16 bits. */
export function isBitTable(table: Table): boolean {
  return table === 'coil' || table === 'discrete'
}

/** Function code that reads the table (Modbus Application Protocol V1.1b3 §6.1–6.4). */
export function functionCode(table: Table): 1 | 2 | 3 | 4 {
  switch (table) {
    case 'coil':
      return 1
    case 'discrete':
      return 2
    case 'holding':
      return 3
    case 'input':
      return 4
  }
}

const TABLE_OF_DIGIT: Readonly<Record<string, Table>> = { 0: 'coil', 1: 'discrete', 3: 'input', 4: 'holding' }

/**
 * Modicon notation as it was written: the table's digit and a number from 1, together exactly 5 or 6 digits.
 * `40101` and `400101` are holding 100, `030001` is coil 30000; undefined for anything else.
 */
export function parseReference(text: string): Address | undefined {
  const m = /^([0134])(\d{4,5})$/.exec(text)
  const table = m && TABLE_OF_DIGIT[m[1]!]
  const number = Number(m?.[2])
  return table && number >= 1 && number <= 65_536 ? { table, address: number - 1 } : undefined
}

/** Where a signal lies. Holds for options that the schema accepted: exactly one key is given. */
export function addressOf(
  signal: { readonly reference?: string | undefined } & { readonly [T in Table]?: number | undefined },
): Address {
  for (const table of TABLES) {
    const address = signal[table]
    if (address !== undefined) return { table, address }
  }
  const parsed = parseReference(signal.reference ?? '')
  if (!parsed) throw new RangeError('a signal without an address passed the schema')
  return parsed
}
