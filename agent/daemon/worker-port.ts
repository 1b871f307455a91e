import type { Commit, Store } from '../../buffer/port.ts'
import type { openStore } from '../../buffer/store.ts'
import { Fault, type FaultCode, type FaultWhere } from '../../core/fault.ts'
import type { DisclosurePlan } from '../../privacy/compile.ts'
import type { PackedMarks } from './packed-marks.ts'

/**
 * The messages between the main thread and the store worker. Calls are answered in order; a Fault travels as data and
 * is thrown again on the other side.
 */

/** Everything the worker needs to open a pool's gate; plain data, so that it can be posted. */
export interface Gate {
  readonly pool: string
  readonly plan: DisclosurePlan
  /** 32 bytes */
  readonly plant_key: Uint8Array
  /** one line, base64 of the Ed25519 seed */
  readonly signing_key: string
  /** the policy document without its secrets; its salted hash goes into every manifest */
  readonly policy: unknown
  readonly contract: { readonly id: string; readonly sha256: string }
  readonly size_class: Readonly<Record<string, number>>
  /** ms */
  readonly max_sealed_ahead: number
  /** ms */
  readonly max_skew: number
}

/** Methods of the store that the main thread may call. */
const OF_THE_STORE = [
  'intern',
  'append',
  'marks',
  'dropMarks',
  'memo',
  'setMemo',
  'memos',
  'dropMemos',
  'startRun',
  'retirePools',
  'retirePool',
  'withdrawal',
  'withdrawPool',
  'noteWithdrawn',
  'joinPool',
  'openPool',
  'nextBatch',
  'settle',
  'disown',
  'unburied',
  'buried',
  'noteAttempt',
  'countSent',
  'outbox',
  'outboxBatch',
  'retryBatches',
  'dropBatches',
  'noteGate',
  'record',
  'addCheckpoint',
  'raiseAlarm',
  'clearAlarm',
  'tidy',
  'claimed',
  'status',
  'look',
] as const satisfies readonly (keyof Store)[]

/** These, plus the gates. */
export type StoreCalls = Pick<Store, (typeof OF_THE_STORE)[number]> & {
  openGate(gate: Gate): void
  closeGate(pool: string): void
  /** Ends the worker's work: publishers stop, the file is closed. */
  close(): void
}

export type Method = keyof StoreCalls

/** Every method, for whoever makes a client. */
export const METHODS: readonly Method[] = [...OF_THE_STORE, 'openGate', 'closeGate', 'close']

/** What the worker is started with: the options of `openStore` that can be posted. */
export type StoreSettings = Omit<Parameters<typeof openStore>[0], 'log' | 'busy' | 'fateOnEviction' | 'free'>

/** A commit on its way to the worker. */
export type PostedCommit = Omit<Commit, 'marks'> & { readonly marks: readonly PackedMarks[] }

export interface Call {
  readonly id: number
  readonly method: Method
  readonly args: readonly unknown[]
}

export interface FaultData {
  readonly code: FaultCode
  readonly where: FaultWhere
  readonly message: string
}

/** What the worker posts: answers to calls, and news. */
export type FromWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly fault: FaultData }
  | { readonly kind: 'crash'; readonly id: number; readonly error: Error }
  /** a call takes long and goes on */
  | { readonly kind: 'busy' }
  | { readonly kind: 'sealed'; readonly pool: string; readonly dataset: string; readonly rows: number }
  | { readonly kind: 'gate'; readonly pool: string; readonly fault: FaultData }
  | {
      readonly kind: 'log'
      readonly level: 'error' | 'warn' | 'info' | 'debug'
      readonly fields: object
      readonly message: string
    }

export function toData(fault: Fault): FaultData {
  return { code: fault.code, where: fault.where, message: fault.message }
}

export function fromData(data: FaultData): Fault {
  return new Fault(data.code, data.where, data.message)
}
