import type { LoadedConfig } from '../../config/load.ts'
import type { UnixMs } from '../../core/brand.ts'
import type { StoreClient } from './store-client.ts'

/** Keys of alarms that are about one pool. */
const POOL_ALARM = /^(?:gate|delivery|tls|ahead):(.+)$/

/**
 * Tells the store which pools are configured: the others are retired (buffer/README.md, "Retired pools"), and their alarms
 * end, because nobody works on what they say any more. Call once a run, before the first commit.
 */
export async function retirePools(
  store: Pick<StoreClient, 'retirePools' | 'status' | 'clearAlarm'>,
  loaded: Pick<LoadedConfig, 'pools' | 'problems'>,
  now: UnixMs,
): Promise<void> {
  const configured = Object.keys(loaded.pools)
  // Where a file that is wrong names no pool at all, its pools were rather misspelt than removed.
  if (configured.length === 0 && loaded.problems.length > 0) return
  await store.retirePools(configured)
  const { alarms } = await store.status(now)
  for (const { key, until } of alarms) {
    const pool = POOL_ALARM.exec(key)?.[1]
    if (until === null && pool !== undefined && !configured.includes(pool)) await store.clearAlarm(key, now)
  }
}
