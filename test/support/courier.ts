import { onTestFinished } from 'vitest'
import { makeAllowance } from '../../agent/daemon/allowance.ts'
import { makeBell } from '../../agent/daemon/bell.ts'
import { type CourierInput, startCourier } from '../../agent/daemon/deliver.ts'
import { makeLiveness } from '../../agent/daemon/liveness.ts'
import type { Disowned, Settlement } from '../../buffer/batch-port.ts'
import type { SealedBatch, Verdict } from '../../core/batch.ts'
import { Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import type { Schedule } from '../../uplink/schedule.ts'
import { makeFakeClock } from './fake-clock.ts'
import { batchOf } from './store.ts'
import { makeStoreClient } from './store-client.ts'

export const HOUR = 3_600_000
/** When its fake clock begins. */
export const NOON = Date.UTC(2026, 5, 1, 12)
/** What a pool may say. */
export const accepted: Verdict = { kind: 'accepted', receipt: { kind: 'file', path: 'lake/1', sha256: 'ab' } }
export const retry = (after_ms: number): Verdict => ({
  kind: 'retry',
  after_ms,
  fault: new Fault('pool-unavailable', {}, 'busy'),
})
export const rejected = (message = 'unit'): Verdict => ({
  kind: 'rejected',
  fault: new Fault('pool-rejected', {}, message),
})
export const mismatch: Verdict = { kind: 'rejected', fault: new Fault('pool-mismatch', {}, 'other bytes') }
export const hold: Verdict = { kind: 'hold', fault: new Fault('pool-identity', {}, 'who are you') }
export const closed: Verdict = { kind: 'closed', fault: new Fault('pool-closed', {}, 'it is over') }

/** A courier on a fake clock; `pool.judge` is what the pool makes of a batch, `disk.refuse` what the store throws. */
export function setUpCourier(
  batches: number,
  {
    schedule = { closedUntil: () => undefined, budget: undefined },
    ...options
  }: Partial<Omit<CourierInput, 'schedule'>> & { readonly schedule?: Schedule } = {},
) {
  const clock = makeFakeClock(NOON)
  const liveness = makeLiveness(clock)
  const stop = new AbortController()
  const wake = makeBell(clock)
  const outbox = Array.from({ length: batches }, (_, i) => batchOf('lake', i))
  const sent: SealedBatch[] = []
  const settled: { readonly seq: number; readonly kind: Settlement['kind'] }[] = []
  const noted: string[] = []
  const bytesSent = new Map<string, number>()
  const alarms: string[] = []
  const disk: { refuse: Error | null } = { refuse: null }
  /** batches that this run sealed, and what those are of which the pool holds others */
  const run: { sealed: readonly SealedBatch[]; disowned: Disowned } = { sealed: [], disowned: 'old' }
  const pool = { judge: async (_: SealedBatch): Promise<Verdict> => accepted }
  const store = makeStoreClient({
    async nextBatch(_, { end = 'oldest', except = [], of } = {}) {
      const among = of ? run.sealed : outbox
      const left = outbox.filter((batch) => among.includes(batch) && !except.includes(batch.id))
      return end === 'oldest' ? left[0] : left.at(-1)
    },
    disown: async () => run.disowned,
    noteAttempt: async (_, id, { code }) => void noted.push(`${id} ${code}`),
    async countSent(_, day, bytes) {
      bytesSent.set(day, (bytesSent.get(day) ?? 0) + bytes)
      return bytesSent.get(day)!
    },
    async settle(_, id, settlement) {
      if (disk.refuse) throw disk.refuse
      const [batch] = outbox.splice(
        outbox.findIndex((b) => b.id === id),
        1,
      )
      settled.push({ seq: batch!.seq, kind: settlement.kind })
    },
    raiseAlarm: async (alarm) => void alarms.push(`${alarm.key} ${alarm.code}`),
    clearAlarm: async (key) => void alarms.push(`${key} over`),
  })
  const courier = startCourier({
    pool: 'lake',
    client: {
      deliver(batch) {
        sent.push(batch)
        return pool.judge(batch)
      },
      bury: async () => null,
      withdraw: async () => Promise.reject(new TypeError('nothing is withdrawn here')),
      [Symbol.asyncDispose]: async () => undefined,
    },
    store,
    onClosed: async ({ code }) => void alarms.push(`over: ${code}`),
    order: 'oldest_first',
    schedule,
    allowance: makeAllowance({ pool: 'lake', store, budget: schedule.budget, clock }),
    longest_rest: HOUR,
    refused: [],
    wake,
    clock,
    log: silentLog,
    liveness,
    signal: stop.signal,
    ...options,
  })
  const halt = (): void => stop.abort()
  onTestFinished(async () => {
    halt()
    await courier.done
  })
  return { clock, liveness, halt, wake, outbox, sent, settled, noted, bytesSent, alarms, disk, run, pool, courier }
}
