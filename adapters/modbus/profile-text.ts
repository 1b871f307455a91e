import { Document } from 'yaml'

/** What a profile's file says, as it would be written. */
export interface ProfileText {
  readonly about: string
  readonly sources: readonly Readonly<Record<string, string>>[]
  readonly notes?: string | undefined
  /** options of a device, such as `max_registers` */
  readonly device: Readonly<Record<string, unknown>>
  readonly signals: Readonly<Record<string, unknown>>
  /** remarks, put behind the lines of their signals */
  readonly descriptions?: Readonly<Record<string, string>>
}

/** A profile as a YAML file. */
export function profileText({ about, sources, notes, device, signals, descriptions = {} }: ProfileText): string {
  const head = block({ about, ...(sources.length > 0 ? { sources } : {}), ...(notes ? { notes } : {}), ...device })
  const lines = Object.entries(signals).map(([name, options]) => {
    const remark = descriptions[name]?.replace(/\s+/g, ' ')
    return `  ${signalLine(name, options)}${remark ? ` # ${remark}` : ''}`
  })
  return `${head}signals:\n${lines.map((line) => `${line}\n`).join('')}`
}

/** One signal in one line: `power: { holding: 40083, type: int16, scale: 10, unit: W }`. */
export function signalLine(name: string, options: unknown): string {
  const document = new Document({})
  const node = document.createNode(plain(options), { flow: true })
  document.set(name, node)
  return document.toString({ lineWidth: 0 }).trimEnd()
}

function block(value: Readonly<Record<string, unknown>>): string {
  return new Document(plain(value)).toString({ lineWidth: 120 })
}

/** Decimals are kept as text; written as numbers, where they are the same numbers, they need no quotes. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => [
      key,
      (key === 'scale' || key === 'offset') && typeof v === 'string' && String(Number(v)) === v ? Number(v) : plain(v),
    ]),
  )
}
