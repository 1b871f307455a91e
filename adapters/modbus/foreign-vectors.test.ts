import { describe, expect, it } from 'vitest'
import { qualityOf } from '../../core/quality.ts'
import type { Value } from '../../core/signal.ts'
import { type Encoding, isUnusable, makeDecoder } from './decode.ts'

/**
 * Registers that were written by other programs than ours, computed once: numbers by Python 3.11 `struct.pack` ('>q',
 * '>e' and so on; the bytes of DCBA are those of '<q'), texts by Python's codecs (`shift_jis`, `cp932`, `euc_kr`,
 * `cp949`, `utf-16-be`), BADC by swapping the two bytes of each word.
 */
const decode = (registers: string, more: Partial<Encoding>): Value | { readonly bad: string } => {
  const data = Buffer.from(registers.replaceAll(' ', ''), 'hex')
  const encoding: Encoding = { table: 'holding', type: 'uint16', size: data.length / 2, byte_order: 'ABCD', ...more }
  const decoded = makeDecoder(encoding).decode(data, 0)
  return isUnusable(decoded) ? { bad: qualityOf(decoded.quality).reason } : decoded
}

describe('numbers of Python', () => {
  it.each([
    ['int64', 'ABCD', 'ffdf ffff ffff ffff', -9_007_199_254_740_993n],
    ['int64', 'CDAB', 'ffff ffff ffff ffdf', -9_007_199_254_740_993n],
    ['int64', 'BADC', 'dfff ffff ffff ffff', -9_007_199_254_740_993n],
    ['int64', 'DCBA', 'ffff ffff ffff dfff', -9_007_199_254_740_993n],
    ['uint64', 'ABCD', 'ffff ffff ffff ffc5', 18_446_744_073_709_551_557n],
    ['uint64', 'CDAB', 'ffc5 ffff ffff ffff', 18_446_744_073_709_551_557n],
    ['uint64', 'BADC', 'ffff ffff ffff c5ff', 18_446_744_073_709_551_557n],
    ['uint64', 'DCBA', 'c5ff ffff ffff ffff', 18_446_744_073_709_551_557n],
    ['float64', 'ABCD', 'c093 4a45 6d5c faad', -1234.5678],
    ['float64', 'CDAB', 'faad 6d5c 4a45 c093', -1234.5678],
    ['float64', 'BADC', '93c0 454a 5c6d adfa', -1234.5678],
    ['float64', 'DCBA', 'adfa 5c6d 454a 93c0', -1234.5678],
    ['unix64', 'ABCD', '0000 0000 6924 ac25', 1_764_011_045_000],
    ['unix64', 'CDAB', 'ac25 6924 0000 0000', 1_764_011_045_000],
    ['unix64', 'BADC', '0000 0000 2469 25ac', 1_764_011_045_000],
    ['unix64', 'DCBA', '25ac 2469 0000 0000', 1_764_011_045_000],
    ['float32', 'ABCD', 'bdcc cccd', -0.1],
    ['float32', 'CDAB', 'cccd bdcc', -0.1],
    ['float32', 'BADC', 'ccbd cdcc', -0.1],
    ['float32', 'DCBA', 'cdcc ccbd', -0.1],
    ['int32', 'ABCD', 'f8a4 32eb', -123_456_789],
    ['int32', 'CDAB', '32eb f8a4', -123_456_789],
    ['int32', 'BADC', 'a4f8 eb32', -123_456_789],
    ['int32', 'DCBA', 'eb32 a4f8', -123_456_789],
    ['float16', 'ABCD', '2e66', 0.1],
    ['float16', 'BADC', '662e', 0.1],
    ['float16', 'CDAB', 'c100', -2.5],
    ['float16', 'ABCD', '7bff', 65_504],
    ['float16', 'ABCD', '0001', 6e-8],
    ['float16', 'ABCD', '5645', 100.3],
    ['float16', 'ABCD', '8000', 0],
  ] as const)('%s %s %s is %d', (type, byte_order, registers, value) => {
    expect(decode(registers, { type, byte_order })).toBe(value)
  })

  it('halves lie nearest to the decimal they stand for', () => {
    // struct.unpack('>e', '3555') is 0.333251953125, and 0.3333 is the shortest that packs to it
    expect(decode('3555', { type: 'float16' })).toBe(0.3333)
  })
})

describe('texts of Python', () => {
  it.each([
    ['ascii', 'PRESS-07', '5052 4553 532d 3037', '5250 5345 2d53 3730'],
    ['utf-8', '프레스 ７', 'ed94 84eb a088 ec8a a420 efbc 9700', '94ed eb84 88a0 8aec 20a4 bcef 0097'],
    ['shift_jis', 'ﾌﾟﾚｽ表示', 'ccdf dabd 955c 8ea6', 'dfcc bdda 5c95 a68e'],
    ['shift_jis', 'ソ能表', '835c 945c 955c', '5c83 5c94 5c95'],
    ['shift_jis', '①プレス高橋', '8740 8376 838c 8358 8d82 8bb4', '4087 7683 8c83 5883 828d b48b'],
    ['euc-kr', '압력 센서', 'bed0 b7c2 20bc bebc ad00', 'd0be c2b7 bc20 bcbe 00ad'],
    ['euc-kr', '똠방각하', '8c63 b9e6 b0a2 c7cf', '638c e6b9 a2b0 cfc7'],
    ['euc-kr', '갂갟땿힜룧힣€한', '8141 814c 8b95 c64c 8fa0 c652 a2e6 c7d1', '4181 4c81 958b 4cc6 a08f 52c6 e6a2 d1c7'],
    ['utf-16', '温度 𠮷Ω', '6e29 5ea6 0020 d842 dfb7 03a9', '296e a65e 2000 42d8 b7df a903'],
  ] as const)('%s %s', (encoding, text, plain, swapped) => {
    for (const order of ['ABCD', 'CDAB'] as const)
      expect(decode(plain, { type: 'string', encoding, byte_order: order })).toBe(text)
    for (const order of ['BADC', 'DCBA'] as const)
      expect(decode(swapped, { type: 'string', encoding, byte_order: order })).toBe(text)
    expect(decode(`${plain} 0000 4142`, { type: 'string', encoding })).toBe(text)
    expect(decode(`${plain} ${encoding === 'utf-16' ? '0020 0020' : '2020 2020'}`, { type: 'string', encoding })).toBe(
      text,
    )
  })

  it.each([
    ['ascii', 'bed0'],
    ['utf-8', 'bed0 b7c2'],
    ['shift_jis', '8181 83ff'],
    ['euc-kr', 'bed0 ff41'],
    ['euc-kr', 'bed0 8140'],
    ['euc-kr', 'c653 bed0'],
    ['euc-kr', 'bed0 41c9'],
    ['euc-kr', 'bed0 fea6'],
    ['utf-16', 'd842 0041'],
  ] as const)('refuses what is not %s', (encoding, registers) => {
    expect(decode(registers, { type: 'string', encoding })).toEqual({ bad: 'encoding' })
  })

  it('takes one character a register', () => {
    expect(decode('0050 004c 0043 0000 0041', { type: 'string', byte: 'low' })).toBe('PLC')
    expect(decode('5000 4c00 4300 2000', { type: 'string', byte: 'high' })).toBe('PLC')
    expect(decode('5000 4c00 4300 2000', { type: 'string', byte: 'low', byte_order: 'BADC' })).toBe('PLC')
    expect(decode('0083 005c', { type: 'string', byte: 'low', encoding: 'shift_jis' })).toBe('ソ')
  })

  it('is empty where nothing is written', () => {
    expect(decode('0000 4142', { type: 'string' })).toBe('')
    expect(decode('2020 2020', { type: 'string', encoding: 'euc-kr' })).toBe('')
  })
})

describe('what is no value', () => {
  it.each<[string, Partial<Encoding>, string]>([
    ['7c00', { type: 'float16' }, 'not_a_number'],
    ['fe00', { type: 'float16', scale: '2' }, 'not_a_number'],
    ['ff80 0000', { type: 'float32' }, 'not_a_number'],
    ['7fef ffff ffff ffff', { type: 'float64', scale: '10' }, 'not_a_number'],
    ['7ff0 0000 0000 0000', { type: 'float64' }, 'not_a_number'],
    ['123a', { type: 'bcd16' }, 'digits'],
    ['a000', { type: 'bcd16' }, 'digits'],
    ['1234 0f00', { type: 'bcd32' }, 'digits'],
    ['00a0 0000', { type: 'bcd32', scale: '0.1' }, 'digits'],
    ['0001 2710', { type: 'mod10k' }, 'digits'],
    ['2710 0001', { type: 'mod10k' }, 'digits'],
    ['ffff ffff ffff ffff', { type: 'unix64' }, 'time'],
    ['0000 003a fff4 4180', { type: 'unix64' }, 'time'],
    ['0000 e677 d21f dc00', { type: 'unix64_ms' }, 'time'],
    ['0003', { labels: { 0: 'idle', 1: 'run' } }, 'label'],
    ['ffff', { type: 'int16', labels: { 65535: 'fault' } }, 'label'],
    ['8000', { invalid: ['32768', '65535'], scale: '0.1' }, 'sentinel'],
    ['8000', { type: 'int16', invalid: ['32768'] }, 'sentinel'],
    ['0080', { type: 'int16', invalid: ['32768'], byte_order: 'DCBA' }, 'sentinel'],
    ['ffff', { labels: { 65535: 'fault' }, invalid: ['65535'] }, 'sentinel'],
    ['ffff', { bit: 3, invalid: ['65535'] }, 'sentinel'],
    ['ffff', { bits: [0, 3], invalid: ['65535'] }, 'sentinel'],
    ['ff12', { type: 'int8', byte: 'high', invalid: ['255'] }, 'sentinel'],
    ['ffff', { type: 'bcd16', invalid: ['65535'] }, 'sentinel'],
    ['ffff 7fff', { type: 'int32', invalid: ['2147483647'], byte_order: 'CDAB' }, 'sentinel'],
    ['7fc0 0000', { type: 'float32', invalid: ['2143289344'] }, 'sentinel'],
    ['ffff ffff', { type: 'unix32', invalid: ['4294967295'] }, 'sentinel'],
    ['ffff ffff ffff', { type: 'mod10k', invalid: ['281474976710655'] }, 'sentinel'],
    ['ffff ffff ffff ffff', { type: 'uint64', invalid: ['18446744073709551615'] }, 'sentinel'],
  ])('%s with %j is bad: %s', (registers, more, reason) => {
    expect(decode(registers, more)).toEqual({ bad: reason })
  })
})

describe('parts of registers and other notations', () => {
  it.each<[string, Partial<Encoding>, Value]>([
    ['fe01', { type: 'int8', byte: 'high' }, -2],
    ['fe01', { type: 'uint8', byte: 'high' }, 254],
    ['fe01', { type: 'uint8', byte: 'low' }, 1],
    ['fe81', { type: 'int8', byte: 'low' }, -127],
    ['fe01', { type: 'uint8', byte: 'high', byte_order: 'BADC' }, 1],
    ['ff00', { type: 'int8', byte: 'low', invalid: ['255'] }, 0],
    ['9f3c', { bits: [4, 7] }, 3],
    ['9f3c', { bits: [8, 15], scale: '0.1' }, 15.9],
    ['9f3c', { bits: [0, 15] }, 0x9f3c],
    ['3c9f', { bits: [4, 7], byte_order: 'BADC' }, 3],
    ['8001 0002', { type: 'uint32', bits: [31, 31] }, 1],
    ['8001 0002', { type: 'uint32', bits: [1, 16] }, 0x8001],
    ['8001 0002', { type: 'uint32', bit: 31 }, true],
    ['8001 0002', { type: 'uint32', bit: 30 }, false],
    ['0002 8001', { type: 'uint32', bit: 16, byte_order: 'CDAB' }, true],
    ['8000 0000 0000 0001', { type: 'uint64', bit: 0 }, true],
    ['8000 0000 0000 0001', { type: 'uint64', bit: 63 }, true],
    ['8000 0000 0000 0001', { type: 'uint64', bit: 62 }, false],
    ['f000 0000 0000 0001', { type: 'uint64', bits: [2, 63] }, 0x3c00_0000_0000_0000n],
    ['9f3c', { bits: [4, 5], labels: { 3: 'auto' } }, 3],
    ['1234', { type: 'bcd16' }, 1234],
    ['3412', { type: 'bcd16', byte_order: 'BADC' }, 1234],
    ['9999', { type: 'bcd16', scale: '0.01' }, 99.99],
    ['1234 5678', { type: 'bcd32' }, 12_345_678],
    ['5678 1234', { type: 'bcd32', byte_order: 'CDAB' }, 12_345_678],
    ['007b 11d7', { type: 'mod10k' }, 1_234_567],
    ['11d7 007b 0000 0000', { type: 'mod10k', byte_order: 'CDAB' }, 1_234_567],
    ['270f 270f 270f 270f', { type: 'mod10k' }, 9_999_999_999_999_999n],
    ['ffff ffff', { type: 'unix32' }, 4_294_967_295_000],
    ['0000 003a fff4 417f', { type: 'unix64' }, 253_402_300_799_000],
    ['0000 019a b76d 8d88', { type: 'unix64_ms' }, 0x19a_b76d_8d88],
    ['ffff', { type: 'int16', labels: { '-1': 'fault' } }, -1],
    [
      'ffff ffff ffff ffff',
      { type: 'uint64', labels: { '18446744073709551615': 'none' } },
      18_446_744_073_709_551_615n,
    ],
    ['0020 0000 0000 0001', { type: 'uint64', scale: '1000' }, 9_007_199_254_740_993_000n],
    ['0020 0000 0000 0001', { type: 'uint64', offset: '1' }, 9_007_199_254_740_994n],
    ['0020 0000 0000 0001', { type: 'uint64', scale: '0.1' }, Number('900719925474099.3')],
    ['8ac7 2304 89e8 0000', { type: 'uint64', scale: '0.1' }, 1_000_000_000_000_000_000n],
    ['ffff ffff', { type: 'uint32', scale: '0.000123456789' }, Number('530242.871100715755')],
  ])('%s with %j is %s', (registers, more, value) => {
    expect(decode(registers, more)).toBe(value)
  })
})
