import type { UnixMs } from '../../core/brand.ts'
import type { OutageNote } from '../../core/ledger.ts'
import { makeBlockBuilder } from '../../core/reading-block.ts'
import type { Value } from '../../core/signal.ts'
import type { Delivery } from '../source.ts'

/** Between the pollers and whoever takes the deliveries; all that waits becomes one block, nothing is dropped. */
export interface DeliveryQueue {
  add(signal: number, at: number, value: Value | null, quality?: number): void
  /**
   * Work that adds and notes, put aside until what this turn of the event loop brought has led to new requests: devices
   * work on them meanwhile. It is done before anything is taken; what it throws, `take` throws.
   */
  later(work: () => void): void
  /** Counts a reading that a deadband left out. */
  leaveOut(): void
  note(outage: OutageNote): void
  /** Says that an asset has been read up to now, and wakes the taker. */
  complete(asset: string): void
  /** Resolves when there is room for more, or `stop` aborts: a consumer that is slow slows the pollers down. */
  room(stop: AbortSignal): Promise<void>
  /** Resolves when something waits, or `stop` aborts. */
  filled(stop: AbortSignal): Promise<void>
  /** What waits, or undefined. Readings are stamped as they come in, so up to `now` nothing older can follow. */
  take(now: UnixMs): Delivery | undefined
}

/** `most` readings may wait before pollers wait too. */
export function makeDeliveryQueue(most = 100_000): DeliveryQueue {
  const builder = makeBlockBuilder(256)
  let outages: OutageNote[] = []
  let assets = new Set<string>()
  let unchanged = 0
  let aside: (() => void)[] = []
  let failure: { readonly error: unknown } | undefined
  const taken = makeBell()
  const ready = makeBell()

  function catchUp(): void {
    const due = aside
    aside = []
    try {
      for (const work of due) work()
    } catch (error) {
      failure ??= { error }
    }
  }

  return {
    add: builder.add,
    later(work) {
      if (aside.push(work) === 1) setImmediate(catchUp)
    },
    leaveOut() {
      unchanged++
    },
    note(outage) {
      outages.push(outage)
    },
    complete(asset) {
      assets.add(asset)
      ready.ring()
    },
    async room(stop) {
      while (builder.length >= most && !stop.aborted) await taken.rung(stop)
    },
    async filled(stop) {
      while (assets.size === 0 && outages.length === 0 && !stop.aborted) await ready.rung(stop)
    },
    take(now) {
      catchUp()
      if (failure) throw failure.error
      if (assets.size === 0 && outages.length === 0 && builder.length === 0) return undefined
      const complete = Object.fromEntries([...assets].map((asset) => [asset, now]))
      const delivery: Delivery = {
        block: builder.take(now, complete),
        ...(outages.length > 0 && { outages }),
        ...(unchanged > 0 && { unchanged }),
      }
      outages = []
      unchanged = 0
      assets = new Set()
      taken.ring()
      return delivery
    },
  }
}

/** Wakes all who wait for it. */
function makeBell(): { ring(): void; rung(stop: AbortSignal): Promise<void> } {
  let bell = Promise.withResolvers<void>()
  return {
    ring() {
      bell.resolve()
      bell = Promise.withResolvers()
    },
    rung(stop) {
      const { promise, resolve } = bell
      if (stop.aborted) return Promise.resolve()
      const wake = (): void => resolve()
      stop.addEventListener('abort', wake, { once: true })
      return promise.finally(() => stop.removeEventListener('abort', wake))
    },
  }
}
