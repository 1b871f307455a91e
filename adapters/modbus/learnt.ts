import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import type { Memo, Lesson as Note } from '../source.ts'
import { TABLES } from './address.ts'
import type { ModbusClient } from './client.ts'
import { spanText } from './device-problems.ts'
import { strangerText } from './frame.ts'
import type { PlannedDevice, PlannedSignal } from './plan.ts'
import { NO_ANSWER, TRIAL } from './read-plan.ts'
import type { Span } from './read-set.ts'

/** What a device taught by refusing: kept from one run to the next, so that it is not asked for it at each start. */
export interface Learnt {
  /** signals that it refuses together, and with which exception */
  readonly refused: readonly { readonly signals: readonly string[]; readonly code: number }[]
  /** no read may contain the whole of one of these */
  readonly spans: readonly Kept<Span>[]
  /** most that it answers at once, where that is less than configured */
  readonly max_registers?: Kept<number>
  readonly max_bits?: Kept<number>
}

/** Kept to until it is tried again, since devices are mended too. */
export interface Kept<T> {
  readonly what: T
  /** ms until it is tried; 0 or less where that is due */
  readonly trial_in: number
  /** ms from the last trial to this one; doubles with each that was in vain */
  readonly wait: number
}

const address = z.number().int().min(0).max(65_536)
const kept = <T extends z.ZodType>(what: T) =>
  z.object({ what, trial_in: z.number().max(TRIAL.last), wait: z.number().min(0).max(TRIAL.last) })
const length = kept(z.number().int().min(1)).exactOptional()
const memoSchema = z.object({
  version: z.literal(2),
  device: z.string(),
  /** UnixMs of the note, since a monotonic clock does not outlive its process */
  at: z.number(),
  refused: z.array(z.object({ signals: z.array(z.string()), code: z.number().int() })),
  spans: z.array(kept(z.object({ table: z.enum(TABLES), from: address, to: address }))),
  max_registers: length,
  max_bits: length,
})

/** What was learnt of a device, as text for a memo. @param now UnixMs */
export function writeLearnt(device: PlannedDevice, learnt: Learnt, now: number): string {
  return JSON.stringify({ version: 2, device: fingerprint(device), at: now, ...learnt })
}

/**
 * What a memo says of this device; undefined where it is of another unit or other addresses, or cannot be read.
 * @param now UnixMs; where the wall clock has stepped back since, trials are as far away as they were
 */
export function readLearnt(device: PlannedDevice, text: string | undefined, now: number): Learnt | undefined {
  if (text === undefined) return undefined
  try {
    const { version: _, device: known, at, ...learnt } = memoSchema.parse(JSON.parse(text))
    return known === fingerprint(device) ? after(Math.max(0, now - at), learnt) : undefined
  } catch {
    return undefined // by another version, or damaged: it is learnt anew
  }
}

/** The same, so many ms later. */
function after(ms: number, { spans, max_registers, max_bits, ...rest }: Learnt): Learnt {
  const later = <T>(one: Kept<T>): Kept<T> => ({ ...one, trial_in: one.trial_in - ms })
  return {
    ...rest,
    spans: spans.map(later),
    ...(max_registers && { max_registers: later(max_registers) }),
    ...(max_bits && { max_bits: later(max_bits) }),
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
export function makeLearntMemo(
  memo: Pick<Memo, 'get' | 'set'> | undefined,
  clock: Pick<Clock, 'now'>,
  failed: (device: string, error: unknown) => void,
): LearntMemo {
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
        return readLearnt(device, await memo?.get(keyOf(device.name)), clock.now())
      } catch (error) {
        failed(device.name, error)
        return undefined
      }
    },
    note(device, learnt) {
      waiting.set(device.name, writeLearnt(device, learnt, clock.now()))
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
  const spans = learnt.spans.map(({ what: span }): Note => {
    const [before, after] = neighbours(device.signals, span)
    return {
      device: device.name,
      signals: [...before, ...after].map((s) => s.id),
      text: `no request across ${spanText(span)}: the device refuses it`,
    }
  })
  const lengths = [
    { most: learnt.max_registers?.what, what: 'registers' },
    { most: learnt.max_bits?.what, what: 'bits' },
  ].flatMap(({ most, what }): readonly Note[] =>
    most === undefined
      ? []
      : [{ device: device.name, signals: [], text: `answers at most ${most} ${what} at once: it refuses more` }],
  )
  return [...refused, ...spans, ...lengths]
}

/** That answers to the device's unit id come from another, in words; nothing where they do not. */
export function describeStranger(
  { name, unit_id }: Pick<PlannedDevice, 'name' | 'unit_id'>,
  strangers: ModbusClient['strangers'],
): readonly Note[] {
  const answered_by = strangers.get(unit_id)
  if (answered_by === undefined) return []
  return [{ device: name, signals: [], text: strangerText(unit_id, answered_by) }]
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
