import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { checkProfile, profileNames, readProfile } from '../../config/profiles.ts'
import { csvMapText } from './csv-export.ts'
import { readCsvMap } from './csv-import.ts'
import { profileText } from './profile-text.ts'
import { signalSchema } from './signal-schema.ts'

const signalOf = (header: string, row: string, base?: 0 | 1): unknown => {
  const { signals, problems } = readCsvMap(`${header}\n${row}\n`, base)
  return problems.length > 0 ? problems.map((p) => p.message) : Object.values(signals)[0]
}

describe('readCsvMap', () => {
  it.each([
    ['name,table,address', 'a,holding,100', { holding: 100 }],
    ['Name,Function,Address', 'a,04,0x64', { input: 100 }],
    ['tag,FC,register', 'a,FC03,64h', { holding: 100 }],
    ['name,function code,address', 'a,3 (Read Holding Registers),100.0', { holding: 100 }],
    ['name,table,address', 'a,4x,100-101', { holding: 100 }],
    ['name,address', 'a,40101', { reference: '40101' }],
    ['name,address', 'a,4x0101', { reference: '40101' }],
    ['name,reference', 'a,400101.0', { reference: '400101' }],
    ['name,address,type', 'a,40101.3,BOOL', { reference: '40101', bit: 3 }],
    ['name,table,address', 'a,coil,５', { coil: 5 }],
    [
      '이름,영역,주소,데이터타입,단위,배율',
      '온도,홀딩,100,INT,℃,0.1',
      { holding: 100, type: 'int16', scale: '0.1', unit: 'Cel' },
    ],
    [
      '名称,ファンクションコード,アドレス,データ型,単位,倍率',
      '温度,４,１０,REAL,℃,１',
      { input: 10, type: 'float32', unit: 'Cel' },
    ],
    [
      'Bezeichnung;Funktionscode;Adresse;Datentyp;Faktor',
      'a;3;1;DINT;0,01',
      { holding: 1, type: 'int32', scale: '0.01' },
    ],
    ['name\ttable\taddress\tscale', 'a\tinput\t1\t1/100', { input: 1, scale: '0.01' }],
    ['name,table,address,scale', 'a,input,1,"0,5"', { input: 1, scale: '0.5' }],
    ['name,table,address,byte order', 'a,input,1,Word Swapped', { input: 1, byte_order: 'CDAB' }],
    ['name,table,address,Word Order', 'a,input,1,Little Endian', { input: 1, byte_order: 'CDAB' }],
    ['name,table,address,Word Order', 'a,input,1,Big Endian', { input: 1, byte_order: 'ABCD' }],
    ['name,table,address,워드순서', 'a,input,1,LSW first', { input: 1, byte_order: 'CDAB' }],
    ['name,table,address,Byte Order', 'a,input,1,Little Endian', { input: 1, byte_order: 'DCBA' }],
    ['name,table,address,Byte Order,Word Order', 'a,input,1,Big,Little', { input: 1, byte_order: 'CDAB' }],
    ['name,table,address,Word Order,Byte Order', 'a,input,1,Big,Little', { input: 1, byte_order: 'BADC' }],
    ['name,table,address,Byte Order,Word Order', 'a,input,1,Little,Little', { input: 1, byte_order: 'DCBA' }],
    ['name,table,address,Byte Order,Word Order', 'a,input,1,Big,Big', { input: 1, byte_order: 'ABCD' }],
    ['name,table,address,Byte Order,Word Order', 'a,input,1,Big,Swapped', { input: 1, byte_order: 'CDAB' }],
    ['name,table,address,gain', 'a,input,1,0.1', { input: 1, scale: '0.1' }],
    ['name,table,address,gain', 'a,input,1,1', { input: 1 }],
    ['name,table,address,Divisor', 'a,input,1,10', { input: 1, scale: '0.1' }],
    ['name,table,address,Divisor', 'a,input,1,8', { input: 1, scale: '0.125' }],
    ['name,table,address,Divisor', 'a,input,1,0.5', { input: 1, scale: '2' }],
    ['name,table,address,Divisor', 'a,input,1,1', { input: 1 }],
    ['name,table,address,Decimals', 'a,input,1,2', { input: 1, scale: '0.01' }],
    ['name,table,address,소수점', 'a,input,1,0', { input: 1 }],
    ['name,table,address,scale,decimals', 'a,input,1,0.1,1', { input: 1, scale: '0.1' }],
    ['name,table,address,scale,factor', 'a,input,1,0.1,0.1', { input: 1, scale: '0.1' }],
    ['id,name,table,address', 'a,b,input,1', { input: 1 }],
    ['name,table,address,labels', 'a,input,1,0=idle; 1=run', { input: 1, labels: { 0: 'idle', 1: 'run' } }],
    ['name,table,address,type,length', 'a,input,1,ASCII,8', { input: 1, type: 'string', length: 8 }],
    ['name,table,address,type,registers', 'a,input,1,U32,2', { input: 1, type: 'uint32' }],
  ])('%s: %s', (header, row, expected) => {
    expect(signalOf(header, row)).toEqual(expected)
  })

  it.each([
    [
      'name,table,address',
      'a,holding,40101',
      '40101 beside holding may be a Modicon reference (holding 100) or an address',
    ],
    ['name,address', 'a,101', '"101" is neither a Modicon reference nor beside a table'],
    ['name,table,address', 'a,relay,1', '"relay" is no table that can be read'],
    ['name,function,address', 'a,16,1', '"16" is no table that can be read'],
    ['name,table,address', 'a,input,', 'the row has no address'],
    ['name,table,address', 'a,input,ten', '"ten" is not an address'],
    ['name,table,address,scale', 'a,input,1,"1,000"', '"1,000" may be a thousand or a decimal fraction'],
    ['name,table,address,scale', 'a,input,1,tenth', '"tenth" is not a number'],
    ['name,table,address,type,registers', 'a,input,1,REAL,1', 'float32 takes 2 registers, not 1'],
    ['name,table,address,scale,factor', 'a,input,1,0.1,10', 'scale and factor both say `scale`'],
    ['name,table,address,address', 'a,input,1,2', 'two columns address both say `address`'],
    ['name,table,address,Byte Order,Endian', 'a,input,1,Big,Little', 'Byte Order and Endian both say `byte_order`'],
    [
      'name,table,address,Byte Order,Word Order',
      'a,input,1,ABCD,Little',
      'word order "Little" beside byte order "ABCD"',
    ],
    [
      'name,table,address,Byte Order,Word Order',
      'a,input,1,Little,Swapped',
      'word order "Swapped" beside byte order "Little"',
    ],
    ['name,table,address,Byte Order,Word Order', 'a,input,1,Big,odd', '"odd" is no order'],
    ['name,table,address,gain', 'a,input,1,10', 'gain "10" may multiply or divide'],
    ['name,table,address,divisor', 'a,input,1,3', '1/3 is no decimal number that ends'],
    ['name,table,address,divisor', 'a,input,1,0', '"0" divides nothing'],
    ['name,table,address,decimals', 'a,input,1,-1', '"-1" is no number of decimal places'],
    ['name,table,address,scale,decimals', 'a,input,1,0.1,2', 'decimals "2" is × 0.01, but scale "0.1" is × 0.1'],
    ['name,table,address,scale', 'a,input,1,0,1', 'more cells than headers'],
    ['name,table,address', ',input,1', 'the row has no name'],
    ['tag no,table,address', 'a,input,1', 'no column is called `name`'],
    ['name,table,address', '"a,input,1', 'the quotes of this line do not fit'],
  ])('refuses %s: %s', (header, row, message) => {
    expect(signalOf(header, row)).toEqual([message])
  })

  it('counts addresses from 1 or takes them as they are when told to', () => {
    expect(signalOf('name,table,address', 'a,holding,101', 1)).toEqual({ holding: 100 })
    expect(signalOf('name,table,address', 'a,holding,40101', 1)).toEqual({ reference: '40101' })
    expect(signalOf('name,table,address', 'a,holding,40101', 0)).toEqual({ holding: 40_101 })
  })

  it('says where: the line and column of the cell, after a separator line, empty lines and line ends in cells', () => {
    const text = 'sep=;\r\nname;table;address;scale\r\na;input;1;1\r\n\r\n"b";"foo\r\nput";2;1\r\nc;input;3;"x;y"\r\n'
    const { problems } = readCsvMap(text)
    expect(problems.map((p) => [p.line, p.column, p.header])).toEqual([
      [5, 5, 'table'],
      [7, 11, 'scale'],
    ])
  })

  it('names the line where a name stands already', () => {
    const { problems } = readCsvMap('name,table,address\na,input,1\na,input,2\n')
    expect(problems).toMatchObject([{ line: 3, column: 1, message: '"a" is in line 2 already' }])
  })
})

const parsed = (signals: Readonly<Record<string, unknown>>): unknown =>
  Object.fromEntries(Object.entries(signals).map(([name, options]) => [name, signalSchema.parse(options)]))

describe('addresses that may be hexadecimal', () => {
  const told = (...cells: readonly string[]): unknown =>
    readCsvMap(`name,table,address\n${cells.map((cell, i) => `s${i},holding,${cell}\n`).join('')}`).problems.map(
      ({ line, header, message, hint }) => [line, header, message, hint],
    )

  it('tells each doubtful cell of a column in which one is hexadecimal and does not say so', () => {
    expect(told('0009', '0010', '001A', '0x20', '30h', '40', '5')).toEqual([
      [
        3,
        'address',
        '"0010" may be hexadecimal, as "001A" in the same column is',
        'hex: write 0x0010; where it is decimal, 0x000A',
      ],
      [4, 'address', '"001A" has hexadecimal digits without a mark', 'hex: write 0x001A'],
      [
        7,
        'address',
        '"40" may be hexadecimal, as "001A" in the same column is',
        'hex: write 0x40; where it is decimal, 0x0028',
      ],
    ])
    expect(told('10-11', '1A-1B')).toHaveLength(2)
    expect(told('10', 'D100')).toHaveLength(1)
  })

  it('leaves columns alone that are decimal or say that they are hexadecimal', () => {
    expect(told('0010', '0020')).toEqual([])
    expect(told('10', '0x1A', '1Ah')).toEqual([])
  })
})

it('says which addresses became bits of registers', () => {
  const { signals, notes } = readCsvMap('name,table,address\na,holding,1.5\nb,holding,2.0\nc,holding,3.10\n')
  expect(signals).toEqual({ a: { holding: 1, bit: 5 }, b: { holding: 2 }, c: { holding: 3, bit: 10 } })
  expect(notes).toEqual(['addresses with a point are taken for bits of registers: 1.5 is bit 5 of 1, and 1 more'])
})

describe('export and import', () => {
  it.each(profileNames())('%s comes back the same', (name) => {
    const read = readProfile(name, '.')
    if (read.kind !== 'ok') throw new Error('not a profile')
    for (const separator of [',', ';', '\t']) {
      const map = readCsvMap(csvMapText(read.profile.signals, separator))
      expect(map.problems).toEqual([])
      const text = profileText({ about: 'x', sources: [], device: {}, signals: map.signals })
      const back = checkProfile(Buffer.from(text), 'back.yaml')
      expect(back.kind === 'ok' && parsed(back.profile.signals)).toEqual(parsed(read.profile.signals))
    }
  })

  it('keeps parts of registers, texts and sentinels, as the schema reads them', () => {
    const signals = {
      mode: { holding: 1, bits: '4-7', invalid: [0xffff] },
      energy: { holding: 2, type: 'mod10k', length: 4 },
      total: { holding: 6, type: 'uint64', invalid: ['0xFFFFFFFFFFFFFFFF', '32768'] },
      fan: { holding: 10, type: 'uint8', byte: 'high' },
      lot: { holding: 11, type: 'string', length: 8, encoding: 'shift_jis' },
    }
    const back = readCsvMap(csvMapText(parsed(signals) as typeof signals))
    expect(back.problems).toEqual([])
    expect(parsed(back.signals)).toEqual(parsed(signals))
    const text = profileText({ about: 'x', sources: [], device: {}, signals: back.signals })
    expect(parsed((parse(text) as { signals: typeof signals }).signals)).toEqual(parsed(signals))
  })

  it('keeps whatever a signal says', () => {
    const label = fc.string({ minLength: 1, maxLength: 12 })
    const address = fc.integer({ min: 0, max: 65_000 })
    const decimal = fc.integer({ min: 1001, max: 99_999 }).map((n) => String(n / 1000))
    const signal = fc.oneof(
      fc.record({ holding: address, type: fc.constantFrom('int32', 'float32'), scale: decimal, offset: decimal }),
      fc.record({ input: address, labels: fc.dictionary(fc.constantFrom('0', '1', '77'), label, { minKeys: 1 }) }),
      fc.record({ discrete: address, period: fc.constant('90s') }),
      fc.record({ holding: address, bit: fc.nat(15) }),
    )
    const name = fc.string({ unit: fc.constantFrom('a', 'Z', '9', '온', '度', 'ä') }).map((text) => `s${text}`)
    fc.assert(
      fc.property(fc.dictionary(name, signal), fc.constantFrom(',', ';', '\t'), (signals, separator) => {
        const back = readCsvMap(csvMapText(signals, separator))
        expect(back.problems).toEqual([])
        expect(parsed(back.signals)).toEqual(parsed(signals))
      }),
    )
  })

  it('keeps labels, bits, references and addresses that look like references', () => {
    const signals = {
      state: { holding: 40_001, type: 'uint16', labels: { 0: 'idle; really', 1: 'run' } },
      ready: { holding: 1, bit: 15 },
      name: { input: 9, type: 'string', length: 8 },
    }
    const text = csvMapText({ ...signals, old: { reference: '030001' } })
    expect(text).toContain('state,holding,0x9C41,')
    expect(readCsvMap(text).signals).toEqual({ ...signals, old: { coil: 30_000 } })
  })
})
