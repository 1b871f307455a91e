import { z } from 'zod'

/**
 * What a publisher must still know of the log before its cursor, so that the accounts of what comes after are exact wherever
 * it is begun anew. It is kept with the cursor, as text.
 */
export interface Memory {
  /** dataset → how far its slots were closed before the block that holds the cursor */
  readonly closing: Readonly<Record<string, ClosingState>>
  /** why the cells of windows were null that are computed no more and that hold readings the cursor has not passed */
  readonly empty: readonly EmptyWindow[]
  /** readings the cursor has not passed that such a window began with: it counted from them, or they still held */
  readonly bases: readonly WindowBase[]
  /** noised cells that are computed no more: of windows that will be shown again, or that are null for their noise */
  readonly decided: readonly DecidedCell[]
}

/** What accounts are remembered by. */
export type AccountMemory = Omit<Memory, 'decided'>

/** What `makeClosing` has gathered; -Infinity is null. */
export type ClosingState = Readonly<z.infer<typeof closing>>
export type EmptyWindow = Readonly<z.infer<typeof empty>>
export type DecidedCell = Readonly<z.infer<typeof decided>>
export type WindowBase = Readonly<z.infer<typeof base>>

const time = z.number().nullable()
const closing = z.object({
  slot: z.number(),
  closed: time,
  /** feed → nothing older than this is to come */
  complete: z.record(z.string(), z.number()),
  firsts: z.object({ latest: time, kept: z.array(z.object({ arrival: z.number(), seq: z.number() })) }),
})
const empty = z.object({
  series: z.string(),
  /** of the window, UnixMs */
  start: z.number(),
  reason: z.enum(['floor', 'unusable', 'exhausted', 'redraw_refused']),
  /** of its last reading that came in time */
  last_seq: z.number(),
})
const base = z.object({
  series: z.string(),
  /** of the input, in the order of the column's */
  input: z.number(),
  /** of the window that the reading lies in, UnixMs */
  start: z.number(),
  seq: z.number(),
})
const decided = z.object({
  /** series and what its noise was drawn for */
  key: z.string(),
  /** of the window, UnixMs */
  start: z.number(),
  value: z.number().nullable(),
  q: z.number(),
  reason: z.enum(['', 'floor', 'unusable', 'exhausted', 'redraw_refused']),
})
const memory = z.object({
  v: z.literal(1),
  closing: z.record(z.string(), closing),
  empty: z.array(empty),
  bases: z.array(base),
  decided: z.array(decided).default([]),
})

const NOTHING: Memory = { closing: {}, empty: [], bases: [], decided: [] }

/** Reads what `writeMemory` wrote; of anything else nothing is known, and the accounts say too much rather than too little. */
export function readMemory(text: string | undefined): Memory {
  if (text === undefined) return NOTHING
  const read = memory.safeParse(JSON.parse(text))
  return read.success ? read.data : NOTHING
}

export function writeMemory(remembered: Memory): string {
  return JSON.stringify({ v: 1, ...remembered })
}
