import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommitQueue, makeCommitQueue } from '../../agent/daemon/commit-queue.ts'
import { type Liveness, makeLiveness } from '../../agent/daemon/liveness.ts'
import { openStoreClient, type StoreClient } from '../../agent/daemon/store-client.ts'
import type { Clock } from '../../core/clock.ts'
import { silentLog } from '../../core/log.ts'

/** What the agent's collectors write to; goes with its folder. */
export interface AgentStore extends AsyncDisposable {
  readonly store: StoreClient
  readonly queue: CommitQueue
  readonly liveness: Liveness
}

/**
 * A store of its own in a temporary folder, with the agent's queue before it. A refusing disk or a dead worker throws.
 * @param limits.max_age ms; so is keep_raw
 */
export async function openAgentStore(
  clock: Clock,
  limits: { readonly max_age: number; readonly keep_raw: number },
): Promise<AgentStore> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-agent-store-'))
  const store = await openStoreClient(
    { data_dir: folder, boot: 'run', now: clock.now(), max_size: 2e9, ...limits },
    {
      sealed: () => undefined,
      shut: () => undefined,
      died(error) {
        throw error
      },
    },
    silentLog,
  )
  const liveness = makeLiveness(clock)
  const queue = makeCommitQueue({
    commit: (commit) => store.append(commit),
    clock,
    sense: { isSane: () => true },
    log: silentLog,
    liveness,
    onTrouble(fault) {
      if (fault) throw fault
    },
  })
  return {
    store,
    queue,
    liveness,
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
