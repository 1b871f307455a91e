import type { Pool } from '../../core/batch.ts'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import { backoffMs } from '../../core/retry.ts'
import type { SigningKey } from '../../uplink/signature.ts'
import { makeWithdrawal } from '../../uplink/withdrawal.ts'
import type { StoreClient } from './store-client.ts'

/** A pool that cannot be reached is asked ever more rarely (ms), for as long as it takes. */
const RETRY = { base: 60_000, cap: 3_600_000, floor: 60_000 }

/** What a withdrawal works with. */
export interface WithdrawalInput {
  readonly pool: string
  /** Opens the pool for one attempt: what keeps it shut, a certificate or a proxy, may be mended before the next. */
  readonly open: () => Promise<Pick<Pool, 'withdraw'> & AsyncDisposable>
  readonly store: Pick<StoreClient, 'withdrawal' | 'noteWithdrawn'>
  /** the plant's signing keys, the present one first: the pool may know a stream by the key it was sealed with */
  readonly keys: () => readonly SigningKey[]
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Has the pool withdraw what it owes still, stream by stream. What is done is noted at once, so that it may be cut at any time.
 * @returns why it is not complete, be it a disk that refuses, or null
 */
export async function withdrawOwed(input: WithdrawalInput): Promise<Fault | null> {
  try {
    return await askForOwed(input)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

async function askForOwed(input: WithdrawalInput): Promise<Fault | null> {
  const { pool, store, clock, signal } = input
  const owed = (await store.withdrawal(pool))?.streams.filter(({ receipt }) => receipt === null) ?? []
  if (owed.length === 0) return null
  const keys = input.keys()
  await using client = await input.open()
  let first: Fault | null = null
  for (const sealed of owed) {
    let refused: Fault | null = new Fault('key-missing', { pool }, 'there is no signing key to withdraw with')
    for (const key of keys) {
      if (signal.aborted) return first ?? refused
      const outcome = await client.withdraw(makeWithdrawal(pool, sealed, key), signal)
      refused = outcome.kind === 'failed' ? outcome.fault : null
      if (outcome.kind === 'withdrawn') await store.noteWithdrawn(pool, sealed.stream, outcome.receipt, clock.now())
      if (refused?.code !== 'pool-identity') break
    }
    first ??= refused
  }
  return first
}

/**
 * Goes on with it until it is complete or the signal aborts.
 * @param input.alarm raises the alarm of it, or ends it (null) · `attempted` told what came of the first attempt
 */
export async function runWithdrawal(
  input: WithdrawalInput & {
    readonly log: Log
    readonly alarm: (fault: Fault | null) => void
    readonly attempted?: (fault: Fault | null) => void
  },
): Promise<void> {
  const { pool, clock, log, signal, alarm, attempted = () => undefined } = input
  for (let attempt = 0; !signal.aborted; attempt++) {
    const fault = await withdrawOwed(input)
    attempted(fault)
    if (fault === null) {
      alarm(null)
      return log.info(
        { pool },
        'every stream that this data folder knows of is withdrawn, or ordered to be in the folder of the pool',
      )
    }
    if (signal.aborted) return
    if (attempt === 0) alarm(fault)
    await clock.sleep(backoffMs(attempt, RETRY), signal)
  }
}
