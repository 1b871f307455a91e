import { COMMON, POINT_SIZE, type Point, pointsOf } from './sunspec-models.ts'

/** Where the list of models may begin: 40000 in most devices, 0 and 50000 in some (SunSpec Technology Overview). */
export const BASES = [40_000, 0, 50_000] as const

/** `SunS`, the two registers before the first model. */
const MARKER = 0x5375_6e53
const END = 0xffff
/** More models than any device has: what goes on longer is no list. */
const MOST_MODELS = 100

/** A model in a device's list. */
export interface FoundModel {
  readonly id: number
  /** of its id, on the wire; its length follows, then its points */
  readonly address: number
  /** registers after id and length */
  readonly length: number
  /** the whole model from its id on; empty where its points are not read here */
  readonly data: Buffer
}

/** What a device says of itself. */
export type SunSpecWalk =
  | {
      readonly kind: 'found'
      readonly base: number
      readonly models: readonly FoundModel[]
      /** how the list ended: by its mark, without one, or because the device fell silent */
      readonly end: 'marked' | 'open' | 'silent'
    }
  /** `silent`: where it did not answer; some devices are silent to addresses that others refuse */
  | { readonly kind: 'none'; readonly silent: readonly number[] }

/** Holding registers from an address on, where the device gives them. */
export type ReadRegisters = (address: number, quantity: number) => Promise<Buffer | 'refused' | 'silent'>

/** Walks the list of models of one device. @param most registers that it answers at once */
export async function walkSunSpec(read: ReadRegisters, most: number): Promise<SunSpecWalk> {
  const silent: number[] = []
  for (const base of BASES) {
    const marker = await read(base, 2)
    if (marker === 'silent') silent.push(base)
    if (!Buffer.isBuffer(marker) || marker.readUInt32BE(0) !== MARKER) continue
    const models: FoundModel[] = []
    let address = base + 2
    while (models.length < MOST_MODELS && address <= 65_534) {
      const head = await read(address, 2)
      if (head === 'silent') return { kind: 'found', base, models, end: 'silent' }
      if (head === 'refused') break
      const [id, length] = [head.readUInt16BE(0), head.readUInt16BE(2)]
      if (id === END) return { kind: 'found', base, models, end: 'marked' }
      const wanted = id === 1 || pointsOf(id).length > 0
      models.push({ id, address, length, data: wanted ? await readModel(read, address, length + 2, most) : NONE })
      address += 2 + length
    }
    return { kind: 'found', base, models, end: 'open' }
  }
  return { kind: 'none', silent }
}

const NONE = Buffer.alloc(0)

async function readModel(read: ReadRegisters, address: number, size: number, most: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let done = 0; done < size && address + done <= 65_535; done += most) {
    const part = await read(address + done, Math.min(most, size - done))
    if (!Buffer.isBuffer(part)) break
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** Maker, model, version and serial number of the common model, as far as they are there. */
export function identityOf({ data }: FoundModel): string {
  const text = ([start, length]: readonly [number, number]): string =>
    data
      .subarray(start * 2, (start + length) * 2)
      .toString('utf8')
      .replace(/\0.*$/s, '')
      .trim()
  const serial = text(COMMON.serial)
  return [text(COMMON.maker), text(COMMON.model), text(COMMON.version), serial && `serial ${serial}`]
    .filter((part) => part !== '')
    .join(' ')
}

/** Options of a signal, as they would be written. */
export type ProposedSignal = Readonly<Record<string, unknown>>

/**
 * The signals of the models, with the scale factors that the device holds now. Points that the device does not have are
 * left out; where two models have points of one name, the later one's carries the model's id.
 */
export function proposeSignals(models: readonly FoundModel[]): Readonly<Record<string, ProposedSignal>> {
  const signals: Record<string, ProposedSignal> = {}
  for (const model of models) {
    for (const { point, options } of proposalsOf(model)) {
      const names = [point.name, `${point.name}_${model.id}`, `${point.name}_${model.id}_${model.address}`]
      signals[names.find((name) => signals[name] === undefined) ?? names[2]!] = options
    }
  }
  return signals
}

function proposalsOf(model: FoundModel): readonly { readonly point: Point; readonly options: ProposedSignal }[] {
  const places = placesOf(model)
  const factor = (name: string): number => {
    const place = places.find(({ point }) => point.name === name)
    return place ? model.data.readInt16BE(place.offset * 2) : UNSCALED
  }
  return places.flatMap(({ point, offset }) => {
    const exponent = point.sf === undefined ? 0 : factor(point.sf)
    if (point.kind === 'sunssf' || Math.abs(exponent) > 10 || isAbsent(point, model.data, offset * 2)) return []
    return [{ point, options: optionsOf(point, model.address + offset, exponent) }]
  })
}

const UNSCALED = -32_768

/** Points that lie within the length the device states, by their register from the model's first. */
function placesOf({ id, length, data }: FoundModel): readonly { readonly point: Point; readonly offset: number }[] {
  let offset = 2
  return pointsOf(id).flatMap((point) => {
    const at = offset
    offset += POINT_SIZE[point.kind]
    return offset <= length + 2 && offset * 2 <= data.length ? [{ point, offset: at }] : []
  })
}

/** Each kind has a value that says "not here" (SunSpec Device Information Model Specification, "unimplemented"). */
function isAbsent({ kind, mandatory }: Point, data: Buffer, at: number): boolean {
  switch (kind) {
    case 'int16':
    case 'sunssf':
      return data.readUInt16BE(at) === 0x8000
    case 'uint16':
    case 'enum16':
      return data.readUInt16BE(at) === 0xffff
    case 'bits32':
      return data.readUInt32BE(at) === 0xffff_ffff
    case 'acc32':
      return data.readUInt32BE(at) === 0 && !mandatory
    case 'float32':
      return Number.isNaN(data.readFloatBE(at))
  }
}

const TYPE = {
  int16: 'int16',
  uint16: 'uint16',
  enum16: 'uint16',
  acc32: 'uint32',
  bits32: 'uint32',
  float32: 'float32',
  sunssf: 'int16',
} as const

function optionsOf({ kind, unit, labels }: Point, holding: number, exponent: number): ProposedSignal {
  const sentinel = kind === 'int16' ? 0x8000 : kind === 'uint16' ? 0xffff : undefined // floats have NaN, labels their list
  return {
    holding,
    type: TYPE[kind],
    ...(exponent === 0 ? {} : { scale: powerOfTen(exponent) }),
    ...(unit === undefined ? {} : { unit }),
    ...(labels === undefined ? {} : { labels }),
    ...(sentinel === undefined ? {} : { invalid: [sentinel] }),
  }
}

function powerOfTen(exponent: number): string {
  return exponent > 0 ? `1${'0'.repeat(exponent)}` : `0.${'0'.repeat(-exponent - 1)}1`
}
