import { bare, type CellError, type Column } from './csv-columns.ts'
import type { ByteOrder } from './signal-type.ts'

/** What a cell says: which byte of a word and which word of a value comes first. */
interface Order {
  readonly byte?: 'big' | 'little'
  readonly word?: 'big' | 'little'
}

const WHOLE: Readonly<Record<ByteOrder, Required<Order>>> = {
  ABCD: { byte: 'big', word: 'big' },
  CDAB: { byte: 'big', word: 'little' },
  BADC: { byte: 'little', word: 'big' },
  DCBA: { byte: 'little', word: 'little' },
}

const WHOLE_NAMES: Readonly<Record<ByteOrder, string>> = {
  ABCD: 'abcd 1234',
  CDAB: 'cdab wordswap wordswapped swapped bigendianwordswap littleendianbyteswap 3412',
  BADC: 'badc byteswap byteswapped bigendianbyteswap 2143',
  DCBA: 'dcba 4321',
}
/** Of words, whichever column they stand in. */
const WORD_NAMES = {
  big: 'msw mswfirst highword highwordfirst',
  little: 'lsw lswfirst lowword lowwordfirst',
} as const
/** Of bytes or of words, as their column says. */
const END_NAMES = {
  big: 'bigendian big be msbfirst',
  little: 'littleendian little le lsbfirst',
} as const

/** The order that a cell means in a column of byte orders or of word orders; undefined for what is not known. */
function orderOf(cell: string, column: 'byte' | 'word'): Order | undefined {
  const name = bare(cell)
  const isOne = (names: string): boolean => names.split(' ').includes(name)
  for (const [order, names] of Object.entries(WHOLE_NAMES)) if (isOne(names)) return WHOLE[order as ByteOrder]
  for (const end of ['big', 'little'] as const) {
    if (isOne(WORD_NAMES[end])) return { word: end }
    if (isOne(END_NAMES[end])) return { [column]: end }
  }
  return undefined
}

/**
 * The byte order that the cells of both columns mean together. Words are big-endian inside where only their order is
 * told; a byte order alone is that of the whole value. What is not known comes back as it was written, for the schema to
 * tell.
 */
export function byteOrderIn(
  byteCell: string,
  wordCell: string,
): string | undefined | (CellError & { readonly column: Column }) {
  if (byteCell === '' && wordCell === '') return undefined
  const byte = byteCell === '' ? {} : orderOf(byteCell, 'byte')
  const word = wordCell === '' ? {} : orderOf(wordCell, 'word')
  if (byte !== undefined && word !== undefined) {
    const clash = (key: keyof Order): boolean =>
      byte[key] !== undefined && word[key] !== undefined && byte[key] !== word[key]
    if (clash('byte') || clash('word'))
      return {
        error: `word order "${wordCell}" beside byte order "${byteCell}"`,
        hint: 'write the whole order in one of the two, ABCD, CDAB, BADC or DCBA, and leave the other empty',
        column: 'word_order',
      }
    const bytes = byte.byte ?? word.byte ?? 'big'
    const words = byte.word ?? word.word ?? bytes
    return (Object.keys(WHOLE) as ByteOrder[]).find((o) => WHOLE[o].byte === bytes && WHOLE[o].word === words)
  }
  if (byteCell === '' || wordCell === '') return byteCell.trim() || wordCell.trim()
  const [cell, column] = byte === undefined ? [byteCell, 'byte_order' as const] : [wordCell, 'word_order' as const]
  return { error: `"${cell}" is no order`, hint: 'write big or little, or ABCD, CDAB, BADC or DCBA', column }
}
