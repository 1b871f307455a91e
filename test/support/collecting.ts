import type { Delivery, Marks, Source, SourceContext } from '../../adapters/source.ts'
import { type Clock, makeClock } from '../../core/clock.ts'
import type { OutageNote } from '../../core/ledger.ts'
import { type Log, silentLog } from '../../core/log.ts'
import { qualityOf } from '../../core/quality.ts'
import { valueAt } from '../../core/reading-block.ts'
import type { Value } from '../../core/signal.ts'

export interface StoredReading {
  readonly id: string
  readonly at: number
  readonly value: Value | null
  readonly quality: string
}

/** Stands for the store in tests of sources: keeps in memory what the real one makes durable. */
export interface MemoryStore {
  readonly readings: StoredReading[]
  readonly outages: OutageNote[]
  readonly refused: Record<string, number>
  readonly complete: Record<string, number>
  readonly marks: Map<string, Map<number, Uint8Array>>
  /** notes by key: of one source, as no test has two that note something */
  readonly memos: Map<string, string>
  append(source: Source, delivery: Delivery): void
  context(
    name: string,
    parts?: { readonly clock?: Clock; readonly log?: Log; readonly instance?: string },
  ): SourceContext
}

export function makeMemoryStore(): MemoryStore {
  const store: MemoryStore = {
    readings: [],
    outages: [],
    refused: {},
    complete: {},
    marks: new Map(),
    memos: new Map(),
    append(source, { block, outages = [], refused = {}, marks, memos = new Map() }) {
      for (let i = 0; i < block.times.length; i++) {
        const { quality, reason } = qualityOf(block.qualities[i]!)
        store.readings.push({
          id: source.signals[block.signals[i]!]!.id,
          at: block.times[i]!,
          value: valueAt(block, i),
          quality: reason === '' ? quality : `${quality}/${reason}`,
        })
      }
      store.outages.push(...outages)
      Object.assign(store.complete, block.complete_until)
      for (const [reason, n] of Object.entries(refused)) store.refused[reason] = (store.refused[reason] ?? 0) + n
      for (const [key, value] of memos) {
        if (value === null) store.memos.delete(key)
        else store.memos.set(key, value)
      }
      if (!marks) return
      const session = store.marks.get(marks.session) ?? new Map()
      for (const mark of marks.seen) session.set(mark.packet_id, mark.hash)
      store.marks.set(marks.session, session)
    },
    context: (name, { clock = makeClock(), log = silentLog, instance = 'test' } = {}) => ({
      name,
      clock,
      log,
      instance,
      async marks(session, after) {
        return [...(store.marks.get(session) ?? [])]
          .map(([packet_id, hash]): Marks['seen'][number] => ({ packet_id, hash }))
          .filter(({ packet_id }) => packet_id > after)
          .toSorted((a, b) => a.packet_id - b.packet_id)
      },
      memo: {
        get: async (key) => store.memos.get(key),
        list: async (prefix) => new Map([...store.memos].filter(([key]) => key.startsWith(prefix))),
        set: async (key, value) => void store.memos.set(key, value),
        async drop(prefix) {
          for (const key of store.memos.keys()) if (key.startsWith(prefix)) store.memos.delete(key)
        },
      },
      async dropMarks(prefix, keep) {
        for (const session of store.marks.keys())
          if (session.startsWith(prefix) && session !== keep) store.marks.delete(session)
      },
    }),
  }
  return store
}

/** A source being collected from. */
export interface Collecting {
  /** the fault that ended it, or undefined */
  fault(): unknown
  /** Ends the readings and closes the source. */
  stop(): Promise<void>
}

/**
 * Collects from a source as the agent does.
 * @param settle what happens to a delivery: by default it is stored and acknowledged at once
 */
export function collect(
  source: Source,
  store: MemoryStore,
  settle: (delivery: Delivery) => void | Promise<void> = (delivery) => {
    store.append(source, delivery)
    delivery.committed?.()
  },
): Collecting {
  const stop = new AbortController()
  let fault: unknown
  const done = (async () => {
    try {
      for await (const delivery of source.readings(stop.signal)) await settle(delivery)
    } catch (error) {
      fault = error
    }
  })()
  return {
    fault: () => fault,
    async stop() {
      stop.abort()
      await done
      await source[Symbol.asyncDispose]()
    },
  }
}
