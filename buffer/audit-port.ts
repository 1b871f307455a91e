import type { AuditEvent } from '../core/audit.ts'
import type { UnixMs } from '../core/brand.ts'

/** What a store does with its transparency log beside what it writes by itself; see `Store` for what holds of every call. */
export interface AuditStore {
  /** A leaf for the gate of a pool, where that is not what the log said of it last. */
  noteGate(event: Extract<AuditEvent, { kind: 'gate_opened' | 'gate_shut' }>, at: UnixMs): void
  /** A leaf for what has no other call. */
  record(event: AuditEvent, at: UnixMs): void
  /** Keeps a signed checkpoint of the first `size` leaves. */
  addCheckpoint(size: number, text: string): void
}
