import { describe, expect, it } from 'vitest'
import { decodeTable } from './table-text.ts'

/** `name,単位` and the like in the encodings that spreadsheets save. */
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

describe('decodeTable', () => {
  it.each([
    ['utf-8', Buffer.from('\uFEFFname,온도\n'), 'name,온도\n'],
    ['utf-16le', Buffer.from('\uFEFFname\t温度\n', 'utf16le'), 'name\t温度\n'],
    ['utf-16be', Buffer.from('\uFEFFname\t温度\n', 'utf16le').swap16(), 'name\t温度\n'],
    ['utf-16le', Buffer.from('name\tunit\n', 'utf16le'), 'name\tunit\n'],
    ['shift_jis', bytes('89B7 9378 2C 83 41 83 68 83 8C 83 58 0A'), '温度,アドレス\n'],
    ['euc-kr', bytes('BFC2 B5B5 2C C1D6 BCD2 0A'), '온도,주소\n'],
    ['windows-1252', bytes('4F 6C 3B B0 43 3B D6 6C 0A'), 'Ol;°C;Öl\n'],
  ] as const)('finds out that a table is %s', (encoding, data, text) => {
    expect(decodeTable(data)).toEqual({ text, encoding })
  })

  it('takes the encoding it is told, and says so where it does not fit', () => {
    expect(decodeTable(bytes('B0 43'), 'windows-1252')).toEqual({ text: '°C', encoding: 'windows-1252' })
    expect(decodeTable(bytes('B0 43'), 'utf-8')).toMatchObject({ message: 'the file is not utf-8' })
  })
})
