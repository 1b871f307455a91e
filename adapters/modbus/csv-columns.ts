/**
 * What the columns of register maps are called and what stands in them, in vendors' manuals and in tables of Korean,
 * Japanese and German plants.
 */

/** Columns that have a meaning of their own; any other option of a signal is a column by its own name. */
export const COLUMNS = [
  'name',
  'table',
  'function',
  'address',
  'reference',
  'type',
  'bit',
  'length',
  'unit',
  'scale',
  'gain',
  'divisor',
  'decimals',
  'offset',
  'byte_order',
  'word_order',
  'labels',
  'period',
  'access',
  'description',
] as const
export type Column = (typeof COLUMNS)[number]

const NAMES: Readonly<Record<Column, string>> = {
  name: 'name signal tag tagname variable point id 이름 태그 태그명 신호 신호명 名称 名前 信号名 タグ タグ名 項目名 bezeichnung',
  table: 'table area registertype objecttype memorytype 영역 테이블 레지스터종류 テーブル 区分 種別 registerart',
  function:
    'function functioncode fc fcode modbusfunction 함수코드 기능코드 ファンクションコード 機能コード funktionscode',
  address:
    'address addr register registeraddress wireaddress protocoladdress modbusaddress 주소 레지스터 레지스터주소 アドレス 番地 レジスタ adresse',
  reference: 'reference modicon modiconaddress plcaddress referenz',
  type: 'type datatype format 데이터타입 데이터형 자료형 타입 型 データ型 データタイプ タイプ datentyp typ',
  bit: 'bit bitposition bitno 비트 ビット',
  length: 'length size registers count words 길이 크기 레지스터수 長さ サイズ ワード数 länge anzahl',
  unit: 'unit units eu engineeringunit 단위 単位 einheit',
  scale: 'scale factor multiplier resolution 배율 스케일 분해능 倍率 スケール 分解能 faktor skalierung',
  gain: 'gain 게인 이득 ゲイン',
  divisor: 'divisor divider divideby 제수 나눗수 除数 teiler',
  decimals:
    'decimals decimal decimalplaces decimaldigits decimalpoint 소수점 소수점자리 소수점자릿수 소수자릿수 小数点 小数点位置 小数桁 小数桁数 小数点以下桁数 nachkommastellen dezimalstellen kommastellen',
  offset: 'offset 오프셋 オフセット',
  byte_order: 'byteorder order endian endianness 바이트순서 バイトオーダー バイト順',
  word_order: 'wordorder registerorder 워드순서 레지스터순서 ワードオーダー ワード順 wortreihenfolge',
  labels: 'labels enum enumeration states values 라벨 상태값 ラベル 状態',
  period: 'period interval 주기 周期',
  access: 'access rw readwrite mode attribute 접근 속성 アクセス 属性 zugriff',
  description:
    'description comment remark remarks note notes 설명 비고 説明 備考 コメント beschreibung bemerkung kommentar',
}

const BY_NAME: ReadonlyMap<string, Column> = new Map(
  COLUMNS.flatMap((column) => NAMES[column].split(' ').map((name) => [bare(name), column] as const)),
)

/** The column that a header means: `Register Address`, `주소` and `アドレス` are `address`. */
export function columnOf(header: string): Column | undefined {
  return BY_NAME.get(bare(header)) ?? BY_NAME.get(bare(header.replace(/[([].*$/, '')))
}

/** Without case, spaces and marks, and with full-width letters as plain ones. */
export function bare(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_\-./:#]+/g, '')
}

const TYPES: Readonly<Record<string, string>> = {
  bool: 'bool boolean bit coil flag',
  int8: 'int8 i8 s8 sint signed8',
  uint8: 'uint8 u8 usint byte unsigned8',
  int16: 'int16 i16 s16 sint16 int short signed signed16 16bitsigned signedword integer16',
  uint16: 'uint16 u16 uint word unsigned unsigned16 ushort 16bitunsigned unsignedshort unsignedint16',
  int32: 'int32 i32 s32 dint long signed32 32bitsigned signedlong integer32 sint32',
  uint32: 'uint32 u32 udint dword ulong unsigned32 32bitunsigned unsignedlong unsignedint32',
  int64: 'int64 i64 s64 lint signed64 64bitsigned integer64 sint64',
  uint64: 'uint64 u64 ulint lword unsigned64 64bitunsigned unsignedint64',
  float16: 'float16 f16 half 16bitfloat',
  float32: 'float32 f32 float real single ieee754 float32ieee754 32bitfloat floatingpoint ieeefloat',
  float64: 'float64 f64 double lreal 64bitfloat',
  bcd16: 'bcd16 bcd bcd4 16bitbcd',
  bcd32: 'bcd32 lbcd bcd8 32bitbcd',
  mod10k: 'mod10k m10k mod10 modulo10000 uint32m10k',
  unix32: 'unix32 unixtime unixtimestamp utc32 posixtime',
  unix64: 'unix64 utc64',
  unix64_ms: 'unix64ms',
  string: 'string str ascii char text utf8',
}

const TYPE_BY_NAME: ReadonlyMap<string, string> = new Map(
  Object.entries(TYPES).flatMap(([type, names]) => names.split(' ').map((name) => [name, type] as const)),
)

/** The type that a cell means: `REAL` is float32, `U16` is uint16; what is not known here comes back as it was written. */
export function typeOf(cell: string): string {
  return TYPE_BY_NAME.get(bare(cell)) ?? cell.normalize('NFKC').trim().toLowerCase()
}

const TABLES: Readonly<Record<string, string>> = {
  holding: 'holding holdingregister holdingregisters hr 4 4x 3fc 40000 보유레지스터 홀딩레지스터 홀딩 保持レジスタ',
  input: 'input inputregister inputregisters ir 3 3x 입력레지스터 入力レジスタ',
  coil: 'coil coils do 0 0x 코일 コイル',
  discrete: 'discrete discreteinput discreteinputs di 1 1x inputstatus 접점입력 入力ステータス',
}

const TABLE_BY_NAME: ReadonlyMap<string, string> = new Map(
  Object.entries(TABLES).flatMap(([table, names]) => names.split(' ').map((name) => [name, table] as const)),
)

/** The table that a cell of a `table` column means: `Holding Register`, `4x` and `HR` are holding. */
export function tableOf(cell: string): string | undefined {
  return TABLE_BY_NAME.get(bare(cell))
}

const FUNCTIONS: Readonly<Record<string, string>> = { 1: 'coil', 2: 'discrete', 3: 'holding', 4: 'input' }

/** The table that a reading function code means: `3`, `03`, `FC03`, `0x03` and `03 (Read Holding Registers)` are holding. */
export function tableOfFunction(cell: string): string | undefined {
  const digits = /^(?:fc|f)?\s*0*x?0*(\d+)\b/i.exec(cell.normalize('NFKC').trim())
  return digits ? FUNCTIONS[digits[1]!] : undefined
}

/** What is wrong with a cell. */
export interface CellError {
  readonly error: string
  readonly hint: string
}

/**
 * A decimal number as spreadsheets of many countries write it, as text with a point. `1,234` may be a thousand or one and
 * a bit: it is an error unless `comma` says that the file's lists are not separated by commas.
 */
export function decimalOf(cell: string, comma: boolean): string | CellError {
  const text = cell
    .normalize('NFKC')
    .trim()
    .replace(/^[×x*]\s*/, '')
    .replace(/\s/g, '')
    .replace(/^−/, '-')
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return text.replace(/^\+/, '').replace(/^(-?)\./, '$10.')
  const fraction = /^1\/(10+)$/.exec(text)
  if (fraction) return `0.${'0'.repeat(fraction[1]!.length - 2)}1`
  if (/^[+-]?\d+,\d+$/.test(text)) {
    if (comma || !/^[+-]?[1-9]\d{0,2},\d{3}$/.test(text)) return text.replace(',', '.').replace(/^\+/, '')
    return { error: `"${cell}" may be a thousand or a decimal fraction`, hint: 'write it with a point, or without one' }
  }
  return { error: `"${cell}" is not a number`, hint: 'write digits with a point, such as 0.1' }
}

/** A whole number: `100`, `0x64`, `64h`, or `100.0` as spreadsheets make of it; undefined for anything else. */
export function wholeOf(cell: string): number | undefined {
  const text = cell.normalize('NFKC').trim()
  const hex = /^0x([0-9a-f]{1,8})$/i.exec(text) ?? /^([0-9a-f]{1,8})h$/i.exec(text)
  if (hex) return Number.parseInt(hex[1]!, 16)
  return /^\d+([.,]0+)?$/.test(text) ? Number.parseInt(text, 10) : undefined
}

/** `0=idle; 1=run` or `0: idle | 1: run` as a mapping; undefined where it is not of this form. */
export function labelsOf(cell: string): Readonly<Record<string, string>> | undefined {
  const text = cell.trim()
  if (text.startsWith('{')) return undefined
  const parts = text
    .split(/[;|\n]|,(?=\s*-?\d+\s*[:=])/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
  const pairs = parts.map((part) => /^(-?\d+)\s*[:=]\s*"?(.+?)"?$/s.exec(part))
  return pairs.length > 0 && pairs.every((pair) => pair !== null)
    ? Object.fromEntries(pairs.map((pair) => [pair![1]!, pair![2]!]))
    : undefined
}
