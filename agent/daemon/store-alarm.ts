import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import type { StoreClient } from './store-client.ts'

const KEY = 'store'

/**
 * The alarm that commits fail. A disk that refuses readings mostly refuses its alarm too, so that it is recorded when
 * the disk is back. `null` ends it, also where a killed run left it open.
 */
export function makeStoreAlarm(
  store: Pick<StoreClient, 'raiseAlarm' | 'clearAlarm'>,
  clock: Clock,
  log: Log,
): (fault: Fault | null) => void {
  let untold: Parameters<StoreClient['raiseAlarm']>[0] | null = null
  let told = Promise.resolve()

  async function raise(alarm: NonNullable<typeof untold>): Promise<void> {
    untold = alarm
    await store.raiseAlarm(alarm)
    untold = null
  }

  async function clear(): Promise<void> {
    if (untold) await raise(untold)
    await store.clearAlarm(KEY, clock.now())
  }

  return (fault) => {
    const alarm = fault && { key: KEY, code: fault.code, message: fault.message, at: clock.now() }
    told = told
      .then(() => (alarm ? raise(alarm) : clear()))
      .catch((err) => log.warn({ err }, 'the store does not take its own alarm yet'))
  }
}
