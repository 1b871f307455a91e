import { Worker } from 'node:worker_threads'
import type { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import { packMarks } from './packed-marks.ts'
import {
  type Call,
  type FromWorker,
  fromData,
  METHODS,
  type Method,
  type PostedCommit,
  type StoreCalls,
  type StoreSettings,
} from './worker-port.ts'

/** The store as the main thread sees it: the same calls, answered by the worker. */
export type StoreClient = {
  readonly [M in Method]: (...args: Parameters<StoreCalls[M]>) => Promise<Awaited<ReturnType<StoreCalls[M]>>>
} & AsyncDisposable

/** News that the worker sends by itself. */
export interface StoreNews {
  /** a batch was sealed into the outbox */
  sealed(pool: string, dataset: string, rows: number): void
  /** a call takes long and goes on; told each second or so */
  busy?(): void
  /** the worker shut a pool's gate */
  shut(pool: string, fault: Fault): void
  /** the worker died: nothing can be stored any more, the process must end and be started again */
  died(error: Error): void
}

/**
 * Starts the worker thread and opens the store in it.
 * @throws Fault `store-locked` | `store-foreign` | `store-newer` | `store-io`
 */
export async function openStoreClient(settings: StoreSettings, news: StoreNews, log: Log): Promise<StoreClient> {
  const worker = new Worker(new URL('./store-worker.ts', import.meta.url), { workerData: settings })
  const waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>()
  let calls = 0
  let closing = false

  function fail(error: Error): void {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
    if (!closing) news.died(error)
  }

  function settle(id: number, act: (call: { resolve(value: never): void; reject(error: Error): void }) => void): void {
    const call = waiting.get(id)
    waiting.delete(id)
    if (call) act(call)
  }

  worker.on('message', (message: FromWorker) => {
    switch (message.kind) {
      case 'answer':
        return settle(message.id, (call) => call.resolve(message.value as never))
      case 'refusal':
        return settle(message.id, (call) => call.reject(fromData(message.fault)))
      case 'crash':
        return settle(message.id, (call) => call.reject(message.error))
      case 'busy':
        return news.busy?.()
      case 'sealed':
        return news.sealed(message.pool, message.dataset, message.rows)
      case 'gate':
        return news.shut(message.pool, fromData(message.fault))
      case 'log':
        return log[message.level](message.fields, message.message)
    }
  })
  worker.on('error', fail)
  worker.on('exit', (code) => fail(new Error(`store worker ended with code ${code}`)))

  function call(method: Method, args: readonly unknown[]): Promise<never> {
    const id = ++calls
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.postMessage({ id, method, args } satisfies Call)
    })
  }

  await new Promise<void>((resolve, reject) => {
    waiting.set(0, { resolve: () => resolve(), reject })
  })

  return {
    ...(Object.fromEntries(METHODS.map((m) => [m, (...args: unknown[]) => call(m, args)])) as unknown as Omit<
      StoreClient,
      typeof Symbol.asyncDispose
    >),
    append: (commit) => call('append', [{ ...commit, marks: packMarks(commit.marks) } satisfies PostedCommit]),
    async [Symbol.asyncDispose]() {
      closing = true
      await call('close', [])
      await worker.terminate()
    },
  }
}
