import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Memo, Lesson as Note } from '../source.ts'
import { TABLES } from './address.ts'
import { spanText } from './device-problems.ts'
import type { PlannedDevice, PlannedSignal } from './plan.ts'
import { NO_ANSWER } from './read-plan.ts'
import type { Span } from './read-set.ts'

/** What a device taught by refusing: kept from one run to the next, so that it is not asked for it at each start. */
export interface Learnt {
  /** signals that it refuses together, and with which exception */
  readonly refused: readonly { readonly signals: readonly string[]; readonly code: number }[]
  /** no read may contain the whole of one of these */
  readonly spans: readonly Span[]
  /** most that it answers at once, where that is less than configured */
  readonly max_registers?: number
  readonly max_bits?: number
}

const address = z.number().int().min(0).max(65_536)
const memoSchema = z.object({
  version: z.literal(1),
  device: z.string(),
  refused: z.array(z.object({ signals: z.array(z.string()), code: z.number().int() })),
  spans: z.array(z.object({ table: z.enum(TABLES), from: address, to: address })),
  max_registers: z.number().int().min(1).exactOptional(),
  max_bits: z.number().int().min(1).exactOptional(),
})

/** What was learnt of a device, as text for a memo. */
export function writeLearnt(device: PlannedDevice, learnt: Learnt): string {
  return JSON.stringify({ version: 1, device: fingerprint(device), ...learnt })
}

/** What a memo says of this device; undefined where it is of another unit or other addresses, or cannot be read. */
export function readLearnt(device: PlannedDevice, text: string | undefined): Learnt | undefined {
  if (text === undefined) return undefined
  try {
    const { version: _, device: known, ...learnt } = memoSchema.parse(JSON.parse(text))
    return known === fingerprint(device) ? learnt : undefined
  } catch {
    return undefined // by a later version, or damaged: it is learnt anew
  }
}

/** Where what was learnt of each device is kept; nowhere without a memo. */
export interface LearntMemo {
  /** Never rejects: without its notes a device is learnt anew. */
  read(device: PlannedDevice): Promise<Learnt | undefined>
  /** Does not wait until it is durable: what is lost is learnt anew. */
  note(device: PlannedDevice, learnt: Learnt): void
}

/** Notes what was learnt of each device, the latest only where notes come faster than they are durable. */
export function makeLearntMemo(memo: Memo | undefined, failed: (device: string, error: unknown) => void): LearntMemo {
  const waiting = new Map<string, string>() // text by device
  let writing = false

  async function write(): Promise<void> {
    writing = true
    for (const [device, text] of waiting) {
      waiting.delete(device)
      await memo?.set(keyOf(device), text).catch((error: unknown) => failed(device, error))
    }
    writing = false
  }

  return {
    async read(device) {
      try {
        return readLearnt(device, await memo?.get(keyOf(device.name)))
      } catch (error) {
        failed(device.name, error)
        return undefined
      }
    },
    note(device, learnt) {
      waiting.set(device.name, writeLearnt(device, learnt))
      if (!writing) void write()
    },
  }
}

/** What was learnt, in words, each with the signals that it concerns. */
export function describeLearnt(device: PlannedDevice, learnt: Learnt): readonly Note[] {
  const byId = new Map(device.signals.map((s) => [s.id, s]))
  const refused = learnt.refused.map(({ signals, code }): Note => {
    const places = signals.flatMap((id) => byId.get(id) ?? [])
    const what = [...new Set(places.map((s) => spanText({ ...s, from: s.address, to: s.address + s.size })))]
    const how = code === NO_ANSWER ? 'not answered, though other reads are' : `refused (exception ${code})`
    return { device: device.name, signals, text: `${what.join(', ')} ${how}; tried once a minute` }
  })
  const spans = learnt.spans.map((span): Note => {
    const [before, after] = neighbours(device.signals, span)
    return {
      device: device.name,
      signals: [...before, ...after].map((s) => s.id),
      text: `no request across ${spanText(span)}: the device refuses it`,
    }
  })
  const lengths = [
    { most: learnt.max_registers, what: 'registers' },
    { most: learnt.max_bits, what: 'bits' },
  ].flatMap(({ most, what }): readonly Note[] =>
    most === undefined
      ? []
      : [{ device: device.name, signals: [], text: `answers at most ${most} ${what} at once: it refuses more` }],
  )
  return [...refused, ...spans, ...lengths]
}

/** The last signals before a span and the first behind it: those that are read apart because of it. */
function neighbours(
  signals: readonly PlannedSignal[],
  { table, from, to }: Span,
): readonly [PlannedSignal[], PlannedSignal[]] {
  const own = signals.filter((s) => s.table === table)
  const before = own.filter((s) => s.address <= from)
  const after = own.filter((s) => s.address + s.size >= to && s.address > from)
  const last = Math.max(...before.map((s) => s.address))
  const first = Math.min(...after.map((s) => s.address))
  return [before.filter((s) => s.address === last), after.filter((s) => s.address === first)]
}

function keyOf(device: string): string {
  return `learnt ${device}`
}

/** Another connection, another unit or other addresses are another device. */
function fingerprint({ link, unit_id, signals }: PlannedDevice): string {
  const places = signals.map((s) => [s.id, s.table, s.address, s.size, s.group ?? null])
  return createHash('sha256')
    .update(JSON.stringify([link, unit_id, places]))
    .digest('base64url')
    .slice(0, 22)
}
