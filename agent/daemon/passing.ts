import { Fault, type FaultCode } from '../../core/fault.ts'

/** What a disk says, or who holds its file, and what it will not say for ever. */
const OF_THE_STORE: readonly FaultCode[] = ['store-io', 'store-full', 'store-locked']

/** Whether a fault may be gone at the next try, without a restart. */
export function isPassing(error: unknown): boolean {
  return error instanceof Fault && (error.fate === 'retries' || OF_THE_STORE.includes(error.code))
}
