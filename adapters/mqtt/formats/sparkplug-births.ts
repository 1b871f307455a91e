import { z } from 'zod'
import { type UnixMs, unixMs } from '../../../core/brand.ts'

/** What births of all nodes and devices may take of the database (UTF-16 units of text); those of further ones are not kept. */
const MOST_TEXT = 1_000_000

/** What a birth said that later messages leave out. */
export interface Birth {
  /** of a node; undefined: of a device, or not said */
  readonly bdSeq: string | undefined
  readonly metrics: readonly {
    readonly name: string
    readonly alias: string | undefined
    readonly datatype: number | undefined
  }[]
}

const birth = z.object({
  version: z.literal(1),
  bdSeq: z.string().nullable(),
  metrics: z.array(z.tuple([z.string(), z.string().nullable(), z.int().nullable()])),
})

export function writeBirth({ bdSeq, metrics }: Birth): string {
  const rows = metrics.map((m): [string, string | null, number | null] => [m.name, m.alias ?? null, m.datatype ?? null])
  return JSON.stringify({ version: 1, bdSeq: bdSeq ?? null, metrics: rows } satisfies z.input<typeof birth>)
}

/** Undefined where it cannot be read: the next birth says it anew. */
export function readBirth(text: string): Birth | undefined {
  const read = parse(birth, text)
  return (
    read && {
      bdSeq: read.bdSeq ?? undefined,
      metrics: read.metrics.map(([name, alias, datatype]) => ({
        name,
        alias: alias ?? undefined,
        datatype: datatype ?? undefined,
      })),
    }
  )
}

/** Where the sequence of a node stood. */
export interface Standing {
  readonly seq: number
  readonly heardAt: UnixMs
}

const standings = z.array(z.tuple([z.string(), z.int().min(0).max(255), z.number()]))

/** @param nodes by `GROUP/NODE` */
export function writeStandings(nodes: ReadonlyMap<string, Standing>): string {
  return JSON.stringify([...nodes].map(([node, { seq, heardAt }]) => [node, seq, heardAt]))
}

export function readStandings(text: string): ReadonlyMap<string, Standing> {
  return new Map(parse(standings, text)?.map(([node, seq, heardAt]) => [node, { seq, heardAt: unixMs(heardAt) }]))
}

/** Undefined for what a later version wrote, or is damaged. */
function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Which births are to be noted for the next start, by node or device. */
export interface BirthNotes {
  /** false: there is no room for it, so that after the next start its next birth is waited for */
  learn(key: string, birth: Birth): boolean
  /** It died, or is born anew with its node. */
  forget(key: string): void
  /** What has changed since the last call; null: forgotten. */
  take(): ReadonlyMap<string, string | null>
}

/** @param kept what is noted already */
export function makeBirthNotes(kept: ReadonlyMap<string, string>): BirthNotes {
  const sizes = new Map([...kept].map(([key, text]) => [key, text.length]))
  let size = [...sizes.values()].reduce((sum, n) => sum + n, 0)
  let changed = new Map<string, string | null>()

  function forget(key: string): void {
    const before = sizes.get(key)
    if (before === undefined) return
    sizes.delete(key)
    size -= before
    changed.set(key, null)
  }

  return {
    learn(key, birth) {
      forget(key)
      const text = writeBirth(birth)
      if (size + text.length > MOST_TEXT) return false
      sizes.set(key, text.length)
      size += text.length
      changed.set(key, text)
      return true
    },
    forget,
    take() {
      const taken = changed
      changed = new Map()
      return taken
    },
  }
}
