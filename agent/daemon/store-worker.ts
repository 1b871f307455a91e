import { parentPort, workerData } from 'node:worker_threads'
import type { Store } from '../../buffer/port.ts'
import { openStore } from '../../buffer/store.ts'
import { Fault } from '../../core/fault.ts'
import type { Log } from '../../core/log.ts'
import { makeAheadAlarm } from './ahead.ts'
import { unpackMarks } from './packed-marks.ts'
import { isPassing } from './passing.ts'
import { makePublisher, type Publisher } from './publish.ts'
import {
  type Call,
  type FromWorker,
  type Gate,
  type PostedCommit,
  type StoreCalls,
  type StoreSettings,
  toData,
} from './worker-port.ts'

/**
 * The thread that owns the SQLite file. It answers calls one at a time and publishes in between, in pieces small
 * enough that a commit never waits long for it.
 */

/** A publisher works this long (ms) before the thread looks for calls again. */
const SLICE = 15

const port = parentPort
if (!port) throw new Error('store-worker runs as a worker thread')
const post = (message: FromWorker): void => port.postMessage(message)
const say =
  (level: 'error' | 'warn' | 'info' | 'debug') =>
  (fields: object, message: string): void =>
    post({ kind: 'log', level, fields, message })
const log: Log = { error: say('error'), warn: say('warn'), info: say('info'), debug: say('debug') }

/** After a fault that is not the gate's own, its publisher starts anew this much later (ms), each time twice as late. */
const PAUSE = 5_000
const LONGEST_PAUSE = 60_000
/** Fresh starts in a row that bring nothing before the gate is shut: the disk is not what is wrong. */
const FRESH_STARTS = 3

interface OpenGate {
  readonly gate: Gate
  /** absent while it pauses */
  publisher?: Publisher
  /** readings that the publisher has in its windows are gone from the store: it starts anew before its next step */
  isStale?: boolean
  failures: number
}

const gates = new Map<string, OpenGate>()
/** the next round of publishing, where one is due */
let pumping: NodeJS.Immediate | undefined

const store = open()
const tellAhead = makeAheadAlarm(store, log)

/** Call 0 is the opening itself. */
function open(): Store {
  try {
    const opened = openStore({
      ...(workerData as StoreSettings),
      log,
      busy: () => post({ kind: 'busy' }),
      fateOnEviction: (pool, block) => gates.get(pool)?.publisher?.fateOnEviction(block),
    })
    post({ kind: 'answer', id: 0, value: undefined })
    return opened
  } catch (error) {
    refuse(0, error)
    return process.exit(1)
  }
}

function refuse(id: number, error: unknown): void {
  if (error instanceof Fault) post({ kind: 'refusal', id, fault: toData(error) })
  else post({ kind: 'crash', id, error: error instanceof Error ? error : new Error(String(error)) })
}

function openGate(gate: Gate, failures = 0): void {
  const publisher = makePublisher({ store, gate })
  gates.set(gate.pool, { gate, publisher, failures })
  pump()
}

/** A gate whose publisher failed: shut where a person must act, else begun anew from what the store holds. */
function recover(pool: string, error: unknown): void {
  const open = gates.get(pool)
  if (!open) return
  const isLasting = error instanceof Fault || open.failures >= FRESH_STARTS
  if (isLasting && !isPassing(error)) return shutGate(pool, error)
  log.warn({ pool, failures: open.failures + 1, err: error }, 'publishing failed and starts anew')
  const paused: OpenGate = { gate: open.gate, failures: open.failures + 1 }
  gates.set(pool, paused)
  setTimeout(
    () => {
      if (gates.get(pool) === paused) attempt(pool, () => openGate(paused.gate, paused.failures))
    },
    Math.min(LONGEST_PAUSE, PAUSE * 2 ** open.failures),
  )
}

function attempt(pool: string, act: () => void): void {
  try {
    act()
  } catch (error) {
    recover(pool, error)
  }
}

/** What the pool's publisher holds is not what the store holds any more. */
function startAnew(pool: string): void {
  const open = gates.get(pool)
  if (open) open.isStale = true
}

function shutGate(pool: string, error: unknown): void {
  gates.delete(pool)
  const message = error instanceof Error ? error.message : String(error)
  post({
    kind: 'gate',
    pool,
    fault: toData(error instanceof Fault ? error : new Fault('seal-failed', { pool }, message)),
  })
  if (!(error instanceof Fault)) log.error({ pool, err: error }, 'publishing failed')
}

/** Publishes for every open gate in turn, giving way to calls after each slice. */
function pump(): void {
  pumping ??= setImmediate(() => {
    pumping = undefined
    let more = stamp()
    for (const [pool, open] of gates) {
      attempt(pool, () => {
        more = publishSlice(open) || more
      })
    }
    if (more) pump()
  })
}

/** Blocks whose time has become known are stamped before anything is published. @returns whether there is more to do */
function stamp(): boolean {
  try {
    return store.restamp()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    log.warn({ code: error.code }, `blocks could not be stamped anew, it is tried again: ${error.message}`)
    return false
  }
}

/** @returns whether there is more to do */
function publishSlice(open: OpenGate): boolean {
  if (open.isStale && open.publisher) {
    // A full buffer gives way at every commit. Until a batch has gone there is nothing to read all those blocks again for.
    if (open.publisher.hasRoom()) openGate(open.gate)
    return false
  }
  const until = performance.now() + SLICE
  while (open.publisher && performance.now() < until) {
    const step = open.publisher.step()
    if (step.kind === 'idle') return false
    if (step.kind === 'sealed') {
      open.failures = 0
      post({ kind: 'sealed', pool: open.gate.pool, dataset: step.dataset, rows: step.rows })
    }
  }
  return open.publisher !== undefined
}

const calls: Omit<StoreCalls, 'append'> & { append(commit: PostedCommit): ReturnType<Store['append']> } = {
  ...store,
  append(commit) {
    const stored = store.append({ ...commit, marks: unpackMarks(commit.marks) })
    stored.evicted.forEach(startAnew)
    pump()
    return stored
  },
  settle(pool, id, settlement) {
    store.settle(pool, id, settlement)
    pump() // room in `max_sealed_ahead`
  },
  disown(pool, id, at) {
    const was = store.disown(pool, id, at)
    if (was === 'renewed') [...gates.keys()].forEach(startAnew)
    pump()
    return was
  },
  dropBatches(filter, message, at) {
    const dropped = store.dropBatches(filter, message, at)
    pump() // room in `max_sealed_ahead`
    return dropped
  },
  tidy(now) {
    store.tidy(now)
    for (const [pool, { publisher }] of gates) if (publisher) tellAhead(pool, publisher.ahead(now), now)
  },
  openGate(gate) {
    gates.set(gate.pool, { gate, failures: 0 })
    attempt(gate.pool, () => openGate(gate))
  },
  closeGate(pool) {
    gates.delete(pool)
  },
  close() {
    clearImmediate(pumping)
    gates.clear()
    store[Symbol.dispose]()
  },
}

port.on('message', ({ id, method, args }: Call) => {
  try {
    post({ kind: 'answer', id, value: (calls[method] as (...args: readonly unknown[]) => unknown)(...args) })
  } catch (error) {
    refuse(id, error)
  }
})
