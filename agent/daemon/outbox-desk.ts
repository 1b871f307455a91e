import type { OutboxEntry, OutboxFilter } from '../../buffer/batch-port.ts'
import type { Store } from '../../buffer/port.ts'
import { type BatchId, batchId, type SealedBatch } from '../../core/batch.ts'
import { type UnixMs, unixMs } from '../../core/brand.ts'
import { Fault } from '../../core/fault.ts'

/** A batch with its payload in base64; null where the payload is gone. Fit for JSON. */
export interface ShownBatch {
  readonly entry: OutboxEntry
  readonly batch: (Omit<SealedBatch, 'bytes'> & { readonly bytes: string }) | null
}

/** Where a person looks after batches: the same for a running agent and for its data folder. */
export interface OutboxDesk {
  list(filter: OutboxFilter): Promise<readonly OutboxEntry[]>
  /** null: there is no such batch */
  show(id: string): Promise<ShownBatch | null>
  /** Queues quarantined batches again, and has every pool tried now. @returns those queued */
  retry(filter: OutboxFilter): Promise<readonly BatchId[]>
  /** Gives up queued and quarantined batches for good. @returns those */
  drop(filter: OutboxFilter, message: string): Promise<readonly BatchId[]>
}

type Calls = 'outbox' | 'outboxBatch' | 'retryBatches' | 'dropBatches'

/** @param retried called when somebody wants batches sent again, so that none need wait, those that are queued already too */
export function makeOutboxDesk(
  store: {
    readonly [M in Calls]: (...args: Parameters<Store[M]>) => ReturnType<Store[M]> | Promise<ReturnType<Store[M]>>
  },
  now: () => UnixMs,
  retried: () => void = () => undefined,
): OutboxDesk {
  return {
    list: async (filter) => store.outbox(filter),
    async show(id) {
      const found = await store.outboxBatch(id)
      if (!found) return null
      const { entry, batch } = found
      return { entry, batch: batch && { ...batch, bytes: Buffer.from(batch.bytes).toString('base64') } }
    },
    async retry(filter) {
      const ids = await store.retryBatches(filter, now())
      retried()
      return ids
    },
    drop: async (filter, message) => store.dropBatches(filter, message, now()),
  }
}

const METHODS = ['list', 'show', 'retry', 'drop'] as const

/** Answers of a running agent to `remoteDesk`: `argument` is the JSON of a method's name and its arguments. */
export function answerDesk(desk: OutboxDesk): (argument: string) => Promise<unknown> {
  return async (argument) => {
    const [method, ...args] = JSON.parse(argument) as [(typeof METHODS)[number], ...never[]]
    if (!METHODS.includes(method)) throw new Fault('usage', {}, 'the outbox does not know this question')
    return (desk[method] as (...given: never[]) => Promise<unknown>)(...args)
  }
}

/** The desk of a running agent. @param ask puts a question to it */
export function remoteDesk(ask: (argument: string) => Promise<unknown>): OutboxDesk {
  const call = (method: (typeof METHODS)[number], ...args: readonly unknown[]) => ask(JSON.stringify([method, ...args]))
  return {
    list: async (filter) => (await call('list', filter)) as readonly OutboxEntry[],
    show: async (id) => (await call('show', id)) as ShownBatch | null,
    retry: async (filter) => (await call('retry', filter)) as readonly BatchId[],
    drop: async (filter, message) => (await call('drop', filter, message)) as readonly BatchId[],
  }
}

/** A shown batch as a pool takes it. */
export function sealedBatchOf(shown: NonNullable<ShownBatch['batch']>): SealedBatch {
  return {
    ...shown,
    id: batchId(shown.id),
    from: unixMs(shown.from),
    until: unixMs(shown.until),
    bytes: Buffer.from(shown.bytes, 'base64'),
  }
}
